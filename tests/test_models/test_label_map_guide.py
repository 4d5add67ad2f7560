"""Stored label maps, cut as the images are, against loops over places."""
import math
from functools import partial

import numpy as np
import pytest
import torch
from helpers import NUM_CLASSES, batch, build, cnn_config, vit_config
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from stand_in_gpu import GPU, stand_in_gpu
from torch import nn

from mmmix.models import LabelMapGuide
from mmmix.registry import TRANSFORMS

K = 4
WHOLE = (0., 0., 1., 1.)
WORDS = frozenset({'label_maps', 'logits', 'attention'})


def sample_of(label_map, box=WHOLE, flip=None, **meta):
    sample = DataSample(label_map=label_map, crop_box=torch.tensor(box))
    sample.set_metainfo(dict(flip_direction=flip, flip=bool(flip), **meta))
    return sample


def asked(samples, labels=None, words=WORDS, **options):
    labels = torch.eye(K)[:len(samples)] if labels is None else labels
    return LabelMapGuide(**options)(nn.Module(),
                                    torch.rand(len(samples), 3, 8, 8),
                                    frozenset(words), labels, samples)


def best_of(scores, k):
    values, indices = scores.topk(k, 0)
    return torch.stack([values, indices.float()])


def value_at(values, y, x):
    """Bilinear value of a map at a place, in cells from its upper left."""
    height, width = values.shape
    y, x = y - 0.5, x - 0.5
    if not (-1 <= y <= height and -1 <= x <= width):
        return 0.
    y = min(max(y, 0), height - 1)
    x = min(max(x, 0), width - 1)
    top, left = min(int(y), height - 2), min(int(x), width - 2)
    dy, dx = y - top, x - left
    return sum(values[top + i, left + j].item() * abs(1 - i - dy) *
               abs(1 - j - dx) for i in (0, 1) for j in (0, 1))


def mean_of_box(values, box, grid, row, column):
    """Mean over one cell of a grid over a box, at as many evenly spaced
    places a side as the cell has cells of the map."""
    height, width = values.shape
    y1, x1, y2, x2 = (v * s for v, s in zip(box, (height, width) * 2))
    cell = (y2 - y1) / grid[0], (x2 - x1) / grid[1]
    count = [max(1, math.ceil(side - 1e-9)) for side in cell]
    total = 0.
    for i in range(count[0]):
        for j in range(count[1]):
            total += value_at(values,
                              y1 + (row + (i + 0.5) / count[0]) * cell[0],
                              x1 + (column + (j + 0.5) / count[1]) * cell[1])
    return total / count[0] / count[1]


def softmax(row):
    total = sum(math.exp(v) for v in row)
    return [math.exp(v) / total for v in row]


@pytest.mark.parametrize('grid', [(2, 3), (1, 1), (7, 4)])
@pytest.mark.parametrize('scores', ['logits', 'probabilities'])
@pytest.mark.parametrize('best', [True, False])
def test_crops_of_oblong_maps(grid, scores, best):
    torch.manual_seed(0)
    maps = torch.rand(3, K, 4, 6)
    stored, full = maps, maps
    if best:
        stored = torch.stack([best_of(m, 2) for m in maps])
        full = torch.where(maps >= maps.topk(2, 1).values[:, 1:], maps, 0.)
    boxes = [(0.1, 0.2, 0.73, 0.9), WHOLE, (0.4, 0.05, 0.9, 0.4)]
    labels = torch.eye(K)[[2, 0, 3]]
    guidance = asked([sample_of(m, b) for m, b in zip(stored, boxes)],
                     labels,
                     grid=grid,
                     scores=scores)
    assert guidance.label_maps.shape == (3, K, *grid)
    assert guidance.logits.shape == (3, K)
    assert guidance.attention.shape == (3, *grid)
    for n, label in enumerate((2, 0, 3)):
        for row in range(grid[0]):
            for column in range(grid[1]):
                cut = [
                    mean_of_box(full[n, k], boxes[n], grid, row, column)
                    for k in range(K)
                ]
                expected = softmax(cut) if scores == 'logits' else \
                    [v / sum(cut) for v in cut]
                assert guidance.label_maps[n, :, row, column].tolist() == \
                    pytest.approx(expected, abs=1e-5)
                assert guidance.attention[n, row, column].item() == \
                    pytest.approx(cut[label], abs=1e-5)
        cut = [
            mean_of_box(full[n, k], boxes[n], (1, 1), 0, 0) for k in range(K)
        ]
        expected = softmax(cut) if scores == 'logits' else \
            [v / sum(cut) for v in cut]
        assert guidance.logits[n].softmax(0).tolist() == pytest.approx(
            expected, abs=1e-5)


