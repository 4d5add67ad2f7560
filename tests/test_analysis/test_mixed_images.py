"""What mixed images show and how well it is seen, by hand and by loops."""
import math

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample

from mmmix.analysis.inconsistency import mean_inconsistency, shown_lambda
from mmmix.analysis.mixed_accuracy import mean_accuracy, over_lambda, pair_hits
from mmmix.analysis.pairs import mean_and_error
from mmmix.analysis.truth import truth_maps
from mmmix.models import AttentiveCutMix, CutMix, Mixup, ResizeMix, SMMix
from mmmix.structures import Guidance, MixedBatch

SIZE = (16, 24)


def maps_of(n=4):
    return torch.rand(n, *SIZE, generator=torch.Generator().manual_seed(0))


def mix(mixer, n=4):
    attention = torch.rand(n, 4, 6, generator=torch.Generator().manual_seed(1))
    params = mixer.sample(np.random.default_rng(1), n, SIZE)
    params['source'] = np.roll(np.arange(n), 1)
    return mixer.mix(
        torch.rand(n, 3, *SIZE), torch.eye(n), params,
        Guidance(attention=attention))


def by_pixel(maps, mixed):
    """What is to be seen of both, pixel by pixel of the two images."""
    answers = []
    for i, source in enumerate(mixed.source.tolist()):
        mask = mixed.mask_on(SIZE)[i]
        if mixed.source_boxes is None:
            taken = mask
        else:
            taken = torch.zeros(SIZE)
            y1, x1, y2, x2 = mixed.source_boxes[i].tolist()
            taken[y1:y2, x1:x2] = 1
        pasted = visible = 0
        for y in range(SIZE[0]):
            for x in range(SIZE[1]):
                pasted += float(maps[source, y, x]) * float(taken[y, x])
                visible += float(maps[i, y, x]) * (1 - float(mask[y, x]))
        answers.append(pasted / (pasted + visible))
    return answers


@pytest.mark.parametrize(
    'mixer', [
        CutMix(alpha=1.),
        SMMix(delta=0.5),
        AttentiveCutMix(grid=None),
        ResizeMix(alpha=1.)
    ],
    ids=lambda mixer: type(mixer).__name__)
def test_what_is_shown_against_loops(mixer):
    mixed, maps = mix(mixer), maps_of()
    got = shown_lambda(maps, mixed, normalize=False)
    assert got.tolist() == pytest.approx(by_pixel(maps, mixed), abs=1e-5)
    unit = maps / maps.sum((1, 2), keepdim=True)
    assert shown_lambda(maps, mixed).tolist() == pytest.approx(
        by_pixel(unit, mixed), abs=1e-5)


def test_a_blend_shows_lambda():
    mixed = mix(Mixup(alpha=1.))
    assert torch.allclose(shown_lambda(maps_of(), mixed), mixed.lam)


def test_nothing_and_everything_is_shown():
    mixed = MixedBatch.unmixed(torch.rand(2, 3, *SIZE), torch.eye(2))
    maps = torch.ones(2, *SIZE)
    maps[1] = 0
    mixed.source = torch.tensor([1, 0])
    lam = shown_lambda(maps, mixed)
    assert lam[0] == 0 and lam[1].isnan()
    whole = MixedBatch(mixed.inputs, torch.eye(2), mixed.source, torch.ones(2),
                       torch.ones(2, 1, 1), 'regions')
    lam = shown_lambda(maps, whole)
    assert lam[1] == 1 and lam[0].isnan()


def test_truth_from_boxes_masks_and_gaze():
    sample = DataSample()
    sample.gt_bboxes = torch.tensor([[2., 1, 4, 3], [3, 2, 5, 3]])
    boxes, = truth_maps([sample], (4, 6))
    assert boxes.tolist() == [[0] * 6, [0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0],
                              [0] * 6]
    sample.gt_seg_map = torch.tensor([[0, 3, 255], [9, 0, 0]])
    mask, = truth_maps([sample], (2, 3), 'maps')
    assert mask.tolist() == [[0, 1, 0], [1, 0, 0]]
    sample.gt_seg_map = np.float32([[0, .25, .5], [.25, 0, 0]])
    gaze, = truth_maps([sample], (2, 3), 'maps')
    assert gaze.tolist() == [[0, .25, .5], [.25, 0, 0]]
    with pytest.raises(ValueError, match=r'size \(2, 3\) and its image'):
        truth_maps([sample], (4, 6), 'maps')
    with pytest.raises(ValueError, match="algorithm_keys=.'gt_bboxes'"):
        truth_maps([DataSample()], (4, 6))
    sample.gt_bboxes = torch.empty(0, 4)
    assert not truth_maps([sample], (4, 6)).any()


def test_mean_and_error_by_hand():
    # batches of sums -1 and 1 around the mean of 2: sqrt(2 / 1 * 2) / 4
    mean, error = mean_and_error([1, 2, 2, 3], [5, 5, 8, 8])
    assert (mean, error) == (2, pytest.approx(0.5))
    # batches of one: the usual standard error of the mean
    values = [1., 4, 2, 7, 5]
    mean, error = mean_and_error(values, range(5))
    assert error == pytest.approx(np.std(values, ddof=1) / math.sqrt(5))
    assert mean_and_error([3.], [0])[0] == 3
    assert math.isnan(mean_and_error([3., 4], [0, 0])[1])
    assert all(map(math.isnan, mean_and_error([], [])))


def test_bins_by_hand():
    hits = np.array([1, 3, 5, 7, 9])
    found = dict(top1=hits, top2=hits, lam=np.array([0, .1, .3, .95, 1]))
    curves = over_lambda(found, 10)
    assert curves['pairs'] == [1, 1, 0, 1, 0, 0, 0, 0, 0, 2]
    assert curves['top1'] == curves['top2']
    assert [curves['top1'][i] for i in (0, 1, 3, 9)] == [100, 300, 500, 800]
    assert curves['top1'][2] is None


def test_mean_inconsistency_by_hand():
    result = mean_inconsistency(
        dict(
            lam_gt=np.array([.5, math.nan, .1]),
            by_pixels=np.array([.4, math.nan, .2]),
            lam=np.array([.3, .3, .5]),
            batch=np.array([0, 0, 1])))
    assert result == dict(
        mean=pytest.approx(30),
        error=pytest.approx(10),
        by_pixels=pytest.approx(20),
        lam=pytest.approx(40),
        lam_gt=pytest.approx(30),
        images=2,
        skipped=1)


def test_inconsistency_of_nothing():
    nothing = np.full(2, math.nan)
    result = mean_inconsistency(
        dict(
            lam_gt=nothing,
            by_pixels=nothing,
            lam=np.full(2, .3),
            batch=np.zeros(2)))
    assert math.isnan(result['mean'])
    assert result['skipped'] == 2


@pytest.mark.parametrize('logits, top1, top2',
                         [([[3., 2, 1]] * 2, 100, 100),
                          ([[1., 2, 9]] * 2, 0, 0),
                          ([[3., 2, 1], [1., 2, 9]], 50, 50),
                          ([[3., 1, 2], [3., 1, 2]], 100, 0)])
def test_mean_accuracy(logits, top1, top2):
    hits = pair_hits(
        torch.tensor(logits), torch.tensor([0, 0]), torch.tensor([1, 1]))
    result = mean_accuracy(
        dict(
            zip(('top1', 'top2'), (h.numpy() for h in hits)),
            batch=np.arange(2)))
    assert (result['top1'], result['top2']) == (top1, top2)
    assert result['images'] == 2
    assert result['top1_error'] == pytest.approx(50 if top1 == 50 else 0)
