"""Gradients by pixel from a guide: right, and without a trace."""
import copy

import pytest
import torch
import torch.nn.functional as F
from helpers import FLOAT16, NUM_CLASSES, batch, build, cnn_config, vit_config
from test_frozen_guide import frozen_guide

from mmmix.errors import MissingIngredient
from mmmix.models import EMAGuide, FrozenGuide, MixLoss, SelfGuide
from mmmix.registry import MODELS

SALIENCY = frozenset({'saliency'})
ALL = frozenset({'attention', 'logits', 'saliency'})


@MODELS.register_module(force=True)
class RequiringSaliency(MixLoss):
    """A loss whose only purpose is to require it."""

    requires = SALIENCY

    def compute(self, head, logits, mixed, guidance, tokens):
        return 0 * logits.sum() + guidance.saliency.mean()


REQUIRING = dict(
    augments=[dict(type='mmmix.CutMix')],
    mix_losses=dict(saliency=dict(type='RequiringSaliency')))


def soft_labels(n=4):
    return torch.rand(n, NUM_CLASSES).softmax(1)


def by_hand(network, images, labels):
    """One image at a time; ``network`` is a function of images."""
    maps = []
    for image, label in zip(images, labels):
        image = image[None].clone().requires_grad_()
        loss = -(label * network(image)[0].log_softmax(0)).sum()
        loss.backward()
        maps.append((image.grad[0]**2).mean(0)**0.5)
    return torch.stack(maps)


@pytest.mark.parametrize(
    'options',
    [{}, dict(scale=0.5), dict(input_size=(48, 40))])
@pytest.mark.parametrize('cfg', [vit_config, cnn_config])
def test_it_is_the_gradient_by_hand(cfg, options):
    model = build(cfg()).eval()
    images, labels = torch.randn(4, 3, 32, 32), soft_labels()

    def network(shown):
        size = SelfGuide(**options).size_for((32, 32))
        return model(
            F.interpolate(shown, size, mode='bilinear', antialias=True))

    expected = by_hand(network, images, labels)
    model.train()
    with torch.no_grad():
        found = SelfGuide(**options)(model, images, SALIENCY, labels)
    assert found.saliency.shape == (4, 32, 32)
    assert found.attention is None and found.logits is None
    torch.testing.assert_close(found.saliency, expected)


@pytest.mark.parametrize('n,size', [(1, (32, 32)), (3, (32, 48))])
def test_one_image_and_oblong_images(n, size):
    model = build(cnn_config())
    images, labels = torch.randn(n, 3, *size), soft_labels(n)
    found = SelfGuide()(model, images, SALIENCY, labels).saliency
    torch.testing.assert_close(found, by_hand(model.eval(), images, labels))


@pytest.mark.parametrize(
    'attention_map',
    [dict(type='mmmix.BottomUp'),
     dict(type='mmmix.TopDown', form='two_pass')])
def test_one_pass_gives_all_and_nothing_changes(attention_map):
    model = build(vit_config())
    model.backbone.pre_norm = torch.nn.BatchNorm1d(17)
    model.backbone.drop_after_pos.p = 0.5
    model.train()
    state = copy.deepcopy(model.state_dict())
    passes = []
    model.backbone.patch_embed.register_forward_hook(
        lambda *args: passes.append(1))
    images, labels = torch.randn(4, 3, 32, 32), soft_labels()
    guide = SelfGuide(attention_map=attention_map)
    apart = {
        word: getattr(guide(model, images, frozenset({word}), labels), word)
        for word in ALL
    }
    passes.clear()
    together = guide(model, images, ALL, labels)
    assert len(passes) == (2 if 'form' in attention_map else 1)
    for word, expected in apart.items():
        value = getattr(together, word)
        assert value.dtype == torch.float32 and not value.requires_grad
        torch.testing.assert_close(value, expected)
    assert all(p.grad is None for p in model.parameters())
    assert not images.requires_grad and images.grad is None
    assert model.training and model.backbone.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_no_hook_of_a_gradient_is_called():
    """As DistributedDataParallel hangs on each weight."""
    model = build(cnn_config(**REQUIRING)).train()
    called, accumulators = [], []
    for parameter in model.parameters():
        accumulator = parameter.expand_as(parameter).grad_fn.next_functions[0]
        accumulator[0].register_hook(lambda *args: called.append(1))
        accumulators.append(accumulator)  # they live as long as they are held
    data = model.data_preprocessor(batch(), training=True)
    losses = model(**data, mode='loss')
    assert not called
    assert all(p.grad is None for p in model.parameters())
    sum(losses.values()).backward()
    assert len(called) == len(accumulators)


def test_the_step_is_that_of_another_guide_before_it():
    """The weights' gradients do not know of the saliency."""
    gradients = []
    for mix_losses in (None, REQUIRING['mix_losses']):
        torch.manual_seed(0)
        model = build(cnn_config(REQUIRING['augments'], mix_losses)).train()
        data = model.data_preprocessor(batch(), training=True)
        model(**data, mode='loss')['loss_cls'].backward()
        gradients.append([p.grad for p in model.parameters()])
        gradients[-1] += [b for b in model.buffers()]
    for one, other in zip(*gradients):
        assert torch.equal(one, other)