def test_a_crop_of_the_whole_image_is_the_map():
    maps = torch.randn(2, K, 5, 3)
    guidance = asked([sample_of(m) for m in maps])
    torch.testing.assert_close(guidance.label_maps, maps.softmax(1))
    torch.testing.assert_close(guidance.attention,
                               torch.stack([maps[0, 0], maps[1, 1]]).clamp(0))
    torch.testing.assert_close(guidance.logits, maps.mean((2, 3)))


@pytest.mark.parametrize('flip,axes', [('horizontal', (-1, )),
                                       ('vertical', (-2, )),
                                       ('diagonal', (-2, -1))])
@pytest.mark.parametrize('best', [True, False])
def test_crop_then_flip_is_flip_then_mirrored_crop(flip, axes, best):
    torch.manual_seed(0)
    maps = torch.rand(2, K, 4, 6)
    box = (0.1, 0.3, 0.8, 0.95)
    mirrored = list(box)
    if -1 in axes:
        mirrored[1], mirrored[3] = 1 - box[3], 1 - box[1]
    if -2 in axes:
        mirrored[0], mirrored[2] = 1 - box[2], 1 - box[0]
    stored = [best_of(m, 2) if best else m for m in maps]
    # one of the batch is not flipped
    guidance = asked(
        [sample_of(stored[0], box, flip),
         sample_of(stored[1], box)],
        grid=(3, 2))
    first = asked([sample_of(stored[0].flip(axes), tuple(mirrored))],
                  grid=(3, 2))
    plain = asked([sample_of(m, box) for m in stored], grid=(3, 2))
    for name in WORDS:
        both, one, none = (getattr(g, name) for g in (guidance, first, plain))
        torch.testing.assert_close(both[:1], one)
        torch.testing.assert_close(both[1:], none[1:])
    torch.testing.assert_close(guidance.label_maps[0],
                               plain.label_maps[0].flip(axes))


@pytest.mark.parametrize('corner', [(0, 0), (0, 5), (3, 0), (3, 5)])
def test_exchanged_axes_are_noticed(corner):
    """One class in one corner of an oblong map, and a box of that corner."""
    maps = torch.zeros(K, 4, 6)
    maps[1, corner[0], corner[1]] = 1.
    y, x = (corner[0] + 0.5) / 4, (corner[1] + 0.5) / 6
    box = (y - 0.125, x - 1 / 12, y + 0.125, x + 1 / 12)
    labels = torch.eye(K)[[1]]
    right = asked([sample_of(maps, box)], labels, grid=1)
    wrong = asked([sample_of(maps, box)], labels, grid=1, axes='xy')
    assert right.attention.item() == pytest.approx(1)
    if corner in ((0, 5), (3, 0)):
        assert wrong.attention.item() < 0.5


