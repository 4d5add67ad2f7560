"""Maps that are blended and moved, against loops over their places."""
import pytest
import torch

from mmmix.functional import blend_maps, move_boxes, resize_mask

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]


@pytest.mark.parametrize('dtype', DTYPES)
def test_one_source_is_blended_place_by_place(dtype):
    torch.manual_seed(0)
    maps, pasted = torch.rand(2, 3, 4, 2, 5).to(dtype)
    mask = torch.rand(3, 2, 5)
    mixed = blend_maps(maps, pasted, mask)
    assert mixed.dtype == dtype
    for n in range(3):
        for k in range(4):
            for y in range(2):
                for x in range(5):
                    m = mask[n, y, x].item()
                    expected = m * pasted[n, k, y, x].item() \
                        + (1 - m) * maps[n, k, y, x].item()
                    assert mixed[n, k, y, x].item() == pytest.approx(
                        expected, abs=2e-2 if dtype.itemsize == 2 else 1e-6)


def test_several_sources_leave_the_rest_to_the_image_itself():
    torch.manual_seed(0)
    maps, pasted = torch.rand(2, 3, 2, 5), torch.rand(2, 4, 3, 2, 5)
    mask = torch.rand(2, 5, 2, 5).softmax(1)[:, :4]
    mixed = blend_maps(maps, pasted, mask)
    for n in range(2):
        for k in range(3):
            for y in range(2):
                for x in range(5):
                    expected = maps[n, k, y, x] * (1 - mask[n, :, y, x].sum())
                    for s in range(4):
                        expected += mask[n, s, y, x] * pasted[n, s, k, y, x]
                    torch.testing.assert_close(mixed[n, k, y, x], expected)


def test_one_of_several_sources_is_the_same_as_one():
    torch.manual_seed(0)
    maps, pasted = torch.rand(2, 3, 2, 4, 5)
    mask = torch.rand(3, 4, 5)
    torch.testing.assert_close(
        blend_maps(maps, pasted[:, None], mask[:, None]),
        blend_maps(maps, pasted, mask))


@pytest.mark.parametrize('dtype', DTYPES)
def test_a_box_of_whole_cells_moves_exactly(dtype):
    """4 x 6 cells of 8 x 4 pixels."""
    torch.manual_seed(0)
    maps = torch.rand(2, 3, 4, 6).to(dtype)
    source = torch.tensor([[8, 4, 24, 16], [0, 0, 16, 12]])
    target = torch.tensor([[16, 12, 32, 24], [8, 8, 24, 20]])
    moved = move_boxes(maps, source, target, (32, 24))
    assert moved.dtype == dtype
    close = dict(rtol=1e-2, atol=1e-2) if dtype.itemsize == 2 else {}
    torch.testing.assert_close(moved[0, :, 2:4, 3:6], maps[0, :, 1:3, 1:4],
                               **close)
    torch.testing.assert_close(moved[1, :, 1:3, 2:5], maps[1, :, 0:2, 0:3],
                               **close)


def test_a_box_in_its_place_moves_nothing():
    maps = torch.rand(2, 3, 4, 6)
    box = torch.tensor([[3, 5, 17, 20], [0, 0, 32, 24]])
    torch.testing.assert_close(move_boxes(maps, box, box, (32, 24)), maps)


def interpolated(values, y, x):
    """Bilinear value at a place, in cells; the border goes on beyond it."""
    height, width = values.shape
    y = min(max(y - 0.5, 0), height - 1)
    x = min(max(x - 0.5, 0), width - 1)
    top, left = min(int(y), height - 2), min(int(x), width - 2)
    dy, dx = y - top, x - left
    return sum(values[top + i, left + j].item() * abs(1 - i - dy) *
               abs(1 - j - dx) for i in (0, 1) for j in (0, 1))


def test_a_box_is_stretched_to_another():
    torch.manual_seed(0)
    height, width, h, w = 30, 40, 5, 7
    maps = torch.rand(1, 1, h, w, dtype=torch.float64)
    source, target = (4, 0, 30, 40), (6, 10, 21, 34)
    moved = move_boxes(maps, torch.tensor([source]), torch.tensor([target]),
                       (height, width))
    for i in range(h):
        for j in range(w):
            y, x = (i + 0.5) * height / h, (j + 0.5) * width / w
            if not (6 <= y < 21 and 10 <= x < 34):
                continue
            y = 4 + (y - 6) * 26 / 15
            x = (x - 10) * 40 / 24
            expected = interpolated(maps[0, 0], y * h / height, x * w / width)
            assert moved[0, 0, i, j].item() == pytest.approx(expected)


def test_an_empty_box_stays_finite():
    box = torch.tensor([[4, 4, 4, 4]])
    moved = move_boxes(torch.rand(1, 2, 4, 4), box, box, (16, 16))
    assert moved.isfinite().all()


@pytest.mark.parametrize('grid', [(2, 3), (4, 6), (5, 7), (8, 12)])
def test_maps_are_averaged_as_masks_are(grid):
    maps = torch.rand(2, 3, 4, 6)
    expected = torch.stack([resize_mask(one, grid) for one in maps])
    torch.testing.assert_close(resize_mask(maps, grid), expected)
