"""A frozen guide that knows more classes than the model under training."""
import pytest
import torch
from helpers import NUM_CLASSES, batch, build, cnn_config, vit_config
from mmengine.config import Config

from mmmix.models.guides.class_map import class_indices

TOP_DOWN = dict(type='mmmix.TopDown')
CONSISTENCY = dict(consistency=dict(type='mmmix.ConsistencyLoss'))
SMMIX = dict(type='mmmix.SMMix')
MANY = 9
CLASSES = [6, 2, 0, 8, 3]
BOTH = frozenset({'attention', 'logits'})


def guide_of(teacher_cfg, state, folder, name, **options):
    torch.save(state, folder / f'{name}.pth')
    return dict(
        type='FrozenGuide',
        config=Config(dict(model=teacher_cfg)),
        checkpoint=str(folder / f'{name}.pth'),
        attention_map=TOP_DOWN,
        **options)


def guides(cfg, folder):
    """A guide of nine classes with a class map, and one that has just the
    five, with their rows of the same head."""
    found = {}
    state = build(cfg(head=dict(num_classes=MANY))).state_dict()
    found['mapped'] = guide_of(
        cfg(head=dict(num_classes=MANY)),
        state,
        folder,
        'mapped',
        classes=CLASSES)
    few = {
        name:
        torch.stack([value[i]
                     for i in CLASSES]) if name.startswith('head') else value
        for name, value in state.items()
    }
    found['few'] = guide_of(cfg(), few, folder, 'few')
    return found


@pytest.mark.parametrize('cfg', [vit_config, cnn_config])
@pytest.mark.parametrize('soft', [False, True])
def test_it_guides_as_one_of_these_classes_alone(cfg, soft, tmp_path):
    images = torch.stack(batch()['inputs'])
    labels = torch.eye(NUM_CLASSES)[torch.arange(6) % NUM_CLASSES]
    if soft:
        labels = .7 * labels + .3 * labels.flip(0)
    answers = []
    for guide in guides(cfg, tmp_path).values():
        model = build(vit_config([SMMIX], CONSISTENCY, guide=guide))
        guide = model.data_preprocessor.guides['logits']
        answers.append(guide(model, images, BOTH, labels))
    mapped, few = answers
    assert mapped.logits.shape == (6, NUM_CLASSES)
    torch.testing.assert_close(mapped.logits, few.logits)
    torch.testing.assert_close(mapped.attention, few.attention)
    # and not as one of other classes
    other = guide(model, images, BOTH, labels.flip(1))
    assert not torch.allclose(mapped.attention, other.attention)


def test_classes_of_imagenet_are_known_by_name():
    # torchvision's list of the categories has these at these places
    assert class_indices(
        ['n01440764', 'n15075141', 'goldfish, Carassius auratus', 999 - 1],
        1000).tolist() == [0, 999, 1, 998]


@pytest.mark.parametrize('classes, number, problem', [
    ([0, 9], 9, '1 of the 2 `classes`.*of its 9 classes, such as 9'),
    (['n01440764'], 9, "such as 'n01440764'"),
    (['n00000000', 1], 1000, "such as 'n00000000'.*wnids"),
    (['crane'], 1000, "such as 'crane'"),
    ([-1], 1000, 'such as -1'),
    (['n01440764', 0], 1000, "have 'n01440764' twice"),
])
def test_unknown_classes_are_refused(classes, number, problem):
    with pytest.raises(ValueError, match=problem):
        class_indices(classes, number)


def test_a_wrong_number_and_a_missing_map_are_refused(tmp_path):
    mapped = guides(vit_config, tmp_path)['mapped']
    for classes, problem in ((CLASSES[1:],
                              'names 4 classes and the model.* 5'),
                             (None, 'has 9 classes.* 5,.*by `classes` of')):
        with pytest.raises(ValueError, match=problem):
            build(vit_config([SMMIX], guide=dict(mapped, classes=classes)))


def test_a_guide_without_classes_has_no_map():
    bare = cnn_config()
    del bare['head'], bare['neck']
    guide = dict(type='FrozenGuide', config=dict(model=bare), classes=[1, 2])
    with pytest.raises(ValueError, match='of its 0 classes'), \
            pytest.warns(UserWarning, match='RANDOM'):
        build(vit_config([SMMIX], guide=guide))