@pytest.mark.parametrize('flip', [None, 'horizontal'])
def test_exchanged_axes_of_the_public_code(flip):
    """TokenLabeling flips image and map, then crops; the box (top, left,
    height, width) is read as (x1, y1, width, height)."""
    torch.manual_seed(0)
    maps = torch.rand(1, K, 5, 5)
    top, left, height, width = 0.2, 0.5, 0.6, 0.3  # of the flipped image
    box = (top, left, top + height, left + width)
    flipped = maps.flip(-1) if flip else maps
    public = [[
        mean_of_box(flipped[0, k], (left, top, left + width, top + height),
                    (1, 1), 0, 0) for k in range(K)
    ]]
    if flip:
        box = (box[0], 1 - box[3], box[2], 1 - box[1])
    guidance = asked([sample_of(maps[0], box, flip)], axes='xy')
    torch.testing.assert_close(guidance.logits, torch.tensor(public))


@pytest.mark.parametrize('size', [(60, 100), (100, 60), (60, 60)])
def test_maps_of_the_centred_square(size):
    """A box of the image, where it lies in the square; a place outside of it
    has the same label for all classes."""
    torch.manual_seed(0)
    maps = torch.rand(1, K, 6, 6)
    side = min(size)
    # the square in pixels, and a box inside it
    top, left = ((s - side) / 2 for s in size)
    inside = (0.2, 0.4, 0.9, 0.7)
    box = [
        top + inside[0] * side, left + inside[1] * side,
        top + inside[2] * side, left + inside[3] * side
    ]
    box = [v / s for v, s in zip(box, size * 2)]
    options = dict(extent='centre', grid=(3, 2))
    guidance = asked([sample_of(maps[0], tuple(box), ori_shape=size)],
                     **options)
    expected = asked([sample_of(maps[0], inside)], grid=(3, 2))
    for name in WORDS:
        torch.testing.assert_close(
            getattr(guidance, name),
            getattr(expected, name),
            rtol=1e-4,
            atol=1e-5)
    if size == (60, 100):
        outside = asked([
            sample_of(maps[0], (0., 0., 1., 0.1), ori_shape=size),
        ], **options)
        torch.testing.assert_close(outside.label_maps,
                                   torch.full((1, K, 3, 2), 1 / K))


def test_probabilities_that_are_not_stored_anywhere_are_equal():
    guidance = asked([sample_of(torch.zeros(K, 2, 2))], scores='probabilities')
    torch.testing.assert_close(guidance.label_maps,
                               torch.full((1, K, 2, 2), 1 / K))
    torch.testing.assert_close(
        guidance.logits.softmax(1), torch.full((1, K), 1 / K))


def test_soft_labels_weigh_the_attention():
    maps = torch.rand(1, K, 3, 3)
    labels = torch.tensor([[0.25, 0.75, 0, 0]])
    for stored in (maps[0], best_of(maps[0], K)):
        attention = asked([sample_of(stored)], labels).attention
        torch.testing.assert_close(attention,
                                   0.25 * maps[:, 0] + 0.75 * maps[:, 1])


@pytest.mark.parametrize('dtype', [torch.float16, torch.float32])
def test_what_is_given_is_float32(dtype):
    guidance = asked([sample_of(best_of(torch.rand(K, 3, 3), 2).to(dtype))])
    assert all(
        getattr(guidance, name).dtype == torch.float32 for name in WORDS)


def test_autocast_changes_nothing():
    for stored in (torch.rand(K, 3, 3), best_of(torch.rand(K, 3, 3), 2)):
        expected = asked([sample_of(stored, (0.1, 0.2, 0.9, 0.7))])
        with torch.autocast('cpu', dtype=torch.bfloat16):
            guidance = asked([sample_of(stored, (0.1, 0.2, 0.9, 0.7))])
        for name in WORDS:
            assert torch.equal(
                getattr(guidance, name), getattr(expected, name))


def test_only_what_is_required_is_given():
    for name in WORDS:
        guidance = asked([sample_of(torch.rand(K, 2, 2))], words={name})
        given = {word for word in WORDS if getattr(guidance, word) is not None}
        assert given == {name}


NAMED = dict(img_path='cat/one.jpg')


