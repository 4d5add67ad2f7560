"""Masks of cells, and pasting by them, against loops over pixels."""
import pytest
import torch

from mmmix.functional import (crop_cells, grid_shape, paste_masked,
                              resize_mask, top_cells)
from mmmix.functional.paste import _paste_by_pieces, _paste_by_pixels

# image, cell, offset: the cells divide the image, stick out or are moved
GRIDS = [((12, 20), (4, 4), (0, 0)), ((28, 28), (8, 8), (0, 0)),
         ((12, 20), (8, 4), (0, 0)), ((12, 20), (4, 4), (3, 1)),
         ((12, 20), (8, 8), (2, 4)), ((7, 5), (3, 2), (2, 1)),
         ((5, 6), (9, 9), (0, 0))]


@pytest.mark.parametrize('size,cell,offset', GRIDS)
def test_cropped_cells_pixel_by_pixel(size, cell, offset):
    grid = grid_shape(size, cell, offset)
    cells = torch.rand(3, *grid)
    pixels = resize_mask(crop_cells(cells, size, cell, offset), size)
    for y in range(size[0]):
        for x in range(size[1]):
            row, column = (y + offset[0]) // cell[0], (x +
                                                       offset[1]) // cell[1]
            assert torch.equal(pixels[:, y, x], cells[:, row, column])
    # no cell is missing, and none lies outside
    assert (row, column) == (grid[0] - 1, grid[1] - 1)


@pytest.mark.parametrize('size,cell,offset,grid', [
    ((224, 224), 16, (0, 0), (14, 14)),
    ((224, 224), 112, (0, 0), (2, 2)),
    ((224, 224), 64, (0, 0), (7, 7)),
    ((48, 80), 32, (0, 0), (3, 5)),
    ((224, 224), 64, (4, 6), (56, 112)),
    ((224, 224), 64, (1, 2), (224, 112)),
])
def test_cropped_cells_lie_on_the_coarsest_grid_that_holds_them(
        size, cell, offset, grid):
    cells = torch.rand(2, *grid_shape(size, (cell, cell), offset))
    mask = crop_cells(cells, size, (cell, cell), offset)
    assert mask.shape == (2, *grid)


def test_cells_of_another_grid_are_refused():
    with pytest.raises(ValueError, match=r'must have shape \(N, 4, 4\)'):
        crop_cells(torch.ones(2, 3, 3), (224, 224), (64, 64))
    with pytest.raises(ValueError, match=r'moved by \(1, 0\)'):
        crop_cells(torch.ones(2, 2, 2), (8, 8), (4, 4), (1, 0))


def test_top_cells_are_those_of_the_lowest_values():
    priority = torch.rand(4, 3, 5)
    priority[1] = 1.  # all equal
    count = torch.tensor([0, 4, 15, 7])
    chosen = top_cells(priority, count)
    assert chosen.sum((1, 2)).tolist() == count.tolist()
    for value, mask in zip(priority[[0, 3]], chosen[[0, 3]]):
        assert not mask.any() or value[mask].max() < value[~mask].min()
    assert chosen[1].flatten().nonzero().flatten().tolist() == [0, 1, 2, 3]


def reference(inputs, source, mask, place=None):
    """Pixel by pixel."""
    mixed = inputs.clone()
    n, _, height, width = inputs.shape
    _, h, w = mask.shape
    down, right = height // h, width // w
    for i in range(n):
        for y in range(height):
            for x in range(width):
                row, column = y // down, x // right
                if not mask[i, row, column]:
                    continue
                if place is not None:
                    row, column = divmod(int(place[i, row, column]), w)
                mixed[i, :, y, x] = inputs[source[i], :, row * down + y % down,
                                           column * right + x % right]
    return mixed


def case(n=5, size=(6, 8), grid=(3, 2)):
    inputs = torch.rand(n, 3, *size)
    place = torch.stack(
        [torch.randperm(grid[0] * grid[1]).view(grid) for _ in range(n)])
    return inputs, torch.randperm(n), torch.rand(n, *grid) < 0.5, place


PATHS = [_paste_by_pieces, _paste_by_pixels, paste_masked]


@pytest.mark.parametrize('paste', PATHS)
@pytest.mark.parametrize('n', [1, 2, 7])
@pytest.mark.parametrize('size,grid', [((6, 8), (3, 2)), ((6, 8), (6, 8)),
                                       ((6, 8), (1, 4)), ((4, 24), (2, 3))])
def test_pasted_pixel_by_pixel(paste, n, size, grid):
    inputs, source, mask, _ = case(n, size, grid)
    before = inputs.clone()
    assert torch.equal(
        paste(inputs, source, mask), reference(inputs, source, mask))
    assert torch.equal(inputs, before)


@pytest.mark.parametrize('grid', [(3, 2), (6, 8), (2, 1)])
def test_pasted_from_other_places(grid):
    args = case(grid=grid)
    assert torch.equal(paste_masked(*args), reference(*args))


@pytest.mark.parametrize('paste', PATHS)
@pytest.mark.parametrize(
    'dtype', [torch.uint8, torch.float16, torch.bfloat16, torch.float64])
def test_any_dtype(paste, dtype):
    inputs, source, mask, _ = case()
    inputs = (inputs * 255).to(dtype)
    mixed = paste(inputs, source, mask)
    assert mixed.dtype == dtype
    assert torch.equal(mixed, reference(inputs, source, mask))


@pytest.mark.parametrize('paste', PATHS)
def test_any_memory_format(paste):
    inputs, source, mask, _ = case()
    mixed = paste(
        inputs.contiguous(memory_format=torch.channels_last), source, mask)
    assert torch.equal(mixed, paste(inputs, source, mask))


@pytest.mark.parametrize('share', [0., 1.])
@pytest.mark.parametrize('paste', PATHS)
def test_nothing_and_everything_is_pasted(paste, share):
    inputs, source, mask, _ = case()
    mixed = paste(inputs, source, torch.full_like(mask, share))
    assert torch.equal(mixed, inputs[source] if share else inputs)


def test_bad_input_is_refused():
    inputs, source, mask, place = case()
    for bad in (mask.float(), mask[0], mask[:2], mask.repeat(1, 3, 1)):
        with pytest.raises(ValueError, match=r'bool tensor \(5, h, w\)'):
            paste_masked(inputs, source, bad)
    with pytest.raises(ValueError, match='one image for each'):
        paste_masked(inputs, source[:3], mask)
    with pytest.raises(ValueError, match=r'shape \(5, 3, 2\) of the mask'):
        paste_masked(inputs, source, mask, place.flatten(1))
