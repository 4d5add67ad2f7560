"""The loss of dense labels against loops over images, places and classes."""
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import batch, build, cnn_config, train_losses, vit_config
from torch import nn

from mmmix.models import (CutMix, MaskMix, MixLinearClsHead, Mixup, ResizeMix,
                          SMMix)
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch

N, C, K = 5, 6, 3


def make_head(seed=0):
    torch.manual_seed(seed)
    head = MixLinearClsHead(num_classes=K, in_channels=C)
    nn.init.normal_(head.fc.weight)
    return head


def soft_labels(n=N):
    return torch.rand(n, K).softmax(1)


def make_loss(**options):
    return MODELS.build(dict(type='mmmix.DenseLabelLoss', **options))


def loop_loss(head, tokens, targets, smooth=0.):
    """Mean cross-entropy of all places, in float64; targets (N, K, h, w)."""
    weight, bias = head.fc.weight.double(), head.fc.bias.double()
    n, _, h, w = tokens.shape
    total = 0.
    for i in range(n):
        for y in range(h):
            for x in range(w):
                logits = (weight @ tokens[i, :, y, x].double() + bias).tolist()
                norm = math.log(sum(math.exp(v) for v in logits))
                for k in range(K):
                    target = targets[i, k, y, x].item()
                    target = (1 - smooth) * target + smooth / K
                    total -= target * (logits[k] - norm)
    return total / (n * h * w)


