"""AutoMix: its block, what it mixes, and what trains what."""
import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import batch, build, cnn_config, train_losses, vit_config
from mmengine.logging import MessageHub
from mmengine.runner.activation_checkpointing import \
    turn_on_activation_checkpointing
from mmpretrain.models.losses import CrossEntropyLoss
from torch import nn

from mmmix.analysis.training_cost import time_mixing
from mmmix.engine.hooks.ema_guide_hook import ema_guides
from mmmix.errors import MissingIngredient
from mmmix.models import AutoMix, GeneratorLoss, Guide, MixBlock, Mixup
from mmmix.registry import TASK_UTILS
from mmmix.structures import Guidance, MixedBatch

AUTOMIX = dict(type='mmmix.AutoMix')
LAYERS = {vit_config: 'layers.0', cnn_config: 'layer3'}
every_network = pytest.mark.parametrize('cfg', LAYERS)


@pytest.fixture
def run():
    hub = MessageHub.get_current_instance()
    yield hub
    for name in ('iter', 'max_iters'):
        hub.runtime_info.pop(name, None)


def built(cfg, augments=(AUTOMIX, ), guide='EMAGuide', **kwargs):
    """A model under training, whose average is another model."""
    model = build(
        cfg([*augments],
            guide=dict(type=f'mmmix.{guide}', feature_layer=LAYERS[cfg]),
            **kwargs))
    for one in ema_guides(model):
        one.average = build(cfg()).requires_grad_(False)
    return model


def random_block(channels=6, lam_channel=True):
    block = MixBlock(channels, lam_channel).double()
    for parameter in block.parameters():
        nn.init.normal_(parameter)
    return block


# --------------------------------------------------------------- the mix block


@pytest.mark.parametrize('channels,lam_channel,count', [
    (256, False, 33_153),
    (1024, False, 525_825),
    (384, True, 74_498),
])
def test_parameters(channels, lam_channel, count):
    """Of ResNet-18, ResNeXt-50 and DeiT-S in the public configs."""
    block = MixBlock(channels, lam_channel)
    assert sum(p.numel() for p in block.parameters()) == count


