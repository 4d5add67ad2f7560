"""Shares of the attention inside of boxes, by hand and against loops."""
import math

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample

from mmmix.analysis import TrainedModel, measure_attention_in_boxes
from mmmix.analysis.attention_in_boxes import draw_over_area, mean_attention


class Given:
    """Maps that are known beforehand, in the order of the images."""

    def __init__(self, maps, kind='given'):
        self.kind = kind
        self.maps = list(maps)

    def of_samples(self, model, inputs, samples):
        return torch.stack([self.maps.pop(0) for _ in samples])


class Images:
    """What a data loader needs of a model: inputs as they are."""

    class data_preprocessor:  # noqa: N801
        to_rgb = False

        def __new__(cls, data, training):
            return dict(data, inputs=torch.stack(data['inputs']))


def measure(kinds, boxes, size=(4, 6), batch_size=2):
    dataset = []
    for own in boxes:
        sample = DataSample()
        sample.gt_bboxes = torch.tensor(own)
        dataset.append(dict(inputs=torch.zeros(3, *size), data_samples=sample))
    return measure_attention_in_boxes(
        TrainedModel('it', None, '', Images), kinds, dataset,
        range(len(dataset)), batch_size)


def test_against_a_loop():
    torch.manual_seed(0)
    maps = torch.rand(5, 2, 3)
    boxes = [[[0., 0., 3., 2.]], [[1., 1., 6., 4.]],
             [[0., 0., 1., 1.], [4., 2., 6., 4.]], [[2., 0., 4., 4.]],
             [[0., 0., 6., 4.]]]
    found = measure([Given(maps)], boxes)['given']
    average = sum(one / one.sum() for one in maps) / 5
    for n, own in enumerate(boxes):
        attention = area = of_average = 0.
        for y in range(4):
            for x in range(6):
                if any(x1 <= x < x2 and y1 <= y < y2
                       for x1, y1, x2, y2 in own):
                    # a place of the map covers 2 x 2 pixels
                    attention += maps[n, y // 2, x // 2] / 4
                    of_average += average[y // 2, x // 2] / 4
                    area += 1 / 24
        assert found['attention'][n] == pytest.approx(
            float(attention / maps[n].sum()))
        assert found['average'][n] == pytest.approx(float(of_average))
        assert found['area'][n] == pytest.approx(area)


def test_means_by_hand():
    found = dict(
        one=dict(
            attention=np.array([.6, .2, math.nan]),
            area=np.array([.3, .2, .5]),
            average=np.array([.5, .2, .5])),
        other=dict(
            attention=np.array([.7, .4, .5]),
            area=np.array([.3, .2, .5]),
            average=np.array([.5, .2, .5])))
    means = mean_attention(found)
    one = means['one']
    assert (one['images'], one['skipped']) == (2, 1)
    for name, expected in dict(
            area=25,
            average=35,
            attention=40,
            attention_error=20,
            above_average=5,
            above_average_error=5,
            gain=1.5,
            gain_error=.5,
            median=1.5,
            to_first=0).items():
        assert one[name] == pytest.approx(expected)
    # of the two images that both kinds judge: 10 and 20 more
    assert means['other']['to_first'] == pytest.approx(15)
    assert means['other']['to_first_error'] == pytest.approx(5)
    assert means['other']['images'] == 3
    axis, = draw_over_area(dict(it=found)).axes
    lines = {line.get_label(): line.get_ydata() for line in axis.lines}
    assert lines['one'][0] is None  # no box is so small
    assert lines['one'][1] == pytest.approx(40)


def test_images_without_an_area_are_skipped():
    """Cropped away, or not there at all."""
    boxes = [[[0., 0., 3., 4.]], [[6., 0., 6., 4.]], []]
    maps = torch.rand(3, 2, 3)
    found = measure([Given(maps), Given(maps, 'other')], boxes)
    assert found['given']['area'].tolist() == [.5, 0, 0]
    alone = measure([Given(maps[:1]), Given(maps[:1], 'other')], boxes[:1])
    for kind, own in mean_attention(found).items():
        expected = mean_attention(alone)[kind]
        assert (own['images'], own['skipped']) == (1, 2)
        for name in ('gain', 'median', 'area', 'attention', 'to_first'):
            assert own[name] == pytest.approx(expected[name])
    axis, = draw_over_area(dict(it=found)).axes
    lines = {line.get_label(): line.get_ydata() for line in axis.lines}
    assert lines['given'][0] is None


def test_a_map_of_zeros_is_skipped():
    boxes = [[[0., 0., 3., 4.]]] * 3
    maps = torch.ones(3, 2, 3)
    maps[1] = 0
    found = measure([Given(maps)], boxes)['given']
    assert np.isnan(found['attention']).tolist() == [False, True, False]
    assert found['average'] == pytest.approx(np.full(3, .5))