@pytest.mark.parametrize('training', ['bfloat16', FLOAT16])
def test_autocast_of_the_training_does_not_reach_it(training):
    model = build(cnn_config())
    images, labels = torch.randn(4, 3, 32, 32), soft_labels()
    expected = SelfGuide()(model, images, SALIENCY, labels).saliency
    with torch.autocast('cpu', getattr(torch, training)):
        found = SelfGuide()(model, images, SALIENCY, labels).saliency
    assert torch.equal(found, expected) and found.dtype == torch.float32


def test_bfloat16_is_used_where_it_is_asked_for():
    model = build(cnn_config())
    images, labels = torch.randn(4, 3, 32, 32), soft_labels()
    exact = SelfGuide()(model, images, SALIENCY, labels).saliency
    rounded = SelfGuide(dtype='bfloat16')(model, images, SALIENCY,
                                          labels).saliency
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    torch.testing.assert_close(
        rounded, exact, rtol=0.5, atol=0.2 * exact.max().item())
    with pytest.raises(ValueError, match='smaller than float16'):
        build(
            cnn_config(
                **REQUIRING, guide=dict(type='SelfGuide', dtype='float16')))


def test_of_a_frozen_network_with_other_channels_and_classes(tmp_path):
    """The gradient flows back to the images of the model under training."""
    teacher, guide = frozen_guide(
        tmp_path,
        cnn_config,
        data_preprocessor=dict(
            mean=[100., 120., 140.], std=[50., 60., 70.], to_rgb=False))
    classes = [3, 1]
    own = dict(mean=[123.7, 116.3, 103.5], std=[58.4, 57.1, 57.4])
    model = build(
        cnn_config(
            **REQUIRING,
            guide=dict(guide, classes=classes, channels='bgr', input_size=40),
            head=dict(num_classes=2),
            data_preprocessor=dict(own, to_rgb=True)))
    images, labels = torch.randn(3, 3, 32, 32), torch.rand(3, 2).softmax(1)

    def network(seen):
        raw = seen * torch.tensor(own['std']).view(3, 1, 1) + torch.tensor(
            own['mean']).view(3, 1, 1)
        theirs = teacher.data_preprocessor
        shown = (raw.flip(1) - theirs.mean) / theirs.std
        shown = F.interpolate(shown, 40, mode='bilinear', antialias=True)
        return teacher(shown)

    spread = torch.zeros(3, NUM_CLASSES)
    spread[:, classes] = labels
    guide = model.data_preprocessor.guides['saliency']
    found = guide(model, images, SALIENCY, labels).saliency
    torch.testing.assert_close(
        found, by_hand(network, images, spread), rtol=1e-4, atol=1e-6)
    assert isinstance(guide, FrozenGuide)
    assert all(p.grad is None for p in guide.network(model).parameters())


def test_of_the_moving_average():
    model = build(cnn_config(**REQUIRING, guide=dict(type='EMAGuide')))
    guide = model.data_preprocessor.guides['saliency']
    assert isinstance(guide, EMAGuide)
    guide.average = build(cnn_config()).requires_grad_(False)
    images, labels = torch.randn(3, 3, 32, 32), soft_labels(3)
    found = guide(model.train(), images, SALIENCY, labels).saliency
    torch.testing.assert_close(found,
                               by_hand(guide.average.eval(), images, labels))


def test_a_guide_without_gradients_is_refused(tmp_path):
    _, guide = frozen_guide(tmp_path, cnn_config)
    bare = dict(
        FrozenGuide(**{
            k: v
            for k, v in guide.items() if k != 'type'
        }).config.model)
    bare.pop('head'), bare.pop('neck')
    with pytest.warns(UserWarning, match='RANDOM'), \
            pytest.raises(MissingIngredient, match='no head.*FrozenGuide'):
        build(
            cnn_config(
                **REQUIRING,
                guide=dict(type='FrozenGuide', config=dict(model=bare))))
    cfg = cnn_config(**REQUIRING)
    cfg['backbone']['with_cp'] = True
    with pytest.raises(MissingIngredient, match='with_cp=True'):
        build(cfg)
    with torch.inference_mode(), \
            pytest.raises(MissingIngredient, match='inference_mode') as error:
        build(cnn_config(**REQUIRING))
    assert error.value.ingredient == 'saliency'
    model = build(cnn_config())
    images, labels = torch.randn(3, 3, 32, 32), soft_labels(3)
    with torch.inference_mode(), \
            pytest.raises(MissingIngredient, match='inference_mode'):
        SelfGuide()(model, images, SALIENCY, labels)
    with pytest.raises(ValueError, match='The saliency requires labels'):
        SelfGuide()(model, images, SALIENCY)