def slow_block(block, features, source, lam):
    """The block by loops over images and places."""
    n, _, h, w = features.shape
    query = block.query.weight.flatten(1), block.query.bias
    value = block.value.weight.flatten(1), block.value.bias

    def at(image, place, weight, layer):
        z = features[image, :, place // w, place % w]
        if block.lam_channel:
            z = torch.cat([z, torch.tensor([weight]).to(z)])
        return layer[0] @ z + layer[1]

    result = torch.zeros(n, h * w).to(features)
    for i, j in enumerate(source.tolist()):
        for here in range(h * w):
            asked = at(i, here, 1 - lam, query)
            scores = torch.stack([
                asked @ at(j, there, lam, query) / len(asked)**.5
                for there in range(h * w)
            ])
            shares = scores.exp() / scores.exp().sum()
            worth = torch.stack(
                [at(j, there, lam, value)[0] for there in range(h * w)])
            result[i, here] = (shares * worth).sum()
    return result.view(n, 1, h, w)


@pytest.mark.parametrize('size', [(3, 3), (2, 3)])
@pytest.mark.parametrize('lam_channel', [False, True])
def test_the_block_is_the_loop_over_places(lam_channel, size):
    torch.manual_seed(0)
    block = random_block(lam_channel=lam_channel)
    features = torch.randn(3, 6, *size, dtype=torch.float64)
    source = torch.tensor([2, 0, 1])
    torch.testing.assert_close(
        block(features, source, .3), slow_block(block, features, source, .3))


def test_without_queries_all_places_weigh_the_mean_value():
    torch.manual_seed(0)
    block = random_block(lam_channel=False)
    nn.init.zeros_(block.query.weight)
    features = torch.randn(2, 6, 3, 3, dtype=torch.float64)
    mixer = AutoMix(lam_channel=False)
    mixer.module = block
    draw = dict(source=np.array([1, 0]), lam=.4)
    images = torch.rand(2, 3, 6, 9, dtype=torch.float64)
    mask = mixer.blend(images, torch.eye(2), draw, features).mask
    for i, j in enumerate((1, 0)):
        mean = block.value(features[j:j + 1]).mean()
        expected = torch.full((6, 9), mean.sigmoid().item()).double()
        torch.testing.assert_close(mask[i], expected)


def test_a_new_block_mixes_half_and_half():
    mixer = AutoMix()
    params = mixer.sample(np.random.default_rng(0), 4, (8, 8))
    mixed = mixer.mix(
        torch.rand(4, 3, 8, 8), torch.eye(4), params,
        Guidance(features=torch.rand(4, 16, 2, 2)))
    torch.testing.assert_close(
        mixed.mask, torch.full((4, 8, 8), .5), rtol=0, atol=.05)


def test_the_block_keeps_the_precision_of_its_weights():
    block = MixBlock(4)
    nn.init.constant_(block.query.weight, 300.)  # overflows in float16
    features = torch.rand(2, 4, 3, 3)
    source = torch.tensor([1, 0])
    expected = block(features, source, .5)
    assert expected.isfinite().all()
    with torch.autocast('cpu', torch.bfloat16):
        result = block(features, source, .5)
    assert torch.equal(result, expected) and result.dtype == torch.float32


# ------------------------------------------------------------------- the mixer


def slow_upsampled(grid, size):
    """Each pixel shows the cell that its centre lies in."""
    result = torch.zeros(len(grid), *size, dtype=grid.dtype)
    for y in range(size[0]):
        for x in range(size[1]):
            i, j = (int((place + .5) * cells / length)
                    for place, cells, length in zip((y,
                                                     x), grid.shape[1:], size))
            result[:, y, x] = grid[:, i, j]
    return result


@pytest.mark.parametrize('size', [(12, 12), (12, 8), (11, 7), (13, 4)])
@pytest.mark.parametrize('n', [1, 3])
def test_images_are_mixed_by_the_upsampled_mask(n, size):
    torch.manual_seed(0)
    mixer = AutoMix()
    mixer.module = random_block()
    images = torch.rand(n, 3, *size, dtype=torch.float64)
    features = torch.randn(n, 6, 3, 4, dtype=torch.float64)
    source = np.roll(np.arange(n), 1)
    params = mixer.sample(np.random.default_rng(0), n, size)
    params.update(source=source, lam=np.float32(.3))
    original = images.clone()
    mixed = mixer.mix(images, torch.eye(n), params,
                      Guidance(features=features))
    assert torch.equal(images, original)
    assert not mixed.inputs.requires_grad
    worth = slow_block(mixer.module, features, torch.tensor(source),
                       float(np.float32(.3)))
    mask = slow_upsampled(worth[:, 0].sigmoid(), size)
    torch.testing.assert_close(mixed.mask, mask.detach())
    for i, j in enumerate(source):
        expected = mask[i] * images[j] + (1 - mask[i]) * images[i]
        torch.testing.assert_close(mixed.inputs[i], expected.detach())
    assert mixed.kind == 'soft'


def test_a_mask_between_the_places():
    """Bilinear, from the centres of the cells, before the sigmoid."""
    mixer = AutoMix(upsampling='bilinear')
    worth = torch.randn(2, 1, 3, 4)
    mask = mixer.upsampled(worth, (7, 10))
    for y in range(7):
        for x in range(10):
            value = 0
            for i in range(3):
                for j in range(4):
                    share = 1.
                    for place, pixel, cells, length in ((i, y, 3, 7), (j, x, 4,
                                                                       10)):
                        at = (pixel + .5) * cells / length - .5
                        at = min(max(at, 0), cells - 1)
                        share *= max(1 - abs(at - place), 0)
                    value += share * worth[:, 0, i, j]
            torch.testing.assert_close(mask[:, y, x], value.sigmoid())


def test_labels_are_mixed_by_the_drawn_lambda():
    mixer = AutoMix(in_channels=8)
    nn.init.constant_(mixer.module.value.bias, 9.)  # the source everywhere
    params = mixer.sample(np.random.default_rng(0), 3, (8, 8))
    params.update(source=np.array([1, 2, 0]), lam=np.float32(.25))
    mixed = mixer.mix(
        torch.rand(3, 3, 8, 8), torch.eye(3), params,
        Guidance(features=torch.rand(3, 8, 2, 2)))
    assert mixed.mask.min() > .99
    for i, j in enumerate((1, 2, 0)):
        expected = .25 * torch.eye(3)[j] + .75 * torch.eye(3)[i]
        torch.testing.assert_close(mixed.mixed_labels()[i], expected)


@pytest.mark.parametrize('lam', [0., .02, .08, .0801, .5, .9199, .92, 1.])
def test_near_0_and_1_it_is_mixup(lam):
    mixer = AutoMix(lam_margin=float(np.float32(.08)), in_channels=8)
    nn.init.constant_(mixer.module.value.bias, 2.)
    images, labels = torch.rand(2, 3, 8, 8), torch.eye(2)
    params = mixer.sample(np.random.default_rng(0), 2, (8, 8))
    params.update(source=np.array([1, 0]), lam=np.float32(lam))
    mixed = mixer.mix(images, labels, params,
                      Guidance(features=torch.rand(2, 8, 2, 2)))
    mixup = Mixup().mix(images, labels, params)
    plain = not .0801 <= lam <= .9199
    assert torch.allclose(mixed.inputs, mixup.inputs) == plain
    torch.testing.assert_close(mixed.mixed_labels(), mixup.mixed_labels())
    assert mixed.kind == 'soft' and mixed.mask.shape == (2, 8, 8)


def test_two_draws_a_step():
    mixer = AutoMix(train_share=.8)
    rng = np.random.default_rng(0)
    draws = [mixer.sample(rng, 8, (8, 8)) for _ in range(2000)]
    lams = np.array([[d['lam'], d['block']['lam']] for d in draws])
    # Beta(2, 2)
    np.testing.assert_allclose(lams.mean(0), .5, atol=.02)
    np.testing.assert_allclose(lams.var(0), .05, atol=.005)
    assert abs(np.corrcoef(lams.T)[0, 1]) < .1
    assert not all((d['source'] == d['block']['source']).all() for d in draws)
    share = np.mean([d['block']['train'] for d in draws])
    assert share == pytest.approx(.8, abs=.04)
    distinct = AutoMix(pairing='distinct').sample(rng, 8, (8, 8))
    for draw in (distinct, distinct['block']):
        assert (draw['source'] != np.arange(8)).all()


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_images(dtype):
    mixer = AutoMix()
    params = mixer.sample(np.random.default_rng(0), 3, (8, 12))
    features = torch.rand(3, 8, 2, 3)
    images = torch.rand(3, 3, 8, 12)
    mixed = mixer.mix(
        images.to(dtype), torch.eye(3), params,
        Guidance(features=features.to(dtype)))
    exact = mixer.mix(images, torch.eye(3), params,
                      Guidance(features=features))
    assert mixed.inputs.dtype == dtype and mixed.mask.dtype == torch.float32
    torch.testing.assert_close(
        mixed.inputs.float(), exact.inputs, rtol=0, atol=.02)


# ------------------------------------------------------- what trains the block


class Head(nn.Module):
    """The classification loss of a head alone."""

    def __init__(self):
        super().__init__()
        self.loss_module = CrossEntropyLoss(use_soft=True)


def small_case(loss=None):
    """A block, mixed images and a small network, in float64."""
    torch.manual_seed(0)
    mixer = AutoMix(loss=loss)
    mixer.module = random_block()
    images = torch.rand(3, 2, 6, 9, dtype=torch.float64)
    features = torch.randn(3, 6, 2, 3, dtype=torch.float64)
    weight = torch.randn(4, 2 * 6 * 9, dtype=torch.float64)
    guidance = Guidance(
        features=features,
        classifier=lambda x: (x.flatten(1) @ weight.T / 5).tanh())
    draw = dict(source=np.array([1, 2, 0]), lam=np.float32(.2), train=True)
    labels = torch.eye(4, dtype=torch.float64)[:3]
    return mixer, (images, labels, draw, guidance)


@pytest.mark.parametrize('weight', [0., 3.])
def test_the_loss_of_the_block_step_by_step(weight):
    mixer, (images, labels, draw, guidance) = small_case(
        dict(type='mmmix.GeneratorLoss', mask_weight=weight))
    loss = mixer.generator_loss(images, labels, draw, guidance, Head())
    lam = float(draw['lam'])
    worth = slow_block(mixer.module, guidance.features,
                       torch.tensor(draw['source']), lam)
    mask = slow_upsampled(worth[:, 0].sigmoid(), (6, 9))
    expected = 0
    for i, j in enumerate(draw['source']):
        image = mask[i] * images[j] + (1 - mask[i]) * images[i]
        logits = guidance.classifier(image[None])[0]
        target = lam * labels[j] + (1 - lam) * labels[i]
        expected -= (target * logits.log_softmax(0)).sum() / 3
    expected += weight * max(abs(mask.mean() - lam) - .1, 0)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-6)


