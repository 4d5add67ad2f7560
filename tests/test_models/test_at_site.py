"""Mixing inside of a network: ManifoldMix, MixToken, and others at a site."""
import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.utils.checkpoint as cp
from helpers import (BOTH_LOSSES, NUM_CLASSES, batch, build, cnn_config,
                     train_losses, vit_config)
from mmengine.model import BaseModule
from mmengine.optim import OptimWrapper
from mmpretrain.models import RandomBatchAugment
from torch import nn

from mmmix.cli.methods import mixer_names
from mmmix.models import AtSite, CutMix, ManifoldMix, Mixup
from mmmix.registry import BATCH_AUGMENTS, MODELS

CUTMIX = dict(type='mmmix.CutMix')
MASKMIX = dict(type='mmmix.MaskMix', scale=1, patch_size=1)
MIXUP = dict(type='mmmix.Mixup')
SWIN = dict(
    type='mmpretrain.SwinTransformer',
    arch=dict(embed_dims=8, depths=[2, 2], num_heads=[1, 2]),
    img_size=32,
    patch_size=2,
    window_size=4,
    out_indices=(1, ))
CONVNEXT = dict(
    type='mmpretrain.ConvNeXt',
    arch=dict(depths=[1, 1], channels=[8, 16]),
    out_indices=(1, ),
    gap_before_final_norm=False)


