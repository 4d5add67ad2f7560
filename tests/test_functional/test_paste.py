"""Pasting against a pixel-by-pixel reference, on the CPU's path and the GPU's.
"""
import pytest
import torch

from mmmix.functional import (blend_features, blend_images, box_masks,
                              paste_boxes, paste_shared_box, paste_soft)
from mmmix.functional.paste import _paste_by_index, _paste_by_slices

PATHS = [_paste_by_slices, _paste_by_index]


def reference(inputs, source, source_boxes, target_boxes):
    """Pixel by pixel."""
    mixed = inputs.clone()
    for i in range(len(inputs)):
        sy, sx = source_boxes[i, :2].tolist()
        y1, x1, y2, x2 = target_boxes[i].tolist()
        for y in range(y1, y2):
            for x in range(x1, x2):
                for c in range(inputs.size(1)):
                    mixed[i, c, y, x] = inputs[source[i], c, sy + y - y1,
                                               sx + x - x1]
    return mixed


def case(n=5, height=8, width=6):
    inputs = torch.rand(n, 3, height, width)
    source = torch.randperm(n)
    h, w = torch.randint(0, height + 1,
                         (n, )), torch.randint(0, width + 1, (n, ))

    def boxes():
        y = (torch.rand(n) * (height - h + 1)).long()
        x = (torch.rand(n) * (width - w + 1)).long()
        return torch.stack([y, x, y + h, x + w], 1)

    return inputs, source, boxes(), boxes()


@pytest.mark.parametrize('paste', PATHS)
@pytest.mark.parametrize('n', [1, 2, 7])
def test_equals_pixel_by_pixel(paste, n):
    args = case(n)
    assert torch.equal(paste(*args), reference(*args))


@pytest.mark.parametrize('paste', PATHS)
def test_every_pixel_comes_from_one_of_its_two_images(paste):
    inputs, source, source_boxes, target_boxes = case()
    # image i is filled with i: a pixel's value names its origin
    inputs = torch.arange(5.).view(5, 1, 1, 1).expand(5, 3, 8, 6)
    mixed = paste(inputs, source, source_boxes, target_boxes)
    mask = box_masks(target_boxes, (8, 6))[:, None].bool()
    expected = torch.where(mask, source.view(5, 1, 1, 1).float(), inputs)
    assert torch.equal(mixed, expected)


@pytest.mark.parametrize('paste', PATHS)
def test_empty_boxes_change_nothing(paste):
    inputs = torch.rand(3, 3, 4, 4)
    empty = torch.tensor([[2, 1, 2, 3]]).expand(3, 4)
    mixed = paste(inputs, torch.tensor([2, 1, 0]), empty, empty)
    assert torch.equal(mixed, inputs)


def test_input_is_left_as_it_is():
    args = case()
    before = args[0].clone()
    paste_boxes(*args)
    paste_shared_box(args[0], args[1], (1, 2, 5, 4))
    assert torch.equal(args[0], before)


@pytest.mark.parametrize('paste', PATHS)
@pytest.mark.parametrize('dtype', [torch.uint8, torch.float16, torch.float64])
def test_any_dtype(paste, dtype):
    inputs, *rest = case()
    inputs = (inputs * 255).to(dtype)
    assert torch.equal(paste(inputs, *rest), reference(inputs, *rest))


def test_shared_box_is_the_same_box_for_all():
    inputs, source, *_ = case()
    box = torch.tensor([[1, 0, 6, 5]]).expand(5, 4)
    assert torch.equal(
        paste_shared_box(inputs, source, (1, 0, 6, 5)),
        reference(inputs, source, box, box))


def test_bad_input_is_refused():
    inputs, source, boxes, _ = case()
    with pytest.raises(ValueError, match='same size'):
        paste_boxes(inputs, source, boxes, boxes + torch.tensor([0, 0, 1, 0]))
    with pytest.raises(ValueError, match='leaves the 8 x 6 image'):
        paste_boxes(inputs, source, boxes + 9, boxes)
    with pytest.raises(ValueError, match='one image for each'):
        paste_boxes(inputs, source[:3], boxes, boxes)
    with pytest.raises(ValueError, match=r'shape \(5, 4\)'):
        paste_boxes(inputs, source, boxes[:3], boxes)
    with pytest.raises(ValueError, match=r'\(N, C, H, W\)'):
        paste_boxes(inputs[0], source, boxes, boxes)


@pytest.mark.parametrize(
    'dtype', [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_images_are_blended_one_at_a_time_as_a_batch_is(dtype):
    inputs, source, *_ = case(n=5, height=9, width=7)
    inputs = inputs.to(dtype)
    before = inputs.clone()
    lam = torch.tensor([0, .25, .6, 1, 1 / 3])
    mixed = blend_images(inputs, source, lam)
    assert torch.equal(inputs, before)
    assert torch.equal(mixed,
                       blend_features(inputs, source, lam.view(5, 1, 1, 1)))
    assert torch.equal(mixed[0], inputs[0])
    assert torch.equal(mixed[3], inputs[source[3]])


def test_blended_images_have_a_gradient():
    inputs = torch.rand(2, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    source, lam = torch.tensor([1, 1]), torch.tensor([.25, .5])
    assert torch.autograd.gradcheck(
        lambda inputs: blend_images(inputs, source, lam), inputs)


def test_a_mask_may_have_a_gradient():
    inputs = torch.rand(2, 1, 2, 3, dtype=torch.float64, requires_grad=True)
    mask = torch.rand(2, 2, 3, dtype=torch.float64, requires_grad=True)
    source = torch.tensor([1, 1])
    for images in (inputs, inputs.detach()):
        assert torch.autograd.gradcheck(
            lambda images, mask: paste_soft(images, source, mask),
            (images, mask))


def test_images_that_cannot_be_blended():
    inputs, source, *_ = case()
    with pytest.raises(ValueError, match=r'floating point .* torch.uint8'):
        blend_images(inputs.byte(), source, torch.rand(5))
    with pytest.raises(ValueError, match=r'floating point .* torch.uint8'):
        paste_soft(inputs.byte(), source, torch.rand(5, 8, 6))
    with pytest.raises(ValueError, match=r'`lam` must have shape \(5,\)'):
        blend_images(inputs, source, torch.rand(4))