def test_the_gradient_of_the_block_by_finite_differences():
    mixer, (images, labels, draw, guidance) = small_case(
        dict(type='mmmix.GeneratorLoss', mask_weight=3.))

    def loss():  # in double precision throughout
        mixed = mixer.blend(images, labels, draw, guidance.features)
        return mixer.loss.compute(Head(), guidance.classifier(mixed.inputs),
                                  mixed, None, None)

    loss().backward()
    for parameter in mixer.module.parameters():
        flat, slope = parameter.data.view(-1), parameter.grad.view(-1)
        for k in range(0, len(flat), 5):
            values = []
            for sign in (1, -1):
                flat[k] += sign * 1e-5
                values.append(loss().item())
                flat[k] -= sign * 1e-5
            difference = (values[0] - values[1]) / 2e-5
            assert difference == pytest.approx(
                slope[k].item(), rel=1e-4, abs=1e-7)


def test_some_steps_train_the_mean_of_the_mask_alone():
    mixer, (images, labels, draw, guidance) = small_case()
    guidance.classifier = None
    draw['train'] = False
    loss = mixer.generator_loss(images, labels, draw, guidance, Head())
    mask = mixer.blend(images, labels, draw, guidance.features).mask
    expected = .1 * max(abs(mask.mean() - draw['lam']) - .1, 0)
    torch.testing.assert_close(loss, expected.double())
    loss.backward()
    assert all(p.grad is not None for p in mixer.module.parameters())