class LinearNet(BaseModule):
    """Convolutions and nothing else: linear in the images."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, 2, 1, bias=False)
        self.second = nn.Conv2d(4, 4, 3, 2, 1, bias=False)
        self.third = nn.Conv2d(4, 8, 3, 2, 1, bias=False)

    def forward(self, x):
        return (self.third(self.second(self.first(x))), )


class Pair(nn.Module):

    def forward(self, x):
        return x, x


class Checkpointed(BaseModule):
    """Two convolutions, which run again in the backward pass."""

    def __init__(self, use_reentrant=True, times=1):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 4, 1)
        self.pair = Pair()
        self.inner = nn.Conv2d(8, 8, 3, 1, 1)
        self.last = nn.Conv2d(8, 8, 3, 1, 1)
        self.unused = nn.Conv2d(8, 8, 1)
        self.use_reentrant = use_reentrant
        self.times = times

    def run(self, times, x):
        if not times:
            return self.last(self.inner(x).sigmoid())
        return cp.checkpoint(
            lambda x: self.run(times - 1, x),
            x,
            use_reentrant=self.use_reentrant)

    def forward(self, x):
        x = self.pair(self.stem(x))[0]
        return (self.run(self.times if x.requires_grad else 0, x), )


MODELS.register_module(name='LinearNet', module=LinearNet, force=True)
MODELS.register_module(name='Checkpointed', module=Checkpointed, force=True)


def at(mixer, *sites):
    return dict(type='mmmix.AtSite', mixer=mixer, sites=[*sites])


def on(backbone, augments=None, channels=8, **head):
    """Config of a classifier with another backbone of feature maps."""
    cfg = cnn_config(augments, head=head)
    cfg['backbone'] = backbone
    cfg['head']['in_channels'] = channels
    return cfg


def mixup_at(site, n=4, size=(32, 32), lam=0.3):
    """Mixup of random images at a site; None mixes the images."""
    inputs = torch.rand(n, 3, *size)
    params = dict(source=np.roll(np.arange(n), 1), lam=lam)
    labels = torch.eye(NUM_CLASSES)[torch.arange(n) % NUM_CLASSES]
    mixed = Mixup().mix(inputs, labels, params)
    return mixed if site is None else replace(mixed, inputs=inputs, site=site)


def logits_of(model, mixed):
    return model.head(model.extract_mixed_feat(mixed)[0])


def drawn(model, mixer, seed=0, n=4, size=(32, 32)):
    """What a mixer makes of random images for a model; part of each."""
    mixer, rng = BATCH_AUGMENTS.build(mixer), np.random.default_rng(seed)
    inputs = torch.rand(n, 3, *size).to(next(model.parameters()))
    while True:
        params = mixer.sample_for(model, rng, inputs)
        mixed = mixer.mix(inputs, torch.eye(NUM_CLASSES)[:n], params)
        if 0 < mixed.lam[0] < 1 and mixed.source.tolist() != [*range(n)]:
            return mixed


def loop_mix(values, mixed):
    """Features mixed place by place, in float64."""
    values, result = values.double(), values.double().clone()
    for i, j in enumerate(mixed.source.tolist()):
        weight = torch.full(values.shape[1:], float(mixed.lam[i])).double()
        if mixed.kind != 'blend':
            mask = mixed.mask[i].double()
            if values.ndim == 4:
                weight[:] = mask
            else:
                weight[-mask.numel():] = mask.flatten()[:, None]
        result[i] = (1 - weight) * values[i] + weight * values[j]
    return result


STEPS = ['conv1', 'norm1', 'relu', 'layer1', 'layer2', 'layer3', 'layer4']


def loop_resnet(backbone, mixed):
    """A ResNet as two modules, up to the site and from it on."""
    modules = [getattr(backbone, name) for name in STEPS]
    middle = STEPS.index(mixed.site) + 1
    up_to, from_on = (
        nn.Sequential(*part) for part in (modules[:middle], modules[middle:]))
    return (from_on(loop_mix(up_to(mixed.inputs), mixed)), )


def loop_vit(backbone, mixed):
    """A ViT, step by step."""
    x = backbone.patch_embed(mixed.inputs)[0]
    if mixed.site == 'patch_embed':
        x = loop_mix(x, mixed)
    x = torch.cat((backbone.cls_token.expand(len(x), -1, -1), x), 1)
    x = x + backbone.pos_embed
    for i, layer in enumerate(backbone.layers):
        x = layer(x)
        if mixed.site == f'layers.{i}':
            x = loop_mix(x, mixed)
    return (backbone.ln1(x), )


@pytest.mark.parametrize('mixer', [MIXUP, CUTMIX, MASKMIX])
@pytest.mark.parametrize('cfg,sites,loop', [
    (cnn_config, ['conv1', 'layer1', 'layer4'], loop_resnet),
    (vit_config, ['patch_embed', 'layers.0', 'layers.1'], loop_vit),
])
def test_the_network_as_two_modules(mixer, cfg, sites, loop):
    """In training mode: batch norms after the site see mixed features."""
    for seed, site in enumerate(sites):
        model = build(cfg([at(mixer, site)])).double().train()
        mixed = drawn(model, at(mixer, site), seed)
        assert mixed.site == site
        expected = loop(model.backbone, mixed)
        if model.with_neck:
            expected = model.neck(expected)
        torch.testing.assert_close(
            logits_of(model, mixed), model.head(expected))
        assert not torch.allclose(
            model.head(expected), logits_of(model, replace(mixed, site=None)))


def test_a_linear_network_mixes_alike_at_every_place():
    model = build(on(dict(type='mmmix.LinearNet')))
    sites = ['first', 'second', 'third']
    model.sites.add(model.backbone, sites)
    torch.manual_seed(1)
    images = mixup_at(None)
    for site in sites:
        torch.manual_seed(1)
        torch.testing.assert_close(
            logits_of(model, mixup_at(site)), logits_of(model, images))


@pytest.mark.parametrize('cfg,site', [(cnn_config, 'layer2'),
                                      (vit_config, 'layers.0')])
def test_lambda_of_0_and_1(cfg, site):
    """Nothing is mixed, and each image becomes its source, bit by bit."""
    model = build(cfg([at(MIXUP, site)])).eval()
    with torch.no_grad():
        for lam in (0, 1):
            mixed = mixup_at(site, lam=lam)
            inputs = mixed.inputs[mixed.source] if lam else mixed.inputs
            assert torch.equal(logits_of(model, mixed), model(inputs))


@pytest.mark.parametrize('size', [(32, 32), (24, 64), (48, 32)])
@pytest.mark.parametrize('backbone,site,stride', [
    (cnn_config()['backbone'], 'conv1', 1),
    (cnn_config()['backbone'], 'layer3', 4),
    (CONVNEXT, 'stages.0', 4),
    (CONVNEXT, 'downsample_layers.1', 8),
    (SWIN, 'patch_embed', 2),
    (SWIN, 'stages.0.blocks.1', 2),
    (SWIN, 'stages.0.downsample', 4),
    (SWIN, 'stages.1', 4),
])
def test_a_region_has_the_grid_of_the_site(backbone, site, stride, size):
    """Each place shows the features of one image, by the mask."""
    model = build(on(backbone, [at(MASKMIX, site)], 16)).eval()
    seen = []
    model.backbone.get_submodule(site).register_forward_hook(
        lambda module, args, output: seen.append(output))
    mixed = drawn(model, at(MASKMIX, site), size=size)
    grid = tuple(side // stride for side in size)
    assert mixed.mask.shape[1:] == grid
    assert torch.equal(mixed.lam, mixed.mask.mean((1, 2)))
    seen.clear()
    with torch.no_grad():
        model.backbone(mixed.inputs)
        model.extract_mixed_feat(mixed)
    own, got = ((values[0] if isinstance(values, tuple) else values)
                for values in seen)
    if own.ndim == 3:
        own, got = (x.transpose(1, 2).unflatten(2, grid) for x in (own, got))
    for i, j in enumerate(mixed.source.tolist()):
        pasted = mixed.mask[i].bool()
        assert torch.equal(got[i][:, pasted], own[j][:, pasted])
        assert torch.equal(got[i][:, ~pasted], own[i][:, ~pasted])


def test_sites_are_drawn_alike_and_the_images_are_one_of_them():
    model = build(cnn_config([dict(type='mmmix.ManifoldMix')]))
    inputs, rng = torch.rand(3, 3, 32, 32), np.random.default_rng(0)
    mixer, counts = ManifoldMix(), {}
    for _ in range(600):
        params = mixer.sample_for(model, rng, inputs)
        mixed = mixer.mix(inputs, torch.eye(3), params)
        counts[mixed.site] = counts.get(mixed.site, 0) + 1
        if mixed.site is None:
            assert torch.equal(
                mixed.inputs,
                inputs.lerp(inputs[mixed.source], float(mixed.lam[0])))
        else:
            assert torch.equal(mixed.inputs, inputs)
    assert counts.keys() == {None, 'layer1', 'layer2'}
    assert min(counts.values()) > 150
    # alpha 2: mean 1/2, variance 1/20
    lam = [mixer.sample_for(model, rng, inputs)['lam'] for _ in range(2000)]
    assert np.mean(lam) == pytest.approx(1 / 2, abs=0.02)
    assert np.var(lam) == pytest.approx(1 / 20, abs=0.005)


def test_mixtoken_is_cutmix_of_the_reversed_batch_on_the_tokens():
    model = build(vit_config([dict(type='mmmix.MixToken')])).eval()
    plain = CutMix(pairing='flip')
    for seed in range(5):
        mixed = drawn(model, dict(type='mmmix.MixToken'), seed, n=3)
        rng = np.random.default_rng(seed)
        rng.integers(1)  # the site
        params = plain.sample(rng, 3, (4, 4))
        assert mixed.source.tolist() == [2, 1, 0]
        # on whole patches, it is CutMix of the images
        y1, x1, y2, x2 = params['box']
        images = plain.mix(mixed.inputs, mixed.labels,
                           dict(params, box=8 * params['box']))
        assert mixed.mask[0, y1:y2, x1:x2].all()
        assert torch.equal(mixed.lam, images.lam)
        with torch.no_grad():
            torch.testing.assert_close(
                logits_of(model, mixed), logits_of(model, images))


def unguided_mixers():
    """Mixers of images that require no guide, with their defaults."""
    mixers = [BATCH_AUGMENTS.get(name)() for name in mixer_names()]
    return [
        mixer for mixer in mixers
        if not (mixer.requires or isinstance(mixer, AtSite))
    ]


@pytest.mark.parametrize(
    'mixer', unguided_mixers(), ids=lambda mixer: type(mixer).__name__)
def test_a_mixer_says_whether_content_stays_in_place(mixer):
    """If so, the mask alone tells how the images are mixed."""
    inputs, labels = torch.rand(4, 3, 128, 64), torch.eye(4)
    stays = []
    for seed in range(8):
        params = mixer.sample(np.random.default_rng(seed), 4, (128, 64))
        mixed = mixer.mix(inputs, labels, params)
        stays.append(
            torch.allclose(mixed.paste(inputs), mixed.inputs, atol=1e-6))
    assert all(stays) if mixer.in_place else not all(stays)


def test_other_passes_are_not_mixed_and_the_grid_leaves_no_trace():
    model = build(cnn_config([at(CUTMIX, 'layer1', 'layer2')])).train()
    model.backbone.layer1.eval()  # some part may be frozen
    before = copy.deepcopy(model.state_dict())
    flags = [module.training for module in model.modules()]
    inputs, calls = torch.rand(2, 3, 40, 24), []
    state = torch.get_rng_state()
    model.backbone.register_forward_hook(lambda *_: calls.append(1))
    for _ in range(2):
        assert model.sites.grids(model.backbone, inputs) == dict(
            layer1=(40, 24), layer2=(20, 12))
    assert len(calls) == 1
    assert torch.equal(torch.get_rng_state(), state)
    assert flags == [module.training for module in model.modules()]
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name

    stock = build(cnn_config()).eval()
    stock.load_state_dict(model.state_dict())  # nothing is added, either
    model.eval()
    with torch.no_grad():
        logits_of(model, mixup_at('layer1'))
        assert torch.equal(model(inputs), stock(inputs))
        with pytest.raises(RuntimeError), model.sites.mixing(
                mixup_at('layer1')):
            model.backbone(torch.rand(1, 2, 3, 4))
        assert torch.equal(model(inputs), stock(inputs))


def gradients(model, losses):
    model.zero_grad()
    sum(losses).backward()
    return {
        name: p.grad.clone()
        for name, p in model.named_parameters() if p.grad is not None
    }


@pytest.mark.parametrize('site', ['layer1', 'layer2.0', 'layer1.0.conv2'])
def test_gradient_checkpointing_of_mmpretrain(site):
    """The last is a module that the backward pass runs again."""
    cfg = cnn_config([at(MIXUP, site)])
    plain = build(cfg)
    cfg['backbone']['with_cp'] = True
    checkpointed = build(cfg)
    checkpointed.load_state_dict(plain.state_dict())
    mixed = mixup_at(site)
    one, two = (
        gradients(model.train(), [logits_of(model, mixed).square().mean()])
        for model in (plain, checkpointed))
    assert one.keys() == two.keys()
    for name in one:
        assert torch.equal(one[name], two[name]), name


@pytest.mark.parametrize('cfg', [
    dict(type='mmpretrain.ResNet', depth=18, base_channels=8, with_cp=True),
    dict(type='mmmix.Checkpointed'),
    dict(type='mmmix.Checkpointed', use_reentrant=False),
    dict(type='mmmix.Checkpointed', use_reentrant=False, times=2),
])
def test_unmixed_images_run_again_unmixed(cfg):
    """Those of a loss, in the same step, over several steps."""
    off, site = dict(times=0), 'inner'
    if cfg['type'] != 'mmmix.Checkpointed':
        cfg = dict(cfg, stem_channels=8)
        off, site = dict(with_cp=False), 'layer1.0.conv2'
    unmixed = dict(unmixed=dict(type='mmmix.UnmixedLoss'))
    mixer = dict(type='mmmix.ManifoldMix', sites=[site, 'input'])
    plain, again = (
        build(
            on(backbone, [mixer],
               cfg.get('base_channels', 1) * 8,
               mix_losses=unmixed)) for backbone in (dict(cfg, **off), cfg))
    again.load_state_dict(plain.state_dict())
    sites = set()
    for _ in range(4):
        data = batch()
        losses, seen = train_losses(plain, copy.deepcopy(data))
        one = gradients(plain, losses.values())
        sites.add(seen['mixed'].site)
        losses, seen = train_losses(again, data)
        two = gradients(again, losses.values())
        assert seen['mixed'].site in sites
        assert one.keys() == two.keys()
        for name in one:
            assert torch.equal(one[name], two[name]), name
    assert sites == {site, None}


@pytest.mark.parametrize('use_reentrant,times', [(True, 1), (False, 1),
                                                 (False, 2)])
def test_what_runs_again_is_mixed_as_in_its_pass(use_reentrant, times):
    """Before the mixed pass and after it there are others, whose modules run
    again in the same backward pass."""
    plain, again = (
        build(
            on(
                dict(
                    type='mmmix.Checkpointed',
                    use_reentrant=use_reentrant,
                    times=number), [at(MIXUP, 'inner')]))
        for number in (0, times))
    again.load_state_dict(plain.state_dict())
    for lam in (0.3, 0.6):
        mixed, found = mixup_at('inner', lam=lam), []
        for model in (plain, again):
            loss = logits_of(model, mixed).square().mean()
            found.append(
                gradients(model,
                          [loss, model(mixed.inputs).square().mean()]))
            # also in a step that mixes nothing
            found.append(gradients(model, [model(mixed.inputs).sum()]))
        for name in found[0]:
            assert torch.equal(found[0][name], found[2][name]), name
            assert torch.equal(found[1][name], found[3][name]), name


def test_what_cannot_be_told_when_it_runs_again_is_refused():
    nested = build(
        on(dict(type='mmmix.Checkpointed', times=2), [at(MIXUP, 'inner')]))
    loss = logits_of(nested, mixup_at('inner')).sum()
    with pytest.raises(ValueError, match='outside of the checkpointed'):
        loss.backward()
    model = build(on(dict(type='mmmix.Checkpointed'), [at(MIXUP, 'inner')]))
    losses = [logits_of(model, mixup_at('inner')).sum() for _ in range(2)]
    with pytest.raises(ValueError, match="runs 'inner' again, .* several"):
        sum(losses).backward()


@pytest.mark.slow
@pytest.mark.parametrize('backend,cfg,site', [
    ('aot_eager', vit_config(), 'patch_embed'),
    ('eager', on(dict(type='mmmix.Checkpointed')), 'inner'),
    pytest.param(
        'aot_eager',
        on(dict(type='mmmix.Checkpointed', use_reentrant=False)),
        'inner',
        marks=pytest.mark.skipif(
            torch.__version__ < (2, 2),
            reason='cannot compile a checkpoint that holds any hook')),
])
def test_compiled_training_mixes_inside(backend, cfg, site):
    """As MMEngine compiles it, with images, sites and unmixed batches; the
    others also run again what is mixed."""
    torch._dynamo.reset()
    mixing = dict(
        augments=[at(CUTMIX, site, 'input'), CUTMIX], probs=[0.7, 0.1])
    plain = build(dict(cfg, train_cfg=mixing)).train()
    compiled = copy.deepcopy(plain)
    compiled.train_step = torch.compile(compiled.train_step, backend=backend)
    optimizers = {
        model: OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
        for model in (plain, compiled)
    }
    sites = []
    compiled.data_preprocessor.register_mix_hook(
        lambda mixed, guidance: sites.append((mixed.kind, mixed.site)))
    for _ in range(10):
        data = batch()
        logs = [
            model.train_step(copy.deepcopy(data), optimizer)
            for model, optimizer in optimizers.items()
        ]
        torch.testing.assert_close(*logs, atol=1e-4, rtol=1e-4)
    assert {*sites} == {('regions', site), ('regions', None),
                        ('unmixed', None)}
    torch.testing.assert_close(
        dict(plain.named_parameters()),
        dict(compiled.named_parameters()),
        atol=1e-4,
        rtol=1e-4)


@pytest.mark.parametrize('cfg,site', [(cnn_config, 'layer1'),
                                      (vit_config, 'patch_embed')])
@pytest.mark.parametrize('mixer', [MIXUP, CUTMIX])
def test_autocast(cfg, site, mixer):
    """Features in bfloat16 are mixed in float32, and rounded once."""
    model = build(cfg([at(mixer, site)])).train()
    seen = []
    module = model.backbone.get_submodule(site)
    module.register_forward_hook(
        lambda module, args, output: seen.append(output))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        mixed = drawn(model, at(mixer, site))
        seen.clear()
        model.backbone(mixed.inputs)
        model.extract_mixed_feat(mixed)
        losses, _ = train_losses(model)
    own, got = ((values[0] if isinstance(values, tuple) else values)
                for values in seen[:2])
    assert got.dtype == own.dtype == torch.bfloat16
    torch.testing.assert_close(
        got.double(), loop_mix(own, mixed), atol=0, rtol=2**-8)
    total, _ = model.parse_losses(losses)
    total.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


RULES = [None] + [
    dict(type=f'mmmix.{name}')
    for name in ('TransMixLabel', 'ProgressiveAttentionLabel',
                 'AreaAttentionLabel')
]


@pytest.mark.parametrize('rule', RULES)
@pytest.mark.parametrize('mixer', [CUTMIX, MASKMIX])
def test_rules_and_losses_apply_inside_of_a_vit(mixer, rule):
    model = build(
        vit_config([at(mixer, 'patch_embed')],
                   BOTH_LOSSES,
                   head=dict(label_rule=rule)))
    losses, data = train_losses(model)
    mixed, guidance = data['mixed'], data['guidance']
    assert set(losses) == {'loss_cls', 'loss_fine', 'loss_consistency'}
    assert mixed.site == 'patch_embed' and mixed.kind == 'regions'
    # as if what is mixed were the images
    features, tokens, attention = model.extract_mixed_feat(mixed)
    logits = model.head(features)
    relabelled = model.head.relabel(logits, mixed, guidance, attention)
    for name, loss in model.head.mix_losses.items():
        torch.testing.assert_close(
            losses[f'loss_{name}'],
            loss(model.head, logits, relabelled, guidance, tokens))
    if rule and 'TransMix' in rule['type']:
        torch.testing.assert_close(relabelled.lam,
                                   (attention * mixed.mask).sum((1, 2)))
    model.parse_losses(losses)[0].backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize('n,size', [(1, (32, 32)), (5, (40, 24))])
@pytest.mark.parametrize('augment,cfg', [
    (dict(type='mmmix.ManifoldMix'), cnn_config),
    (dict(type='mmmix.ManifoldMix', sites=['input', 'layers.0']), vit_config),
    (dict(type='mmmix.MixToken'), vit_config),
    (dict(type='mmmix.MixToken', sites=['layer1']), cnn_config),
])
def test_odd_batches_and_rectangular_images(augment, cfg, n, size):
    model = build(cfg([augment], img_size=size))
    model.eval() if n == 1 else model.train()  # batch norm needs several
    for _ in range(4):
        data = model.data_preprocessor(batch(n, size), training=True)
        losses = model(**data, mode='loss')
        loss, _ = model.parse_losses(losses)
        loss.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_training_learns():
    torch.manual_seed(0)
    model = build(cnn_config([dict(type='mmmix.ManifoldMix')], probs=[0.5]))
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.05))
    data, losses = batch(10), []
    model.train()
    for _ in range(20):
        log = model.train_step(copy.deepcopy(data), optimizer)
        losses.append(log['loss'].item())
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_a_copy_of_a_model_mixes_by_itself():
    model = build(cnn_config([at(MIXUP, 'layer1')])).eval()
    other, mixed = copy.deepcopy(model), mixup_at('layer1')
    with torch.no_grad():
        expected = logits_of(model, mixed)
        with model.sites.mixing(mixed):
            unmixed = other(mixed.inputs)
        assert torch.equal(logits_of(other, mixed), expected)
    assert not torch.allclose(unmixed, expected)


def test_a_trained_model_can_be_copied():
    """Nothing of a step is kept that has a graph."""
    unmixed = dict(unmixed=dict(type='mmmix.UnmixedLoss'))
    model = build(cnn_config([at(MIXUP, 'layer1')], unmixed))
    losses, _ = train_losses(model)
    other = copy.deepcopy(model)
    sum(losses.values()).backward()
    for name, value in other.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name
    train_losses(other)


def test_a_mixer_that_a_hook_switches_to():
    model = build(cnn_config([CUTMIX]))
    model.data_preprocessor.batch_augments = RandomBatchAugment(
        [at(CUTMIX, 'layer2')])
    losses, data = train_losses(model)
    assert data['mixed'].site == 'layer2'
    mixed = data['mixed']
    model = model.double()
    features = loop_resnet(model.backbone,
                           replace(mixed, inputs=mixed.inputs.double()))
    expected = model.head.loss_module(
        model.head(model.neck(features)),
        mixed.mixed_labels().double())
    torch.testing.assert_close(losses['loss_cls'].double(), expected)


@pytest.mark.parametrize('sites,message', [
    (['layer11'], r"no module 'layer11'; similar names are .*layer1"),
    (['head'], r"no module 'head'; it has .*layer4"),
    (['nothing'], r"no module 'nothing'; it has conv1, .*layer4"),
    (['layer1.0.relu'
      ], r"'layer1.0.relu' is called 2 times .* such as 'layer1.0', which"),
    (['layer1', 'layer1'], 'different names'),
    ([], 'different names'),
    ('layer1', '`sites` of .* must be a list of strings'),
    ([None], '`sites` of .* must be a list of strings'),
])
def test_bad_sites_are_refused_at_build_time(sites, message):
    for mixer in (MIXUP, CUTMIX):
        with pytest.raises(ValueError, match=message):
            build(
                cnn_config(
                    [dict(type='mmmix.AtSite', mixer=mixer, sites=sites)]))


@pytest.mark.parametrize('backbone,site,message', [
    (dict(type='mmmix.Checkpointed'), 'unused',
     "'unused' is not called in a pass"),
    (dict(type='mmmix.Checkpointed'), 'pair', 'a tuple of Tensor, Tensor'),
    (SWIN, 'stages.0.blocks.0.attn.w_msa', r'shape \(16, 16, 8\) for one'),
    (CONVNEXT, 'stages.0.0.pointwise_conv1', 'no rows and columns'),
])
def test_outputs_that_cannot_be_mixed_are_refused(backbone, site, message):
    with pytest.raises(ValueError, match=message):
        build(on(backbone, [at(CUTMIX, site)]))


def test_a_blend_needs_no_places():
    model = build(on(CONVNEXT, [at(MIXUP, 'stages.0.0.pointwise_conv1')], 16))
    losses, data = train_losses(model)
    assert losses['loss_cls'].isfinite()
    assert data['mixed'].site == 'stages.0.0.pointwise_conv1'


@pytest.mark.parametrize('mixer,message', [
    (dict(type='mmmix.SMMix'), 'SMMix .* requires attention'),
    (dict(type='mmmix.AttentiveCutMix'), 'requires attention'),
    (dict(type='mmmix.ResizeMix'), 'ResizeMix .* moves content'),
    (dict(MASKMIX, shuffle_patches=True), 'MaskMix .* moves content'),
    (at(MIXUP, 'layer1'), 'AtSite .* sites of its own'),
    (dict(type='mmpretrain.Mixup', alpha=1.), 'must be of type BatchMixer'),
])
def test_mixers_that_cannot_mix_inside_are_refused(mixer, message):
    with pytest.raises(ValueError, match=message):
        build(cnn_config([at(mixer, 'layer1')]))


def test_what_needs_the_model_says_so():
    mixer = AtSite(CUTMIX, sites=['layer1'])
    with pytest.raises(ValueError, match='grid only the model knows'):
        mixer.sample(np.random.default_rng(0), 2, (32, 32))
    with pytest.raises(ValueError, match='use `mmmix.MixClassifier`'):
        mixer(torch.rand(2, 3, 8, 8), torch.eye(2))
    images = AtSite(CUTMIX, sites=['input'])
    assert images(torch.rand(2, 3, 8, 8),
                  torch.eye(2))[0].shape == (2, 3, 8, 8)
    model = build(cnn_config([CUTMIX]))
    with pytest.raises(ValueError, match="'layer1', which is not among"):
        model.extract_mixed_feat(mixup_at('layer1'))


@pytest.mark.parametrize('augment,cfg', [
    (dict(type='mmmix.MixToken'), cnn_config),
    (dict(type='mmmix.ManifoldMix'), vit_config),
])
def test_sites_of_another_family(augment, cfg):
    with pytest.raises(ValueError, match='has no module'):
        build(cfg([augment]))


def test_a_mask_without_places_in_the_features():
    mixed = CutMix().mix(
        torch.rand(2, 3, 8, 8), torch.eye(2),
        dict(source=np.array([1, 0]), box=np.array([0, 0, 4, 4]), lam=0.25))
    for shape in ((2, 16), (2, 10, 4), (2, 3, 8, 8, 8)):
        with pytest.raises(ValueError, match='do not have the 8 x 8 places'):
            mixed.paste(torch.rand(shape))
    with pytest.raises(ValueError, match='from one source only'):
        replace(mixed, kind='several').paste(torch.rand(2, 3, 8, 8))


def test_token_labelling_inside_of_the_network():
    """Labels of the guide, mixed at the tokens; every place has its own."""
    model = build(
        vit_config(
            [dict(type='mmmix.ReLabel', mixer=dict(type='mmmix.MixToken'))],
            dict(
                dense=dict(type='mmmix.DenseLabelLoss', target='label_maps'))))
    losses, data = train_losses(model)
    mixed = data['mixed']
    assert mixed.site == 'patch_embed'
    torch.testing.assert_close(
        mixed.labels.sum(1), torch.ones(len(mixed.labels)))
    assert losses['loss_dense'].isfinite() and losses['loss_dense'] > 0
