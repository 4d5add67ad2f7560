import pytest
import torch

from mmmix.analysis.patch_dropping import (
    drop_patches,
    patches_to_drop,
    saliency_order,
)


def test_order_by_hand():
    saliency = torch.tensor([[[.1, .4], [.4, .3]], [[0., 0.], [0., 0.]]])
    order = saliency_order(saliency)
    # among equals reading order; a flat map is read from its first patch
    assert order.tolist() == [[1, 2, 3, 0], [0, 1, 2, 3]]
    many = saliency_order(torch.ones(2, 40, 60))
    assert (many == torch.arange(2400)).all()


@pytest.mark.parametrize(
    'ratio, patches, expected',
    [
        (0, 196, 0),
        (.1, 196, 19),  # 19.6
        (.9, 196, 176),  # 176.4
        (1, 196, 196),
        (.29, 100, 29),  # in floating point a little less
        (.3, 10, 3),
        (.5, 1, 0),
    ])
def test_exact_number_of_patches(ratio, patches, expected):
    order = torch.stack([torch.randperm(patches) for _ in range(3)])
    dropped = patches_to_drop(ratio, order)
    assert dropped.dtype == torch.bool
    assert dropped.sum(1).tolist() == [expected] * 3
    for row, mask in zip(order, dropped):  # the first of the order
        assert mask[row[:expected]].all()


def test_what_is_salient_and_what_is_not_make_the_image():
    saliency = torch.tensor([[[3., 3., 1.], [3., 2., 3.]]])
    order = saliency_order(saliency)
    first = patches_to_drop(1 / 3, order)
    last = patches_to_drop(2 / 3, order.flip(1))
    assert torch.equal(first, ~last)
    assert first.tolist() == [[True, True, False, False, False, False]]


@pytest.mark.parametrize('ratio', [-.1, 1.1, float('nan')])
def test_ratio_out_of_range(ratio):
    with pytest.raises(ValueError, match='between 0 and 1'):
        patches_to_drop(ratio, torch.arange(4)[None])


def test_drop_against_a_loop():
    images = torch.rand(3, 2, 8, 12, dtype=torch.float64)
    dropped = torch.rand(3, 2, 3) < .5
    fill = torch.tensor([-1., 5.])
    expected = images.clone()
    for n in range(3):
        for i in range(2):
            for j in range(3):
                if dropped[n, i, j]:
                    for c in range(2):
                        expected[n, c, 4 * i:4 * i + 4,
                                 4 * j:4 * j + 4] = fill[c]
    before = images.clone()
    assert torch.equal(drop_patches(images, dropped, fill), expected)
    assert torch.equal(images, before)
    zeros = drop_patches(images.half(), dropped)
    assert zeros.dtype == torch.half
    assert (zeros == 0).any()


def test_nothing_and_everything_dropped():
    images = torch.rand(1, 3, 4, 4) + 1
    grid = torch.zeros(1, 2, 2, dtype=torch.bool)
    assert torch.equal(drop_patches(images, grid), images)
    assert (drop_patches(images, ~grid) == 0).all()


def test_grid_that_does_not_divide():
    with pytest.raises(ValueError, match='64 x 64 .* 14 x 14'):
        drop_patches(
            torch.rand(1, 3, 64, 64), torch.zeros(1, 14, 14, dtype=torch.bool))
