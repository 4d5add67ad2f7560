"""Lambda of the truth and hits on pairs, by hand and by loops."""
import math

import numpy as np
import pytest
import torch

from mmmix.analysis.inconsistency import against_first, mean_inconsistency
from mmmix.analysis.mixed_accuracy import pair_hits
from mmmix.analysis.truth import unit_mass
from mmmix.functional import area_attention_lambda
from mmmix.structures import MixedBatch


def ground_truth_lambda(source_map, source_mask, target_map, target_mask):
    """As :func:`mmmix.analysis.shown_lambda` calls it."""
    return area_attention_lambda(source_map, source_mask, target_map,
                                 1 - target_mask)


def loop_lambda(source_map, source_mask, target_map, target_mask):
    """TdAttenMix, section 5.5, place by place."""
    answers = []
    for n in range(len(source_map)):
        pasted = visible = 0.
        for y in range(source_map.shape[1]):
            for x in range(source_map.shape[2]):
                pasted += float(source_map[n, y, x] * source_mask[n, y, x])
        for y in range(target_map.shape[1]):
            for x in range(target_map.shape[2]):
                visible += float(target_map[n, y, x] *
                                 (1 - target_mask[n, y, x]))
        total = pasted + visible
        answers.append(pasted / total if total else math.nan)
    return torch.tensor(answers, dtype=torch.float64)


def test_lambda_by_hand():
    # source: 4 of 6 units lie in the left half, which is pasted on the right
    source = torch.tensor([[[3., 0, 1, 0], [1., 0, 0, 1]]])
    left = torch.tensor([[[1., 1, 0, 0]] * 2])
    # target: 2 of 5 units lie in the right half, which is hidden
    target = torch.tensor([[[1., 2, 0, 1], [0., 0, 1, 0]]])
    lam = ground_truth_lambda(source, left, target, 1 - left)
    assert lam.tolist() == pytest.approx([4 / (4 + 3)])
    # the same with maps of one mass each
    lam = ground_truth_lambda(
        unit_mass(source), left, unit_mass(target), 1 - left)
    assert lam.tolist() == pytest.approx([(4 / 6) / (4 / 6 + 3 / 5)])
    found = dict(
        lam=np.array([0.25]),
        lam_gt=lam.numpy(),
        by_pixels=lam.numpy(),
        batch=np.zeros(1))
    assert mean_inconsistency(found)['mean'] == pytest.approx(
        100 * ((4 / 6) / (4 / 6 + 3 / 5) - 0.25))


def test_a_label_that_hides_both_objects():
    """By TokenMixLabel each object has the weight of what of its attention is
    left; the truth may see something of both."""
    batch = MixedBatch.unmixed(torch.rand(3, 3, 2, 2), torch.eye(3))
    batch.lam = torch.tensor([0.2, 0., 0.3])
    batch.own_lam = torch.tensor([0.6, 0., 0.1])
    found = dict(
        lam=batch.source_share.numpy(),
        lam_gt=np.array([0.5, 0.5, math.nan]),
        by_pixels=np.array([0.5, 0.5, 0.5]),
        batch=np.zeros(3))
    means = mean_inconsistency(found)
    assert (means['images'], means['skipped']) == (1, 2)
    for name in ('mean', 'by_pixels', 'lam'):
        assert means[name] == pytest.approx(25)
    assert means['lam_gt'] == pytest.approx(50)
    other = dict(found, lam=np.full(3, 0.25))
    difference, _ = against_first(dict(a=found, b=other))['b']
    assert difference == pytest.approx(0)


def test_lambda_against_loops():
    rng = torch.Generator().manual_seed(0)
    maps = torch.rand(5, 6, 9, generator=rng, dtype=torch.float64)
    masks = torch.rand(2, 5, 6, 9, generator=rng, dtype=torch.float64)
    maps[2] = 0
    masks[1, 2] = 1  # nothing pasted of worth, all hidden
    source = torch.tensor([3, 2, 2, 0, 1])
    got = ground_truth_lambda(maps[source], masks[0], maps, masks[1])
    wanted = loop_lambda(maps[source], masks[0], maps, masks[1])
    assert torch.equal(got.isnan(), wanted.isnan())
    assert got.isnan().tolist() == [False, False, True, False, False]
    assert torch.allclose(got, wanted, equal_nan=True)


def test_whole_image_and_nothing_pasted():
    maps = torch.ones(1, 2, 2)
    whole, none = torch.ones(1, 2, 2), torch.zeros(1, 2, 2)
    assert ground_truth_lambda(maps, whole, maps, whole).tolist() == [1]
    assert ground_truth_lambda(maps, none, maps, none).tolist() == [0]
    blend = torch.full((1, 2, 2), 0.3)
    lam = ground_truth_lambda(maps, blend, maps, blend)
    assert lam.tolist() == pytest.approx([0.3])


def test_zeros_keep_no_mass():
    maps = torch.stack([torch.zeros(2, 3), torch.full((2, 3), 5.)])
    assert unit_mass(maps).sum((1, 2)).tolist() == pytest.approx([0, 1])


def test_pair_hits_by_hand():
    logits = torch.tensor([[5., 4, 1, 0], [5., 4, 1, 0], [5., 1, 4, 0],
                           [5., 4, 1, 0], [0., 1, 5, 4]])
    source = torch.tensor([0, 1, 0, 2, 0])
    target = torch.tensor([1, 0, 1, 3, 1])
    top1, top2 = pair_hits(logits, source, target)
    assert top1.tolist() == [True, True, True, False, False]
    assert top2.tolist() == [True, True, False, False, False]


def test_pair_hits_of_equal_scores():
    """The lower index comes first, and two hits need both labels."""
    logits = torch.ones(3, 4)
    top1, top2 = pair_hits(logits, torch.tensor([0, 1, 2]),
                           torch.tensor([3, 0, 3]))
    assert top1.tolist() == [True, True, False]
    assert top2.tolist() == [False, True, False]


@pytest.mark.parametrize('logits, n', [(torch.ones(2, 1), 2),
                                       (torch.ones(2, 3), 3),
                                       (torch.ones(3), 3)])
def test_pair_hits_refuses(logits, n):
    labels = torch.zeros(n, dtype=torch.long)
    with pytest.raises(ValueError, match='two or more classes'):
        pair_hits(logits, labels, labels)
