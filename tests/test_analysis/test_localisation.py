import pytest
import torch

from mmmix.analysis.attention_segmentation import (attention_segments, jaccard,
                                                   top_mass_mask)


def slow_mass_mask(attention, share):
    """Take place after place, the most attended first, until the share is
    reached."""
    total, mass = attention.double().sum().item(), 0.
    mask = torch.zeros_like(attention, dtype=torch.bool)
    for _ in range(attention.numel()):
        if mass >= share * total - 1e-9:
            break
        place = torch.where(mask, -1, attention).flatten().argmax()
        mask.view(-1)[place] = True
        mass += attention.flatten()[place].item()
    return mask


def test_mass_by_hand():
    attention = torch.tensor([[[.5, .1], [.1, .3]]])
    assert top_mass_mask(attention, .5).tolist() == [[[True, False],
                                                      [False, False]]]
    # 0.6 is crossed by the second place, which is taken
    assert top_mass_mask(attention, .6).tolist() == [[[True, False],
                                                      [False, True]]]
    # among equals the first in reading order
    assert top_mass_mask(attention, .9).tolist() == [[[True, True],
                                                      [False, True]]]
    assert top_mass_mask(attention, 1).all()
    assert not top_mass_mask(attention, 0).any()
    # the sum does not matter
    assert torch.equal(
        top_mass_mask(7 * attention, .6), top_mass_mask(attention, .6))


@pytest.mark.parametrize('share', [.1, .37, .6, .9, 1.])
def test_mass_against_a_loop(share):
    attention = torch.rand(5, 4, 6)
    expected = torch.stack([slow_mass_mask(a, share) for a in attention])
    assert torch.equal(top_mass_mask(attention, share), expected)


def test_flat_and_empty_maps():
    for share in (.1, .3, .7, .9, 1.):  # no multiple is lost to rounding
        mask = top_mass_mask(torch.full((1, 2, 5), .1), share)
        assert mask.sum() == round(10 * share)
        assert mask.flatten()[:int(mask.sum())].all()
    assert not top_mass_mask(torch.zeros(2, 3, 3), .9).any()
    peak = torch.zeros(1, 3, 3)
    peak[0, 1, 2] = 2
    assert top_mass_mask(peak, 1.).sum() == 1


def test_upsampling():
    attention = torch.tensor([[[1., 0.]]])
    nearest = attention_segments(attention, .9, (2, 8))
    assert nearest.tolist() == [[[True] * 4 + [False] * 4] * 2]
    # 1, 1, 7/8, 5/8, 3/8, 1/8, 0, 0 in each row, 8 in all: four columns hold
    # 7, and 7.2 is reached by the first of the two 3/8
    bilinear = attention_segments(attention, .9, (2, 8), 'bilinear')
    assert bilinear.sum(2).tolist() == [[5, 4]]
    assert bilinear[0, 0].tolist() == [True] * 5 + [False] * 3


def test_jaccard_by_hand():
    pred = torch.tensor([[1, 1, 0, 0]]).bool().view(1, 2, 2).expand(4, 2, 2)
    truth = torch.tensor([
        [1, 0, 1, 0],  # 1 of 3
        [1, 1, 0, 0],  # all
        [0, 0, 1, 1],  # nothing
        [1, 0, 1, 0],  # 1 of 2, where the third does not count
    ]).bool().view(4, 2, 2)
    valid = torch.ones_like(truth)
    valid[3, 1, 0] = False
    assert jaccard(pred, truth,
                   valid).tolist() == pytest.approx([1 / 3, 1, 0, 1 / 2])


def test_jaccard_of_nothing():
    none = torch.zeros(1, 2, 2, dtype=torch.bool)
    assert jaccard(none, none, ~none).isnan().all()
    assert jaccard(~none, ~none, none).isnan().all()  # all ignored
    assert jaccard(~none, none, ~none) == 0


def test_jaccard_is_scikit_learns():
    metrics = pytest.importorskip('sklearn.metrics')
    pred, truth, valid = (torch.rand(3, 6, 5, 7) < .6).unbind(0)
    expected = [
        metrics.jaccard_score(t[v], p[v])
        for p, t, v in zip(pred, truth, valid)
    ]
    assert jaccard(pred, truth, valid).tolist() == pytest.approx(expected)
