import math

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample

from mmmix.analysis import SegmentationProtocol
from mmmix.analysis.attention_segmentation import mean_jaccard

# half of the attention on the upper left, half on the upper right pixel
ATTENTION = torch.tensor([[.5, .5], [0., 0.]])


def sample(seg_map=None, boxes=None, attention=ATTENTION, shape=None):
    if shape is None:
        shape = (2, 2) if seg_map is None else np.shape(seg_map)
    made = DataSample(metainfo=dict(img_shape=shape))
    made.attention = attention
    if seg_map is not None:
        made.gt_seg_map = np.array(seg_map, dtype=np.uint8)
    if boxes is not None:
        made.gt_bboxes = torch.tensor(boxes)
    return made


def judge(samples, mass=.9, **options):
    protocol = SegmentationProtocol((mass, ), **options)
    return mean_jaccard(
        torch.cat([
            protocol.jaccard(one.attention, one, seed)
            for seed, one in enumerate(samples)
        ]))


def test_by_hand():
    results = judge(
        [
            sample([[7, 3], [0, 0]]),  # both: 1
            sample([[7, 0], [7, 0]]),  # 1 of 3
            sample([[255, 0], [9, 0]
                    ]),  # the void pixel does not count: 0 of 2
        ],
        mass=1.)
    assert results['jaccard'] == pytest.approx(100 * (1 + 1 / 3) / 3)
    # 2 of 4, 2 of 4, 1 of 3
    assert results['whole_image'] == pytest.approx(100 * (1 + 1 / 3) / 3)
    assert (results['images'], results['skipped']) == (3, 0)


def test_share_of_the_mass():
    seg_map = [[1, 0], [0, 0]]
    assert judge([sample(seg_map)], mass=.5)['jaccard'] == 100
    assert judge([sample(seg_map)], mass=.6)['jaccard'] == 50


def test_classes_and_void_as_naseer_et_al():
    samples = [sample([[7, 3], [3, 255]])]
    # all objects: 2 of 3, or of 3 with the void pixel outside of both
    assert judge(samples, mass=1.)['jaccard'] == pytest.approx(200 / 3)
    # class 7: 1 of 2; class 3: 1 of 3
    results = judge(samples, mass=1., truth='classes')
    assert results['jaccard'] == pytest.approx(100 * (1 / 2 + 1 / 3) / 2)
    assert results['whole_image'] == pytest.approx(100 * (1 / 3 + 2 / 3) / 2)
    on_void = [sample([[255, 3], [0, 0]])]
    assert judge(on_void, mass=1.)['jaccard'] == 100
    results = judge(on_void, mass=1., void='background')
    assert results['jaccard'] == 50
    assert results['whole_image'] == 25


def test_any_label_can_be_the_background():
    both = sample([[255, 255], [0, 3]])
    assert judge([both], mass=1., background=255)['jaccard'] == 0
    # 255 is no longer void: the lower half of the image is the truth
    assert judge([both], mass=1., background=255)['whole_image'] == 50
    assert judge([both], mass=1., background=3)['whole_image'] == 50


def test_errors_by_hand():
    results = judge([
        sample([[7, 3], [0, 0]]),
        sample([[7, 0], [7, 0]]),
    ],
                    mass=1.)
    # 1 and 1/3: half of their distance
    assert results['error'] == pytest.approx(100 / 3)
    assert results['gain'] == pytest.approx(results['jaccard'] -
                                            results['shuffled'])


def test_images_without_an_object_are_counted():
    results = judge([
        sample([[0, 0], [0, 0]]),
        sample([[255, 255], [255, 255]]),
        sample([[255, 0], [0, 0]]),
        sample([[1, 1], [0, 0]]),
    ])
    assert results['jaccard'] == 100
    assert (results['images'], results['skipped']) == (1, 3)
    results = judge([sample([[0, 0], [0, 0]])])
    assert math.isnan(results['jaccard'])
    assert (results['images'], results['skipped']) == (0, 1)


def test_degenerate_attention():
    flat = sample([[1, 1], [0, 0]], attention=torch.ones(1, 1))
    results = judge([flat])
    assert results['jaccard'] == results['whole_image'] == 50
    assert results['shuffled'] == 50
    nothing = sample([[1, 1], [0, 0]], attention=torch.zeros(2, 2))
    assert judge([nothing])['jaccard'] == 0


def test_shuffled_attention_has_no_aim():
    seg_map = np.zeros((8, 12), np.uint8)
    seg_map[:4, :6] = 1
    attention = torch.zeros(4, 6)
    attention[:2, :3] = 1
    samples = [sample(seg_map, attention=attention) for _ in range(60)]
    results = judge(samples)
    assert results['jaccard'] == 100
    # 6 of 24 places at random: on average 1.5 of them on the object, of 10.5
    assert 8 < results['shuffled'] < 24
    assert judge(samples) == results


@pytest.mark.parametrize('upsample', ['nearest', 'bilinear'])
def test_masks_finer_than_the_attention_and_not_square(upsample):
    seg_map = np.zeros((4, 6), np.uint8)
    seg_map[:2, :3] = 4
    attention = torch.tensor([[1., 0.], [0., 0.]])
    results = judge([sample(seg_map, attention=attention)],
                    mass=.5,
                    upsample=upsample)
    # the enlarged map is (1, 3/4, 1/4, 0)^T (1, 1, 2/3, 1/3, 0, 0): four
    # pixels, of the object's six, hold half of it
    assert results['jaccard'] == pytest.approx(
        dict(nearest=100, bilinear=400 / 6)[upsample])


def test_boxes_are_masks():
    # x1, y1, x2, y2; their union is the left column and the lower row
    boxes = [[0., 0., 1., 2.], [0., 1., 2., 2.]]
    assert judge([sample(boxes=boxes)], mass=1.)['jaccard'] == 25
    wide = sample(
        boxes=[[1.2, 0, 2.9, 1]],
        shape=(2, 4),
        attention=torch.tensor([[0., 1., 1., 0.]] + [[0.] * 4]))
    assert judge([wide])['jaccard'] == 100
    # masks come first where there are both
    both = sample([[1, 1], [0, 0]], boxes=[[0., 1., 2., 2.]])
    assert judge([both])['jaccard'] == 100


@pytest.mark.parametrize('options, match', [
    (dict(mass=0), r'\(0, 1\]'),
    (dict(mass=1.5), r'\(0, 1\]'),
    (dict(mass=math.nan), r'\(0, 1\]'),
    (dict(upsample='cubic'), 'upsample'),
    (dict(truth='things'), 'truth'),
    (dict(void='kept'), 'void'),
])
def test_bad_arguments(options, match):
    with pytest.raises(ValueError, match=match):
        judge([], **options)


def test_samples_that_lack_something():
    with pytest.raises(ValueError, match="algorithm_keys=.'gt_seg_map'"):
        judge([sample()])


def test_masks_that_do_not_cover_the_image():
    with pytest.raises(ValueError, match=r'size \(2, 4\) and its image'):
        judge([sample(np.eye(2, 4), shape=(2, 2))])


def test_flipped_masks():
    flipped = sample([[0, 0], [1, 1]])
    flipped.gt_seg_map = np.flip(flipped.gt_seg_map, 0)
    assert judge([flipped])['jaccard'] == 100
