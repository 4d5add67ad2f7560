"""Label maps and segmentors: B054, B090, B091, B104 and their kind."""
import numpy as np
import pytest
from inputs import (Image, check, noise, problem, problems, scenes,
                    segmentation, turn, warnings)

pytestmark = pytest.mark.downstream
pytest.importorskip('mmseg')


def test_what_is_right_passes(tmp_path):
    report = check(segmentation(scenes(tmp_path)))
    assert report.passed, str(report)
    assert 'train: 4 label maps with 2 of 2 classes' in str(report)
    assert 'evaluated by IoUMetric' in str(report)


def test_reduce_zero_label_with_labels_from_0_b090(tmp_path):
    said = problem(segmentation(scenes(tmp_path), reduce_zero_label=True))
    assert 'The last class (fg) occurs in none of the label maps' in said
    assert 'set it to False' in said


def test_reduce_zero_label_with_three_classes(tmp_path):
    root = scenes(tmp_path)
    for path in (root / 'annotations').iterdir():
        Image.fromarray(np.uint8(np.arange(48 * 64).reshape(48, 64) %
                                 3)).save(path)
    classes = ('bg', 'cat', 'dog')
    assert not problems(segmentation(root, classes))
    said = problem(segmentation(root, classes, reduce_zero_label=True))
    assert 'The last class (dog)' in said


def test_reduce_zero_label_with_labels_from_1(tmp_path):
    root = scenes(tmp_path, labels=(1, 2))
    assert not problems(segmentation(root, reduce_zero_label=True))
    said = problem(segmentation(root))
    assert 'has the label 2' in said and 'reduce_zero_label=True' in said


def test_our_loading_step_says_it_itself(tmp_path):
    import mmmix.datasets.segmentation  # noqa: F401
    root = scenes(tmp_path, labels=(1, 2))
    load = dict(type='mmmix.LoadSegMap', num_classes=2)
    said = problem(segmentation(root, load=load))
    assert '.png' in said and 'has the label 2' in said


def test_a_class_that_occurs_nowhere(tmp_path):
    said = ' '.join(
        warnings(segmentation(scenes(tmp_path), ('bg', 'fg', 'sky'))))
    assert 'Some classes (sky) occur in none' in said


def one_class(root):
    scenes(root)
    for path in (root / 'annotations').iterdir():
        mask = np.full((48, 64), 255, np.uint8)
        mask[10:30, 10:40] = 0
        Image.fromarray(mask).save(path)
    return segmentation(root, ('crack', ))


def test_one_class_by_softmax_b091(tmp_path):
    said = ' '.join(problems(one_class(tmp_path)))
    assert 'softmax of one class is always 1' in said
    assert 'use_sigmoid=True' in said


def test_one_class_by_sigmoid(tmp_path):
    cfg = one_class(tmp_path)
    cfg.model.decode_head.loss_decode.use_sigmoid = True
    cfg.model.decode_head.threshold = 0.5
    assert not problems(cfg)


def test_everything_is_ignored(tmp_path):
    cfg = segmentation(scenes(tmp_path, labels=(255, 255)))
    assert 'No weight gets a gradient' in ' '.join(problems(cfg))


@pytest.mark.parametrize('augments', [
    [dict(type='mmmix.CutMix', alpha=1.)],
    dict(augments=[dict(type='mmmix.SMMix')]),
    [dict(type='mmpretrain.Mixup', alpha=1.)],
])
def test_mixing_in_a_segmentor_b054(tmp_path, augments):
    cfg = segmentation(scenes(tmp_path))
    cfg.model.data_preprocessor.batch_augments = augments
    said = problem(cfg)
    assert 'cannot mix for a EncoderDecoder' in said
    assert 'Mixing is for classification' in said


def test_mixers_of_a_segmentor_in_train_cfg(tmp_path):
    cfg = segmentation(scenes(tmp_path))
    cfg.model.train_cfg = dict(augments=[dict(type='mmmix.CutMix')])
    assert 'does not read augments' in problem(cfg)


def test_a_switch_of_mixers_in_a_segmentor(tmp_path):
    cfg = segmentation(scenes(tmp_path))
    cfg.custom_hooks = [
        dict(
            type='mmpretrain.SwitchRecipeHook',
            schedule=[
                dict(
                    action_epoch=2,
                    batch_augments=dict(augments=[dict(type='Mixup')]))
            ])
    ]
    assert 'cannot switch the mixing' in problem(cfg)


def test_more_names_than_the_head_has_classes(tmp_path):
    cfg = segmentation(scenes(tmp_path))
    cfg.model.decode_head.num_classes = 5
    said = ' '.join(problems(cfg))
    assert 'decode_head has num_classes=5' in said and '2 classes' in said


def test_a_turned_photo_and_its_label_map_b104(tmp_path):
    root = scenes(tmp_path)
    turn(root / 'images/1.jpg')
    said = problem(segmentation(root))
    assert 'images/1.jpg' in said
    assert '64 x 48' in said and '48 x 64 in its label map' in said


def test_a_label_map_of_another_size(tmp_path):
    root = scenes(tmp_path, mask_size=(40, 64))
    assert '40 x 64 in its label map' in problem(segmentation(root))


def test_last_batch_of_one_image_with_pyramid_pooling_b030(tmp_path):
    cfg = segmentation(scenes(tmp_path, n=3))
    cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1)
    cfg.model.decode_head.update(type='PSPHead', pool_scales=(1, 2))
    for key in ('num_convs', 'concat_input'):
        cfg.model.decode_head.pop(key, None)
    said = problem(cfg)
    assert 'last batch of an epoch has one image' in said
    cfg.train_dataloader.drop_last = True
    assert not problems(cfg)


def test_images_of_different_sizes_are_padded(tmp_path):
    root = scenes(tmp_path)
    noise(40, 56).save(root / 'images/0.jpg')
    Image.fromarray(np.zeros((40, 56),
                             np.uint8)).save(root / 'annotations/0.png')
    assert not problems(segmentation(root))


@pytest.mark.parametrize('batch_size', [1, 2])
def test_the_first_images_are_ignored(tmp_path, batch_size):
    root = scenes(tmp_path, n=8)
    for i in range(7):
        Image.fromarray(np.full((48, 64), 255,
                                np.uint8)).save(root / f'annotations/{i}.png')
    cfg = segmentation(root)
    cfg.train_dataloader.batch_size = batch_size
    report = check(cfg)
    assert report.passed, str(report)