@pytest.mark.parametrize('samples,options,message', [
    (None, {}, 'without any'),
    ([DataSample(metainfo=NAMED)], {}, 'cat/one.jpg has no `label_map`'),
    ([DataSample(label_map=torch.rand(K, 2, 2), metainfo=NAMED)
      ], {}, 'cat/one.jpg has no `crop_box`'),
    ([sample_of(torch.rand(K, 2, 2)),
      sample_of(torch.rand(K, 2, 3), **NAMED)
      ], {}, r'of cat/one.jpg has the shape \(4, 2, 3\)'),
    ([sample_of(torch.rand(K + 1, 2, 2))], {}, 'of 5 classes, but .* has 4'),
    ([sample_of(torch.full((2, 3, 2, 2), 7.))], {}, 'class 7, but .* has 4'),
    ([sample_of(torch.full((2, 3, 2, 2), -1.))], {}, 'class -1, but .* has 4'),
    ([sample_of(torch.rand(K, 2, 3))], dict(extent='centre'), 'square maps'),
    ([sample_of(torch.rand(K, 2, 2))], dict(extent='centre'), 'ori_shape'),
])
def test_bad_samples_are_named(samples, options, message):
    with pytest.raises(ValueError, match=message):
        LabelMapGuide(**options)(nn.Module(), torch.rand(1, 3, 8, 8), WORDS,
                                 torch.eye(K)[:1], samples)


def test_classes_that_the_model_lacks_are_named_before_a_gpu_sees_them():
    """There they would end the process."""
    known, unknown = (sample_of(torch.full((2, 3, 2, 2), n)) for n in (3., 4.))
    with stand_in_gpu() as waits:
        images, labels = torch.rand(2, 3, 8, 8).to(GPU), torch.eye(K).to(GPU)
        del waits[:]
        guide = partial(LabelMapGuide(), nn.Module(), images, WORDS,
                        labels[:2])
        guide([known, known])
        with pytest.raises(ValueError, match='class 4, but .* from 0 to 3'):
            guide([known, unknown])
        assert not waits


@pytest.mark.parametrize('stored,words', [
    (torch.rand(K, 2, 2), {'attention'}),
    (torch.rand(2, 3, 2, 2), {'label_maps'}),
])
def test_labels_that_are_missing_are_named(stored, words):
    with pytest.raises(ValueError, match='`labels`'):
        LabelMapGuide()(nn.Module(), torch.rand(1, 3, 8, 8), frozenset(words),
                        None, [sample_of(stored)])


@pytest.mark.parametrize('options,message',
                         [(dict(scores='softmax'), "not 'softmax'"),
                          (dict(extent='crop'), "not 'crop'"),
                          (dict(axes='zyx'), "not 'zyx'"),
                          (dict(grid=0), '`grid`')])
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LabelMapGuide(**options)


DENSE = dict(dense=dict(type='mmmix.DenseLabelLoss', target='label_maps'))
GUIDE = dict(label_maps=dict(type='mmmix.LabelMapGuide'))


def test_a_mixer_that_does_not_tell_what_it_mixed_is_refused():
    with pytest.raises(ValueError, match='Mixup does not tell'):
        build(
            cnn_config([
                dict(type='mmmix.CutMix'),
                dict(type='mmpretrain.Mixup', alpha=1.)
            ],
                       DENSE,
                       guide=GUIDE))


@pytest.mark.parametrize('cfg', [vit_config, cnn_config])
def test_a_step_with_stored_maps(cfg):
    model = build(cfg([dict(type='mmmix.CutMix')], DENSE, guide=GUIDE))
    model.train()
    data = batch(3)
    for sample in data['data_samples']:
        sample.label_map = torch.rand(2, 2, 3, 3).round()
        sample.crop_box = torch.tensor(WHOLE)
    data = model.data_preprocessor(data, training=True)
    losses = model(**data, mode='loss')
    sum(losses.values()).backward()
    assert losses['loss_dense'].isfinite()


