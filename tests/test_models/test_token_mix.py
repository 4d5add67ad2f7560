"""TokenMix's two weights against loops over places in float64."""
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import (BOTH_LOSSES, NUM_CLASSES, batch, build, cnn_config,
                     train_losses, vit_config)
from mmengine.config import Config
from mmengine.runner import Runner

from mmmix.models import CutMix, MaskMix, SMMix, TokenMixLabel, TransMixLabel
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch

N = 5
SMOOTH = 0.1
RULE = dict(type='mmmix.TokenMixLabel')
BLOCK = dict(type='mmmix.MaskMix', strategy='block', scale=1, patch_size=8)


def cut(box=(0, 0, 16, 16), n=N, size=(32, 24)):
    return CutMix().mix(
        torch.rand(n, 3, *size),
        F.one_hot(torch.arange(n) % 3, 3).float(),
        dict(source=np.roll(np.arange(n), 1), box=np.array(box), lam=0.5))


def weights_of(mixed, maps, **options):
    rule = MODELS.build(dict(RULE, **options))
    return rule(torch.zeros(len(maps), 3), mixed, Guidance(attention=maps))


def in_places(mixed, maps, n, image, boxes, outside):
    """Sum of a map over the pixels of a box, or over all others."""
    height, width = mixed.inputs.shape[-2:]
    h, w = maps.shape[1:]
    y1, x1, y2, x2 = boxes[n].tolist()
    total = 0.
    for y in range(height):
        for x in range(width):
            inside = y1 <= y < y2 and x1 <= x < x2
            if inside != outside:
                cell = maps[image, y * h // height, x * w // width].item()
                total += cell * h * w / height / width
    return total


@pytest.mark.parametrize('normalize', [True, False])
@pytest.mark.parametrize('swapped', [True, False])
@pytest.mark.parametrize('smooth', [0., SMOOTH])
def test_each_label_weighs_what_is_left_of_its_image(normalize, swapped,
                                                     smooth):
    """A box across the cells of an oblong map, an odd batch."""
    torch.manual_seed(0)
    mixed, maps = cut((5, 2, 18, 13)), torch.rand(N, 4, 3)
    lam, own = weights_of(
        mixed, maps, normalize=normalize, swapped=swapped, split_smooth=smooth)
    for n in range(N):
        a = mixed.source[n].item()
        expected = [
            in_places(mixed, maps, n, a, mixed.target_boxes, swapped),
            in_places(mixed, maps, n, n, mixed.target_boxes, not swapped)
        ]
        if normalize:
            expected[0] /= maps[a].double().sum().item()
            expected[1] /= maps[n].double().sum().item()
        expected = [(w - smooth / 2) / (1 - smooth) for w in expected]
        assert [lam[n].item(), own[n].item()] == pytest.approx(
            expected, abs=1e-5)


def test_a_moved_region_is_read_where_it_was_taken_from():
    torch.manual_seed(0)
    maps, mixer = torch.rand(N, 4, 4), SMMix(delta=0.5)
    mixed = mixer.mix(
        torch.rand(N, 3, 32, 32), torch.eye(N),
        mixer.sample(np.random.default_rng(0), N, (32, 32)),
        Guidance(attention=torch.rand(N, 4, 4)))
    lam, own = weights_of(mixed, maps)
    for n in range(N):
        a = mixed.source[n].item()
        assert lam[n].item() == pytest.approx(
            in_places(mixed, maps, n, a, mixed.source_boxes, False) /
            maps[a].sum().item(),
            abs=1e-5)
        assert own[n].item() == pytest.approx(
            in_places(mixed, maps, n, n, mixed.target_boxes, True) /
            maps[n].sum().item(),
            abs=1e-5)


def test_cells_that_moved_are_read_where_they_were_taken_from():
    """The target's cells 0 and 3 change places, then place 0 is pasted on:
    cell 3 is hidden, not the cell 0 that holds most of the attention."""
    mask = torch.tensor([[[1., 0], [0, 0]]]).expand(2, -1, -1)
    moves = torch.tensor([[[3, 1], [2, 0]], [[1, 0], [2, 3]]])
    mixed = MixedBatch(
        torch.rand(2, 3, 8, 8),
        torch.eye(2),
        torch.tensor([1, 0]),
        torch.full((2, ), 0.25),
        mask,
        'regions',
        moves=moves.expand(2, -1, -1, -1))
    maps = torch.tensor([[9., 1, 1, 1], [1, 5, 2, 4]]).view(2, 2, 2) / 12
    lam, own = weights_of(mixed, maps)
    assert own.tolist() == pytest.approx([11 / 12, 8 / 12])
    # the source's cells 0 and 1 changed places, so cell 1 is pasted
    assert lam.tolist() == pytest.approx([5 / 12, 1 / 12])


def test_a_constant_map_gives_area_weights():
    mixed = cut((0, 0, 16, 12))
    lam, own = weights_of(mixed, torch.full((N, 4, 3), 0.2))
    torch.testing.assert_close(lam, torch.full((N, ), 0.25))
    torch.testing.assert_close(own, torch.full((N, ), 0.75))


@pytest.mark.parametrize('row,column', [(0, 0), (0, 2), (3, 0), (3, 2)])
def test_a_map_with_one_cell_gives_all_or_nothing(row, column):
    """The box covers the two columns on the left of the upper two rows."""
    maps = torch.zeros(N, 4, 3)
    maps[:, row, column] = 0.7
    lam, own = weights_of(cut((0, 0, 16, 16)), maps)
    pasted = float(row < 2 and column < 2)
    assert lam.tolist() == pytest.approx([pasted] * N)
    assert own.tolist() == pytest.approx([1 - pasted] * N)


def test_both_objects_or_none_may_be_seen():
    """The source's object is inside the box, the target's outside; and the
    other way round."""
    maps = torch.zeros(2, 4, 3)
    maps[0, 3, 2] = maps[1, 0, 0] = 1
    lam, own = weights_of(cut(n=2), maps)
    assert lam.tolist() == [1, 0] and own.tolist() == [1, 0]
    mixed = cut(n=2)
    mixed.lam, mixed.own_lam = lam, own
    torch.testing.assert_close(mixed.mixed_labels(),
                               torch.tensor([[1., 1, 0], [0, 0, 0]]))
    assert mixed.source_share[0] == 0.5


def test_label_maps_give_the_map_of_the_images_own_label():
    torch.manual_seed(0)
    mixed, maps = cut(), torch.rand(N, 3, 4, 3)
    own = torch.stack([maps[n, n % 3] for n in range(N)])
    expected = weights_of(mixed, own)
    rule = TokenMixLabel(maps='label_maps')
    assert rule.requires == {'label_maps', 'mask'}
    actual = rule(torch.zeros(N, 3), mixed, Guidance(label_maps=maps))
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize('swapped', [True, False])
@pytest.mark.parametrize('normalize', [True, False])
def test_a_map_of_zeros_is_weighed_by_area(normalize, swapped):
    mixed, maps = cut((0, 0, 16, 12)), torch.rand(N, 4, 3)
    mixed.lam = torch.full((N, ), 0.25)
    maps[1] = 0
    lam, own = weights_of(mixed, maps, normalize=normalize, swapped=swapped)
    assert lam[2].item() == pytest.approx(0.75 if swapped else 0.25)
    assert own[1].item() == pytest.approx(0.25 if swapped else 0.75)
    assert lam.isfinite().all() and own.isfinite().all()


def test_the_split_smoothing_is_that_of_the_public_code():
    """With LabelSmoothLoss, the target of each class as the code has it."""
    torch.manual_seed(0)
    mixed, maps, k = cut(), torch.rand(N, 4, 3), 3
    plain = weights_of(mixed, maps)
    mixed.lam, mixed.own_lam = weights_of(mixed, maps, split_smooth=SMOOTH)
    loss = MODELS.build(
        dict(
            type='mmpretrain.LabelSmoothLoss',
            label_smooth_val=SMOOTH,
            num_classes=k,
            use_sigmoid=True))
    target = loss.smooth_label(mixed.mixed_labels())
    off = SMOOTH / k
    for n in range(N):
        labels = [n % 3, int(mixed.source[n]) % 3]
        ours = [off / 2] * k
        theirs = [off / 2] * k
        ours[labels[0]] = plain[1][n].item() - SMOOTH / 2 + off / 2
        theirs[labels[1]] = plain[0][n].item() - SMOOTH / 2 + off / 2
        expected = [u + v for u, v in zip(ours, theirs)]
        assert target[n].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_low_precision_maps_give_float32_weights(dtype):
    maps = torch.rand(N, 4, 3).to(dtype)
    for weight in weights_of(cut(), maps):
        assert weight.dtype == torch.float32


def test_the_ratio_of_the_public_code_is_112_of_196_tokens():
    mixer = MaskMix(
        strategy='block', scale=1, tau=112 / 196, mask_per_image=True)
    counts = [
        mixer.sample(np.random.default_rng(seed), 4, (224, 224))['cells'].sum(
            (1, 2)) for seed in range(20)
    ]
    counts = np.concatenate(counts)
    # rectangles that do not fit end a mask early, never late
    assert counts.max() == 112 and np.median(counts) >= 110
    assert mixer.sample(np.random.default_rng(0), 4,
                        (224, 224))['cells'].shape == (4, 14, 14)


@pytest.mark.parametrize('tau', [0, 1, -0.5, 1.5])
def test_a_fixed_ratio_is_inside_the_unit_interval(tau):
    with pytest.raises(ValueError, match='`tau`'):
        MaskMix(tau=tau)


@pytest.mark.parametrize('config', [vit_config, cnn_config])
@pytest.mark.parametrize('n,size', [(1, (32, 32)), (5, (16, 40))])
def test_a_step_with_binary_cross_entropy(config, n, size):
    bce = dict(
        type='mmpretrain.LabelSmoothLoss',
        label_smooth_val=SMOOTH,
        num_classes=NUM_CLASSES,
        use_sigmoid=True,
        loss_weight=1 / NUM_CLASSES)
    model = build(
        config([BLOCK], head=dict(label_rule=RULE, loss=bce), img_size=size))
    losses, seen = train_losses(model, batch(n, size))
    mixed = seen['mixed']
    lam, own = weights_of_model(model, seen)
    labels = torch.eye(NUM_CLASSES)[torch.arange(n) % NUM_CLASSES]
    target = own[:, None] * labels + lam[:, None] * labels[mixed.source]
    target = (1 - SMOOTH) * target + SMOOTH / NUM_CLASSES
    with torch.no_grad():
        logits = model(mixed.inputs)
        expected = 0.
        for row, wanted in zip(logits.double(), target.double()):
            for z, t in zip(row, wanted):
                p = 1 / (1 + torch.exp(-z))
                expected -= t * p.log() + (1 - t) * (1 - p).log()
    assert losses['loss_cls'].item() == pytest.approx(
        expected.item() / n / NUM_CLASSES, rel=1e-4)
    losses['loss_cls'].backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def weights_of_model(model, seen):
    return TokenMixLabel()(torch.zeros(1), seen['mixed'], seen['guidance'])


def test_a_rule_with_one_weight_leaves_the_rest_to_the_target():
    """Also where the mixer gave the target a weight of its own."""
    model = build(vit_config([BLOCK], head=dict(label_rule=RULE)))
    rule, head = TransMixLabel(), model.head
    mixed = cut()
    mixed.own_lam = torch.full((N, ), 0.9)
    head.label_rule = rule
    relabelled = head.relabel(
        torch.zeros(N, 3), mixed, None, torch.full((N, 4, 3), 1 / 12))
    assert relabelled.own_lam is None
    torch.testing.assert_close(relabelled.lam + relabelled.own_weight,
                               torch.ones(N))


def test_with_the_losses_of_smmix():
    """SMMix, Table 6: its losses with the labels of TokenMix; the consistency
    loss is drawn towards a distribution."""
    torch.manual_seed(0)
    model = build(
        vit_config([dict(type='mmmix.SMMix')],
                   BOTH_LOSSES,
                   head=dict(label_rule=RULE)))
    losses, seen = train_losses(model)
    mixed, guidance = seen['mixed'], seen['guidance']
    lam, own = weights_of_model(model, seen)
    with torch.no_grad():
        logits = model(mixed.inputs)
    p = guidance.logits.softmax(1)
    target = own[:, None] * p + lam[:, None] * p[mixed.source]
    target = target / target.sum(1, keepdim=True)
    expected = (target * (target.log() - logits.log_softmax(1))).sum(1).mean()
    torch.testing.assert_close(
        losses['loss_consistency'], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('options,message',
                         [(dict(split_smooth=-0.1), 'not -0.1'),
                          (dict(split_smooth=1.), 'not 1.0'),
                          (dict(maps='logits'), "not 'logits'")])
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TokenMixLabel(**options)


def test_it_is_refused_without_a_mask():
    with pytest.raises(ValueError, match='mmmix.Mixup'):
        build(
            vit_config([dict(type='mmmix.Mixup')], head=dict(label_rule=RULE)))


def test_own_weight_of_every_kind():
    unmixed = MixedBatch.unmixed(torch.rand(2, 3, 4, 4), torch.eye(2))
    assert unmixed.own_weight.tolist() == [1, 1]
    unmixed.lam = torch.tensor([[0.5, 0.25], [0., 0.75]])
    assert unmixed.own_weight.tolist() == [0.25, 0.25]


def test_both_weights_are_logged(tmp_path):
    runner = Runner.from_cfg(
        Config(
            dict(
                default_scope='mmmix',
                work_dir=str(tmp_path),
                experiment_name='token_mix',
                model=vit_config([BLOCK],
                                 head=dict(num_classes=10, label_rule=RULE)),
                train_dataloader=dict(
                    batch_size=4,
                    num_workers=0,
                    dataset=dict(
                        type='mmmix.SyntheticObjects',
                        num_images=8,
                        pipeline=[dict(type='PackInputs')]),
                    sampler=dict(type='DefaultSampler', shuffle=True)),
                optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
                train_cfg=dict(by_epoch=True, max_epochs=1),
                custom_hooks=[dict(type='mmmix.MixStatisticsHook')],
                visualizer=dict(
                    type='UniversalVisualizer',
                    vis_backends=[dict(type='LocalVisBackend')]),
                log_level='ERROR')))
    seen = []
    runner.model.label_rule.register_forward_hook(
        lambda rule, args, weights: seen.append(torch.stack(weights)))
    runner.train()
    log = tmp_path / runner.timestamp / 'vis_data/scalars.json'
    row, = (
        row for row in map(json.loads,
                           log.read_text().splitlines())
        if 'mix/own_mean' in row)
    lam, own = torch.cat(seen, 1)
    assert row['mix/lam_mean'] == pytest.approx(lam.mean().item(), abs=1e-5)
    assert row['mix/own_mean'] == pytest.approx(own.mean().item(), abs=1e-5)