@pytest.mark.parametrize('mean,lam,distance', [(.5, .55, 0.), (.5, .7, .1),
                                               (.9, .5, .3)])
def test_the_mask_is_held_near_lambda(mean, lam, distance):
    mixed = MixedBatch.unmixed(torch.zeros(2, 3, 4, 4), torch.eye(2))
    mixed.mask = torch.tensor([mean - .1, mean + .1]).view(2, 1, 1)
    mixed.lam = torch.full((2, ), lam)
    loss = GeneratorLoss(mask_weight=.5)
    torch.testing.assert_close(
        loss.mask_term(mixed), torch.tensor(.5 * distance))


def test_the_weight_of_the_mask_can_fall_to_0(run):
    mixed = MixedBatch.unmixed(torch.zeros(2, 3, 4, 4), torch.eye(2))
    mixed.lam = torch.full((2, ), .6)
    loss = GeneratorLoss(mask_weight=.5, mask_decay='cosine')
    run.update_info('max_iters', 200)
    for iteration, share in ((0, 1.), (50, (1 + .5**.5) / 2), (100, .5), (200,
                                                                          0.)):
        run.update_info('iter', iteration)
        torch.testing.assert_close(
            loss.mask_term(mixed), torch.tensor(.5 * .5 * share))
    run.runtime_info.pop('max_iters')
    with pytest.raises(ValueError, match='there is no run'):
        loss.mask_term(mixed)


# ------------------------------------------------------------ in a classifier


@every_network
@pytest.mark.parametrize('guide', ['EMAGuide', 'SelfGuide'])
def test_each_loss_trains_its_own(cfg, guide):
    model = built(cfg, guide=guide)
    average = [g.average for g in ema_guides(model)]
    states = [copy.deepcopy(m.state_dict()) for m in average]
    losses, step = train_losses(model)
    assert {*losses} == {'loss_cls', 'loss_generator'}
    assert step['mixed'].mixer == 'AutoMix'
    losses['loss_generator'].backward(retain_graph=True)
    for name, parameter in model.named_parameters():
        moved = parameter.grad is not None and bool(parameter.grad.any())
        assert moved == name.startswith('mixers.'), name
    model.zero_grad()
    losses['loss_cls'].backward()
    for name, parameter in model.named_parameters():
        # the block takes part, but learns nothing of it
        assert parameter.grad is not None, name
        if name.startswith('mixers.'):
            assert not parameter.grad.any(), name
    for one, state in zip(average, states):
        assert all(p.grad is None for p in one.parameters())
        for name, value in one.state_dict().items():
            assert torch.equal(value, state[name]), name