def write_set(folder, count=8):
    """Images whose colour is their class's map, in files."""
    import mmcv
    for n in range(count):
        name = f'class{n % 2}/{n}'
        y, x = np.mgrid[:20, :28]
        image = np.stack([8 * y, 8 * x, 0 * y], 2).astype(np.uint8)
        mmcv.imwrite(image, str(folder / f'images/{name}.png'))
        path = folder / f'maps/{name}.pt'
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(torch.rand(2, 2, 3, 3).round().half(), path)


@pytest.mark.parametrize('num_workers', [0, 1])
def test_from_files_to_the_loss(tmp_path, num_workers):
    write_set(tmp_path)
    model = vit_config(
        [dict(type='mmmix.CutMix')],
        DENSE,
        guide=dict(label_maps=dict(type='mmmix.LabelMapGuide', grid=4)))
    runner = Runner.from_cfg(
        Config(
            dict(
                default_scope='mmpretrain',
                work_dir=str(tmp_path / 'run'),
                experiment_name=tmp_path.name,
                model=model,
                train_dataloader=dict(
                    batch_size=4,
                    num_workers=num_workers,
                    dataset=dict(
                        type='mmmix.CustomDataset',
                        data_root=str(tmp_path / 'images'),
                        pipeline=[
                            dict(type='mmmix.LoadImage'),
                            dict(
                                type='mmmix.LoadLabelMap',
                                root=str(tmp_path / 'maps'),
                                num_classes=NUM_CLASSES),
                            dict(type='mmmix.RandomResizedCrop', scale=32),
                            dict(type='RandomFlip', prob=0.5),
                            dict(
                                type='PackInputs',
                                algorithm_keys=('label_map', 'crop_box'))
                        ]),
                    sampler=dict(type='DefaultSampler', shuffle=True)),
                optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
                train_cfg=dict(by_epoch=True, max_epochs=1),
                log_level='ERROR')))
    seen = []
    runner.model.data_preprocessor.register_mix_hook(
        lambda mixed, guidance: seen.append(guidance.label_maps))
    runner.train()
    assert [tuple(maps.shape) for maps in seen] == [(4, NUM_CLASSES, 4, 4)] * 2


def test_maps_lie_where_the_pixels_are():
    """An image whose colours are its map's scores, through a pipeline."""
    y, x = np.mgrid[:60, :100].astype(np.float32)
    image = np.stack([(y + 0.5) / 60, (x + 0.5) / 100, 0 * y], 2)
    maps = torch.from_numpy(image.reshape(6, 10, 10, 10, 3).mean(
        (1, 3))).permute(2, 0, 1)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        steps = [
            TRANSFORMS.build(step) for step in
            (dict(
                type='mmmix.RandomResizedCrop',
                scale=32,
                crop_ratio_range=(0.2, 0.6)),
             dict(
                 type='RandomFlip',
                 prob=[0.3, 0.3, 0.3],
                 direction=['horizontal', 'vertical', 'diagonal']),
             dict(type='PackInputs', algorithm_keys=('label_map', 'crop_box')))
        ]
    directions, compared = set(), 0
    for seed in range(20):
        np.random.seed(seed)
        results = dict(img=image, label_map=maps)
        for step in steps:
            results = step(results)
        sample = results['data_samples']
        directions.add(sample.flip_direction)
        y1, x1, y2, x2 = sample.crop_box.tolist()
        if min(y1, x1) < 0.1 or max(y2, x2) > 0.9:
            continue  # beyond the last centre a map is constant
        guidance = LabelMapGuide(grid=4)(nn.Module(),
                                         torch.rand(1, 3, 32,
                                                    32), WORDS - {'attention'},
                                         torch.eye(3)[:1], [sample])
        pixels = results['inputs'].view(3, 4, 8, 4, 8).mean((2, 4))
        torch.testing.assert_close(
            guidance.label_maps[0], pixels.softmax(0), atol=5e-3, rtol=0)
        compared += 1
    assert len(directions) > 2 and compared > 2