def box_share(box, image_size, grid, y, x):
    """Share of a cell that a box in pixels covers, by counting pixels of a
    picture eight times as large."""
    cell = [8 * side // g for side, g in zip(image_size, grid)]
    picture = torch.zeros(8 * image_size[0], 8 * image_size[1])
    y1, x1, y2, x2 = (8 * v for v in box)
    picture[y1:y2, x1:x2] = 1
    return picture[y * cell[0]:(y + 1) * cell[0],
                   x * cell[1]:(x + 1) * cell[1]].mean()


@pytest.mark.parametrize('smooth', [0., 0.1])
def test_area_targets_of_a_rectangular_image(smooth):
    """A box of pixels across cells of an oblong image, an odd batch."""
    head, labels = make_head(), soft_labels()
    box, source = (3, 5, 14, 22), [2, 0, 1, 4, 3]
    mixed = CutMix().mix(
        torch.rand(N, 3, 16, 24), labels,
        dict(source=np.array(source), box=np.array(box), lam=0.5))
    tokens = torch.randn(N, C, 2, 3)
    targets = torch.zeros(N, K, 2, 3)
    for i in range(N):
        for y in range(2):
            for x in range(3):
                m = box_share(box, (16, 24), (2, 3), y, x)
                targets[i, :, y, x] = m * labels[source[i]] \
                    + (1 - m) * labels[i]
    loss = make_loss(label_smooth=smooth)
    actual = loss(head, torch.zeros(N, K), mixed, None, tokens)
    assert actual.item() == pytest.approx(
        loop_loss(head, tokens, targets, smooth), rel=1e-5)


def test_label_maps_are_pasted_by_the_mask():
    head = make_head()
    mixer = MaskMix(scale=1, patch_size=8, pairing='shuffle')
    params = mixer.sample(np.random.default_rng(1), N, (32, 24))
    mixed = mixer.mix(torch.rand(N, 3, 32, 24), soft_labels(), params)
    maps = torch.rand(N, K, 4, 3).softmax(1)
    tokens = torch.randn(N, C, 4, 3)
    targets = torch.zeros(N, K, 4, 3)
    for i in range(N):
        for y in range(4):
            for x in range(3):
                owner = params['source'][i] if params['cells'][0, y, x] else i
                targets[i, :, y, x] = maps[owner, :, y, x]
    actual = make_loss(target='label_maps')(head, torch.zeros(N, K), mixed,
                                            Guidance(label_maps=maps), tokens)
    assert actual.item() == pytest.approx(
        loop_loss(head, tokens, targets), rel=1e-5)


def test_label_maps_follow_a_region_that_moved():
    """SMMix pastes the most attended region onto the least attended one."""
    head = make_head()
    attention = torch.rand(N, 4, 4)
    mixer = SMMix(delta=0.5)
    params = mixer.sample(np.random.default_rng(0), N, (32, 32))
    mixed = mixer.mix(
        torch.rand(N, 3, 32, 32), soft_labels(), params,
        Guidance(attention=attention))
    assert not torch.equal(mixed.source_boxes, mixed.target_boxes)
    maps = torch.rand(N, K, 4, 4).softmax(1)
    tokens = torch.randn(N, C, 4, 4)
    targets = maps.clone()
    for i in range(N):
        s, t = (
            boxes[i] // 8
            for boxes in (mixed.source_boxes, mixed.target_boxes))
        targets[i, :, t[0]:t[2], t[1]:t[3]] = \
            maps[mixed.source[i], :, s[0]:s[2], s[1]:s[3]]
    actual = make_loss(target='label_maps')(head, torch.zeros(N, K), mixed,
                                            Guidance(label_maps=maps), tokens)
    assert actual.item() == pytest.approx(
        loop_loss(head, tokens, targets), rel=1e-5)


def test_label_maps_shrink_with_the_image():
    """A map that grows from left to right, in a box of half the sides."""
    params = dict(
        source=np.array([1, 0]), box=np.array([0, 0, 16, 16]), lam=0.25)
    mixed = ResizeMix().mix(torch.rand(2, 3, 32, 32), soft_labels(2), params)
    ramp = torch.arange(4.).expand(1, 4, 4)
    maps = torch.stack([0 * ramp, ramp])
    pasted = mixed.mixed_maps(maps)
    # two cells, whose centres are those of the halves of the ramp
    torch.testing.assert_close(pasted[0, 0, 0], torch.tensor([.5, 2.5, 0, 0]))
    torch.testing.assert_close(pasted[0, 0, 3], torch.zeros(4))
    torch.testing.assert_close(pasted[1, 0, 0], torch.tensor([0., 0, 2, 3]))


def test_maps_on_another_grid_are_averaged():
    mixed = MixedBatch.unmixed(torch.rand(N, 3, 32, 32), soft_labels())
    maps = torch.rand(N, K, 4, 4).softmax(1)
    head, tokens = make_head(), torch.randn(N, C, 2, 2)
    targets = torch.zeros(N, K, 2, 2)
    for y in range(2):
        for x in range(2):
            targets[..., y, x] = maps[..., 2 * y:2 * y + 2,
                                      2 * x:2 * x + 2].mean((2, 3))
    actual = make_loss(
        target='label_maps', batches='all')(head, torch.zeros(N, K), mixed,
                                            Guidance(label_maps=maps), tokens)
    assert actual.item() == pytest.approx(
        loop_loss(head, tokens, targets), rel=1e-5)


@pytest.mark.parametrize('target', ['area', 'label_maps'])
def test_several_sources(target):
    torch.manual_seed(0)
    head, labels = make_head(), soft_labels()
    source = torch.tensor([[1, 2], [3, 4], [0, 1], [2, 2], [0, 4]])
    mask = torch.rand(N, 3, 4, 6).softmax(1)[:, :2]
    mixed = MixedBatch(
        inputs=torch.rand(N, 3, 16, 24),
        labels=labels,
        source=source,
        lam=mask.mean((2, 3)),
        mask=mask,
        kind='several')
    maps = torch.rand(N, K, 2, 3).softmax(1)
    tokens = torch.randn(N, C, 2, 3)
    targets = torch.zeros(N, K, 2, 3)
    places = maps if target == 'label_maps' else \
        labels[..., None, None].expand(-1, -1, 2, 3)
    for i in range(N):
        for y in range(2):
            for x in range(3):
                rest = 1.
                for s in range(2):
                    m = mask[i, s, 2 * y:2 * y + 2, 2 * x:2 * x + 2].mean()
                    targets[i, :, y, x] += m * places[source[i, s], :, y, x]
                    rest -= m
                targets[i, :, y, x] += rest * places[i, :, y, x]
    actual = make_loss(target=target)(head, torch.zeros(N, K), mixed,
                                      Guidance(label_maps=maps), tokens)
    assert actual.item() == pytest.approx(
        loop_loss(head, tokens, targets), rel=1e-5)


def test_a_blend_has_its_mixed_label_everywhere():
    head, labels = make_head(), soft_labels(1)
    labels = torch.cat([labels, labels.flip(1)])
    mixed = Mixup().mix(
        torch.rand(2, 3, 8, 8), labels, dict(source=np.array([1, 0]), lam=0.3))
    tokens = torch.randn(2, C, 2, 2)
    targets = mixed.mixed_labels()[..., None, None].expand(-1, -1, 2, 2)
    actual = make_loss()(head, torch.zeros(2, K), mixed, None, tokens)
    assert actual.item() == pytest.approx(
        loop_loss(head, tokens, targets), rel=1e-5)


@pytest.mark.parametrize('share,owner', [(0., 0), (1., 1)])
def test_the_whole_image_or_nothing_has_one_label(share, owner):
    """A batch of one source that covers all or nothing."""
    head, labels = make_head(), torch.eye(K)[:2]
    side = round(8 * share)
    mixed = CutMix().mix(
        torch.rand(2, 3, 8, 8), labels,
        dict(
            source=np.array([1, 0]),
            box=np.array([0, 0, side, side]),
            lam=share))
    tokens = torch.randn(2, C, 3, 3)  # a grid that does not divide the image
    places = head.fc(tokens.flatten(2).transpose(1, 2)).flatten(0, 1)
    targets = labels[[owner, 1 - owner]].repeat_interleave(9, 0)
    torch.testing.assert_close(
        make_loss()(head, torch.zeros(2, K), mixed, None, tokens),
        F.cross_entropy(places, targets))


def test_a_batch_of_one():
    head = make_head()
    mixed = MixedBatch.unmixed(torch.rand(1, 3, 8, 8), torch.eye(K)[:1])
    tokens = torch.randn(1, C, 2, 2, requires_grad=True)
    make_loss(batches='all')(head, torch.zeros(1, K), mixed, None,
                             tokens).backward()
    assert tokens.grad.isfinite().all() and tokens.grad.abs().sum() > 0


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_it_is_computed_in_float32(dtype):
    head = make_head()
    mixed = MixedBatch.unmixed(torch.rand(N, 3, 8, 8), soft_labels())
    args = (head, torch.zeros(N, K), mixed,
            Guidance(label_maps=torch.rand(N, K, 2, 2)))
    loss = make_loss(target='label_maps', batches='all', loss_weight=3.)
    tokens = torch.randn(N, C, 2, 2).to(dtype)
    expected = loss(*args, tokens.float())
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(loss(*args, tokens), expected)
    once = make_loss(target='label_maps', batches='all')(*args, tokens)
    torch.testing.assert_close(expected, 3 * once)


def test_a_second_classifier_is_trained_and_the_first_is_not():
    head = make_head()
    loss = make_loss(second_classifier=True)
    loss.prepare(head)
    mixed = MixedBatch.unmixed(torch.rand(N, 3, 8, 8), soft_labels())
    tokens = torch.randn(N, C, 2, 2)
    value = loss(head, torch.zeros(N, K), mixed, None, tokens)
    value.backward()
    assert head.fc.weight.grad is None
    assert loss.classifier.weight.grad.abs().sum() > 0
    head.fc.load_state_dict(loss.classifier.state_dict())
    torch.testing.assert_close(
        value,
        make_loss()(head, torch.zeros(N, K), mixed, None, tokens))


def test_without_it_the_head_has_no_parameter_more():
    with_loss, without = (
        build(
            cnn_config(
                dict(type='mmmix.CutMix'), losses
                and dict(dense=dict(type='mmmix.DenseLabelLoss'))))
        for losses in (True, None))
    assert with_loss.state_dict().keys() == without.state_dict().keys()


@pytest.mark.parametrize('config', [vit_config, cnn_config])
@pytest.mark.parametrize('second', [False, True])
@pytest.mark.parametrize('augment', ['CutMix', 'Mixup'])
def test_a_step_trains_every_parameter(config, second, augment):
    dense = dict(type='mmmix.DenseLabelLoss', second_classifier=second)
    model = build(
        config(dict(type=f'mmmix.{augment}'), dict(dense=dense), head=dict()))
    losses, seen = train_losses(model)
    assert set(losses) == {'loss_cls', 'loss_dense'}
    sum(losses.values()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize('config,places', [(vit_config, 'tokens'),
                                           (cnn_config, 'map')])
def test_it_sees_the_last_feature_map_of_the_mixed_images(config, places):
    torch.manual_seed(0)
    dense = dict(type='mmmix.DenseLabelLoss', batches='all')
    model = build(config(dict(type='mmmix.CutMix'), dict(dense=dense)))
    model.eval()  # batch norm that does not depend on the pass
    data = model.data_preprocessor(batch(3), training=True)
    seen = []
    model.data_preprocessor.register_mix_hook(
        lambda mixed, guidance: seen.append(mixed))
    losses = model.loss(data['inputs'], data['data_samples'])
    mixed, = seen
    last = model.backbone(mixed.inputs)[-1]
    if places == 'tokens':
        last = last[:, 1:].transpose(1, 2).unflatten(2, (4, 4))
    expected = model.head.mix_losses['dense'](model.head, torch.zeros(3, 5),
                                              mixed, None, last)
    torch.testing.assert_close(losses['loss_dense'], expected)


def test_it_learns_to_tell_places_apart():
    """Two constant images: after some steps, places say whose they are."""
    torch.manual_seed(0)
    dense = dict(type='mmmix.DenseLabelLoss')
    mixer = dict(type='mmmix.MaskMix', scale=1, patch_size=8)
    model = build(cnn_config(mixer, dict(dense=dense)))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    data = batch(2)
    data['inputs'] = [torch.zeros(3, 32, 32), torch.full((3, 32, 32), 2.)]
    values = []
    for _ in range(20):
        losses, _ = train_losses(
            model,
            dict(
                inputs=[image.clone() for image in data['inputs']],
                data_samples=[s.clone() for s in data['data_samples']]))
        optimizer.zero_grad()
        losses['loss_dense'].backward()
        optimizer.step()
        values.append(losses['loss_dense'].item())
    assert np.mean(values[-5:]) < 0.5 * np.mean(values[:5])


@pytest.mark.parametrize('options,message',
                         [(dict(target='tokens'), "not 'tokens'"),
                          (dict(batches='some'), "not 'some'"),
                          (dict(label_smooth=1.), 'not 1.0')])
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_loss(**options)


def test_a_vit_that_outputs_its_class_token_alone_is_refused():
    dense = dict(type='mmmix.DenseLabelLoss')
    with pytest.raises(ValueError, match="out_type='cls_token'"):
        build(
            vit_config(
                dict(type='mmmix.CutMix'),
                dict(dense=dense),
                backbone=dict(out_type='cls_token')))


def test_a_sigmoid_loss_is_refused():
    with pytest.raises(ValueError, match='by sigmoid'):
        build(
            cnn_config(
                dict(type='mmmix.CutMix'),
                dict(dense=dict(type='mmmix.DenseLabelLoss')),
                head=dict(
                    loss=dict(
                        type='mmpretrain.CrossEntropyLoss',
                        use_sigmoid=True))))