@every_network
def test_the_losses_are_those_of_both_batches(cfg):
    """Of q on its mix, k on the other one, with the head's own loss."""
    model = built(cfg)
    losses, step = train_losses(model, batch(5))
    mixed = step['mixed']
    k = ema_guides(model)[0].average
    model.eval(), k.eval()
    draw = mixed.generator_loss.args[2]
    mixer = model.data_preprocessor.batch_augments.augments[0]
    with torch.no_grad():
        other = mixer.blend(mixed.originals, mixed.labels, draw,
                            step['guidance'].features)
        expected = F.cross_entropy(k(other.inputs), other.mixed_labels())
        expected += .1 * max(abs(other.mask.mean() - draw['lam']) - .1, 0)
    torch.testing.assert_close(losses['loss_generator'], expected)
    assert draw['lam'] != mixed.lam[0]
    if cfg is vit_config:  # no batch norm
        with torch.no_grad():
            expected = F.cross_entropy(
                model(mixed.inputs), mixed.mixed_labels())
        torch.testing.assert_close(losses['loss_cls'], expected)


@every_network
def test_training_with_it(cfg):
    """All losses fall, and the block moves; also on rectangular images."""
    torch.manual_seed(0)
    size = (32, 48) if cfg is cnn_config else (32, 32)
    model = built(cfg, head=dict(mix_losses=None))
    optimizer = torch.optim.SGD(model.parameters(), .05)
    block = copy.deepcopy(model.mixers.state_dict())
    data, history = batch(5, size), []
    for _ in range(12):
        losses, _ = train_losses(model, dict(data))
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        history.append(losses['loss_cls'].item())
    assert np.mean(history[-4:]) < np.mean(history[:4])
    for name, value in model.mixers.state_dict().items():
        assert not torch.equal(value, block[name]), name


def test_the_block_learns_what_the_network_likes():
    mixer, (images, labels, draw, guidance) = small_case()
    optimizer = torch.optim.SGD(mixer.module.parameters(), .5)
    history = []
    for _ in range(30):
        loss = mixer.generator_loss(images, labels, draw, guidance, Head())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    assert history[-1] < history[0] - .05


@pytest.mark.parametrize('probs', [[0., 1.], [0., 0.]])
def test_an_idle_block_takes_part_in_the_step(probs):
    """DistributedDataParallel waits for all gradients."""
    model = built(
        cnn_config, [AUTOMIX, dict(type='mmmix.CutMix')], probs=probs)
    losses, step = train_losses(model)
    assert {*losses} == {'loss_cls'}
    assert step['mixed'].mixer == (None, 'CutMix')[int(sum(probs))]
    losses['loss_cls'].backward()
    assert all(p.grad is not None for p in model.parameters())


def test_a_stock_head_is_trained_as_well():
    cfg = cnn_config([AUTOMIX])
    cfg['head']['type'] = 'mmpretrain.LinearClsHead'
    cfg['head'].pop('mix_losses')
    model = build(cfg)
    losses, _ = train_losses(model)
    assert {*losses} == {'loss', 'loss_generator'}


def test_training_in_bfloat16():
    model = built(vit_config)
    with torch.autocast('cpu', torch.bfloat16):
        losses, step = train_losses(model)
    assert step['mixed'].mask.dtype == torch.float32
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@every_network
def test_a_copy_has_a_block_of_its_own(cfg):
    """As the moving average has."""
    model = built(cfg)
    copied = copy.deepcopy(model)
    for one in (model, copied):
        mixer, = one.data_preprocessor.batch_augments.augments
        assert mixer.module is one.mixers.AutoMix
    assert copied.mixers.AutoMix is not model.mixers.AutoMix
    assert {name
            for name in model.state_dict() if name.startswith('mixers.')} == {
                f'mixers.AutoMix.{layer}.{kind}'
                for layer in ('query', 'value')
                for kind in ('weight', 'bias')
            }


@pytest.mark.filterwarnings('ignore:torch.utils.checkpoint')
def test_a_checkpointed_guide_is_not_trained():
    """MMEngine's ``activation_checkpointing`` changes no gradient."""
    plain = built(cnn_config, guide='SelfGuide')
    model, data, gradients = copy.deepcopy(plain), batch(), []
    turn_on_activation_checkpointing(model, ['backbone.layer2'])
    for one in (plain, model):
        losses, _ = train_losses(one, copy.deepcopy(data))
        sum(losses.values()).backward()
        gradients.append({name: p.grad for name, p in one.named_parameters()})
    torch.testing.assert_close(*gradients)


