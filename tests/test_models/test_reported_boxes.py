"""Where boxes may lie and how small they may be: reported cases B044, B045
and others of their kind."""
import numpy as np
import pytest
import torch

from mmmix.errors import MmmixError
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance


def build(name, **options):
    return BATCH_AUGMENTS.build(dict(type=f'mmmix.{name}', **options))


def boxes_of(mixer, size, n):
    rng = np.random.default_rng(0)
    return np.array([mixer.sample(rng, 2, size)['box'] for _ in range(n)])


@pytest.mark.parametrize('case,size,minmax', [
    ('B044', (32, 32), [0.2, 0.8]),
    ('B044, a rectangle', (24, 48), [0.2, 0.8]),
    ('B044, large boxes', (32, 32), [0.7, 1]),
])
def test_boxes_reach_all_four_borders_alike(case, size, minmax):
    """A side of s pixels has S - s + 1 places along S, two at a border."""
    n = 4000
    y1, x1, y2, x2 = boxes_of(build('CutMix', cutmix_minmax=minmax), size, n).T
    for first, last, side in ((y1, y2, size[0]), (x1, x2, size[1])):
        sides = np.arange(int(side * minmax[0]), int(side * minmax[1]) + 1)
        expected = n * np.mean(1 / (side - sides + 1))
        assert {*(last - first)} == {*sides.tolist()}
        for touched in ((first == 0).sum(), (last == side).sum()):
            assert abs(touched - expected) < 5 * expected**0.5


def test_blocks_of_cells_reach_all_four_borders_alike():
    """MaskMix draws places of rectangles, too."""
    mixer = build(
        'MaskMix', scale=1, patch_size=8, strategy='block', per_image=True)
    cells = mixer.sample(np.random.default_rng(0), 4000, (64, 64))['cells']
    shares = [cells[:, side].mean() for side in (0, -1)
              ] + [cells[..., side].mean() for side in (0, -1)]
    assert np.ptp(shares) < 0.03 and min(shares) > 0.2


@pytest.mark.parametrize('case,mixer,size,side', [
    ('B045', dict(name='CutMix', cutmix_minmax=[0.5, 0.51]), 32, 16),
    ('B045, one number', dict(name='CutMix', cutmix_minmax=[0.5, 0.5
                                                            ]), 32, 16),
    ('B045, the image', dict(name='CutMix', cutmix_minmax=[1, 1]), 32, 32),
    ('B045, a pixel', dict(name='CutMix', cutmix_minmax=[0, 0.04]), 32, 1),
    ('B045, ResizeMix', dict(name='ResizeMix', sides=(1, 1)), 32, None),
    ('B045, ResizeMix, small', dict(name='ResizeMix',
                                    sides=(0.063, 0.065)), 32, None),
])
def test_a_narrow_range_gives_a_box(case, mixer, size, side):
    boxes = boxes_of(build(**mixer), (size, size), 200)
    assert (boxes[:, :2] < boxes[:, 2:]).all()
    assert boxes.min() >= 0 and boxes.max() <= size
    if side:
        assert (boxes[:, 2:] - boxes[:, :2] == side).all()


@pytest.mark.parametrize('case,mixer,argument', [
    ('B045, CutMix', dict(name='CutMix', cutmix_minmax=[0, 0.01
                                                        ]), '`cutmix_minmax`'),
    ('B045, ResizeMix', dict(name='ResizeMix', sides=(0.01, 0.05)), '`sides`'),
    ('B045, ResizeMix, by weight',
     dict(name='ResizeMix', target_weight=(0.998, 1)), '`target_weight`'),
    ('B045, MaskMix', dict(name='MaskMix', scale=2), '`scale`'),
])
def test_a_range_without_a_box_is_refused(case, mixer, argument):
    with pytest.raises(MmmixError, match=f'{argument}.*choose'):
        build(**mixer).sample(np.random.default_rng(0), 4, (32, 32))


@pytest.mark.parametrize('mixer,grid', [
    (dict(), (1, 1)),
    (dict(), (1, 8)),
    (dict(delta=0.1), (8, 8)),
    (dict(delta=(0, 0.2), integer_sides=True), (4, 8)),
    (dict(grid=1), (8, 8)),
])
def test_regions_that_never_have_a_cell_are_refused(mixer, grid):
    mixer, inputs = build('SMMix', **mixer), torch.rand(4, 3, 32, 32)
    params = mixer.sample(np.random.default_rng(0), 4, (32, 32))
    with pytest.raises(MmmixError, match='`delta`.*`grid`'):
        mixer.mix(inputs, torch.eye(4), params,
                  Guidance(attention=torch.rand(4, *grid)))
