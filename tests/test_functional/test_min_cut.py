"""The labels of least energy, against all labellings."""
import itertools
import sys

import pytest
import torch

from mmmix.functional import cut_grid


def energy(labels, unary, down, right):
    """Of one image, by loops."""
    h, w, levels = unary.shape
    total = 0.
    for y, x in itertools.product(range(h), range(w)):
        total += unary[y, x, labels[y][x]].item()
        for weights, (y2, x2) in ((down, (y + 1, x)), (right, (y, x + 1))):
            if y2 < h and x2 < w:
                apart = (labels[y][x] - labels[y2][x2]) / (levels - 1)
                total += max(weights[y, x].item(), 0) * apart**2
    return total


def least(unary, down, right):
    """The least energy of all labellings of one image."""
    h, w, levels = unary.shape
    return min(
        energy([flat[y * w:(y + 1) * w] for y in range(h)], unary, down, right)
        for flat in itertools.product(range(levels), repeat=h * w))


def problem(n, h, w, levels, dtype=torch.float32):
    torch.manual_seed(h + w + levels)
    return (torch.randn(n, h, w, levels,
                        dtype=dtype), torch.rand(n, h - 1, w, dtype=dtype) * 2,
            torch.rand(n, h, w - 1, dtype=dtype) * 2)


@pytest.mark.parametrize('h,w,levels,n', [(2, 2, 3, 40), (2, 2, 2, 40),
                                          (2, 2, 4, 10), (2, 3, 3, 5),
                                          (1, 4, 3, 5), (3, 1, 5, 5)])
def test_it_has_the_least_energy_of_all_labellings(h, w, levels, n):
    terms = problem(n, h, w, levels)
    found = cut_grid(*terms)
    assert found.shape == (n, h, w) and found.dtype == torch.int64
    for labels, *own in zip(found.tolist(), *terms):
        assert energy(labels, *own) == pytest.approx(least(*own), abs=1e-5)


def test_images_of_a_batch_do_not_meet():
    terms = problem(6, 8, 4, 3)
    together = cut_grid(*terms)
    # also beside one whose costs are larger by far
    unary = terms[0].clone()
    unary[0] *= 1e6
    again = cut_grid(unary, *terms[1:])
    for i in range(6):
        alone = cut_grid(*(t[i:i + 1] for t in terms))[0]
        assert torch.equal(alone, together[i])
        assert i == 0 or torch.equal(alone, again[i])


def test_limits():
    unary, down, right = problem(4, 8, 8, 3)
    free = cut_grid(unary, 0 * down, -right)
    assert torch.equal(free, unary.argmin(-1))
    tied = cut_grid(unary, 100 + down, 100 + right)
    expected = unary.sum((1, 2)).argmin(-1)
    assert torch.equal(tied, expected.view(4, 1, 1).expand(-1, 8, 8))
    # of equal minima the lowest label
    assert not cut_grid(0 * unary, down, right).any()


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_dtypes_and_gradients(dtype):
    terms = problem(3, 4, 4, 3, dtype)
    rounded = cut_grid(*terms)
    assert torch.equal(rounded, cut_grid(*(t.double() for t in terms)))
    with_gradient = [t.float().requires_grad_() for t in terms]
    assert torch.equal(cut_grid(*with_gradient), rounded)


def test_costs_that_are_not_finite_end_somewhere():
    terms = problem(2, 4, 4, 3)
    for value in (float('nan'), float('inf')):
        unary = terms[0].clone()
        unary[0] = value
        labels = cut_grid(unary, *terms[1:])
        assert torch.equal(labels[1], cut_grid(*terms)[1])


def test_bad_input_is_refused(monkeypatch):
    unary, down, right = problem(2, 4, 4, 3)
    for bad in ((unary[..., :1], down, right), (unary, right, down),
                (unary[0], down[0], right[0])):
        with pytest.raises(ValueError, match='must agree, but have shapes'):
            cut_grid(*bad)
    monkeypatch.setitem(sys.modules, 'scipy.sparse', None)
    with pytest.raises(
            ModuleNotFoundError, match='not installed: pip install scipy'):
        cut_grid(unary, down, right)