def test_two_of_them_have_two_blocks():
    model = built(cnn_config, [AUTOMIX, dict(AUTOMIX, lam_channel=False)])
    assert {*model.mixers} == {'AutoMix', 'AutoMix_'}
    assert model.mixers.AutoMix.lam_channel
    assert not model.mixers.AutoMix_.lam_channel


@every_network
def test_by_its_name_alone(cfg):
    """The block is made for the features that the guide gives."""
    model = build(cfg([AUTOMIX]))
    channels = 24 if cfg is vit_config else 64  # of the last features
    assert model.mixers.AutoMix.in_channels == channels
    assert {*train_losses(model)[0]} == {'loss_cls', 'loss_generator'}


def test_it_is_timed_with_random_features():
    times = time_mixing(
        dict(AutoMix=AutoMix()), 2, (32, 48), 1, torch.device('cpu'))
    assert times['AutoMix']['ms'] > 0


# ------------------------------------------------------------------- bad input


def test_a_hook_cannot_switch_to_a_new_one():
    model = build(cnn_config([dict(type='mmmix.Mixup')]))
    other = built(cnn_config)
    for one in (model, other):  # as SwitchRecipeHook does
        preprocessor = one.data_preprocessor
        preprocessor.batch_augments = type(preprocessor.batch_augments)(
            AUTOMIX)
        with pytest.raises(ValueError, match='built without it'):
            train_losses(one)


@TASK_UTILS.register_module(force=True)
class BlindGuide(Guide):
    """Gives attention alone."""

    gives = frozenset({'attention'})

    def __call__(self, model, images, requires, labels=None, samples=None):
        return Guidance(attention=torch.ones(len(images), 4, 4))


@pytest.mark.parametrize('word', ['features', 'classifier'])
def test_a_guide_that_is_no_network_is_refused(word):
    guide = {'type': 'mmmix.SelfGuide', word: dict(type='BlindGuide')}
    with pytest.raises(MissingIngredient, match=f"'{word}'.*BlindGuide"):
        build(cnn_config([AUTOMIX], guide=guide))


def test_a_missing_layer_is_refused_when_the_model_is_built():
    guide = dict(type='mmmix.SelfGuide', feature_layer='layer_3')
    with pytest.raises(ValueError, match="'layer_3'.*layer3"):
        build(cnn_config([AUTOMIX], guide=guide))


def test_other_channels_are_named():
    model = built(cnn_config, [dict(AUTOMIX, in_channels=256)])
    with pytest.raises(ValueError, match='256 channels.*gives 32'):
        train_losses(model)


@pytest.mark.parametrize('options,message', [
    (dict(alpha=0.), 'alpha'),
    (dict(lam_margin=.6), 'lam_margin'),
    (dict(train_share=1.5), 'train_share'),
    (dict(upsampling='cubic'), 'upsampling'),
    (dict(pairing='no'), 'pairing'),
    (dict(loss=dict(type='mmmix.ConsistencyLoss')), 'type GeneratorLoss'),
    (dict(loss=dict(type='mmmix.GeneratorLoss', mask_weight=-1.)),
     'mask_weight'),
    (dict(loss=dict(type='mmmix.GeneratorLoss', mask_margin=2.)),
     'mask_margin'),
    (dict(loss=dict(type='mmmix.GeneratorLoss', mask_decay='no')),
     'mask_decay'),
])
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        AutoMix(**options)


def test_its_loss_is_not_the_heads():
    with pytest.raises(ValueError, match='not one of the `mix_losses`'):
        build(
            cnn_config([AUTOMIX],
                       dict(generator=dict(type='mmmix.GeneratorLoss'))))


def test_a_plain_batch_augment_cannot_train_it():
    with pytest.raises(ValueError, match='a loss of its own trains'):
        AutoMix()(torch.rand(2, 3, 8, 8), torch.eye(2))


@pytest.mark.parametrize('soft', [False, True])
def test_it_trains_with_the_loss_of_a_stock_config(soft):
    """Torch's cross-entropy takes labels of floating point alone."""
    model = built(
        cnn_config,
        mix_losses=dict(unmixed=dict(type='mmmix.UnmixedLoss')),
        head=dict(
            loss=dict(type='mmpretrain.CrossEntropyLoss', use_soft=soft)))
    losses, _ = train_losses(model)
    assert {*losses} == {'loss_cls', 'loss_unmixed', 'loss_generator'}
    sum(losses.values()).backward()
