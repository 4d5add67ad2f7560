import pytest
import torch
from helpers import build, vit_config
from mmpretrain.structures import DataSample
from torch import nn

from mmmix.analysis.occlusion import (Occlusion, _mean_curve,
                                      accuracy_under_occlusion, drop_patches,
                                      zero_pixels)
from mmmix.analysis.trained_model import TrainedModel
from mmmix.errors import MmmixError
from mmmix.registry import MODELS

SALIENCY = torch.tensor([[[.4, .1], [.3, .2]]])


def lost(saliency, kind, ratio, **options):
    occlusion = Occlusion(saliency.shape[1:], **options)
    mask, = occlusion.lost(kind, ratio, range(len(saliency)), saliency)
    return mask


def test_random_patches_belong_to_the_image():
    occlusion = Occlusion((3, 4), seeds=(3, 4))
    together = occlusion.lost('random', .5, [5, 9, 2])
    assert torch.equal(together[:, 1:2], occlusion.lost('random', .5, [9]))
    assert (together.sum((2, 3)) == 6).all()
    assert not torch.equal(together[0, 0], together[0, 1])
    assert not torch.equal(together[0], together[1])
    more = occlusion.lost('random', .7, [5, 9, 2])
    assert (more | ~together).all()  # these and two more
    assert (more.sum((2, 3)) == 8).all()


@pytest.mark.parametrize(
    'kind, ratio, by_mass, expected',
    [
        ('salient', .5, False, [[1, 0], [1, 0]]),
        ('non-salient', .5, False, [[0, 1], [0, 1]]),
        ('non-salient', .25, False, [[0, 1], [0, 0]]),
        # the mass of 0.4 is reached by one patch, that of 0.5 by two
        ('salient', .4, True, [[1, 0], [0, 0]]),
        ('salient', .5, True, [[1, 0], [1, 0]]),
        ('non-salient', .6, True, [[0, 1], [1, 1]]),
        ('non-salient', 0, True, [[0, 0], [0, 0]]),
        ('salient', 0, True, [[0, 0], [0, 0]]),
    ])
def test_salient_patches_by_hand(kind, ratio, by_mass, expected):
    mask = lost(SALIENCY, kind, ratio, by='mass' if by_mass else 'patches')
    assert mask.int().tolist() == [expected]


def test_unknown_names():
    with pytest.raises(ValueError, match='`drop` .* not .largest'):
        Occlusion(drop=['largest'])
    with pytest.raises(ValueError, match="`by` .* not 'places'"):
        Occlusion(by='places')
    with pytest.raises(MmmixError, match='`seeds` must hold at least one'):
        Occlusion(seeds=())
    with pytest.raises(ValueError, match='`fill`'):
        zero_pixels(nn.Identity(), 'never')


def test_nothing_is_lost_at_zero():
    """Not even what has no mass."""
    peak = torch.tensor([[[1., 0.], [0., 0.]]])
    for kind in ('salient', 'non-salient'):
        assert not lost(peak, kind, 0, by='mass').any()
    assert lost(peak, 'non-salient', .5, by='mass').sum() == 3


def test_flat_saliency_loses_as_many():
    flat = torch.ones(2, 2, 5)
    for kind in ('salient', 'non-salient'):
        assert lost(flat, kind, .3).sum((1, 2)).tolist() == [3, 3]


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
    occlusion = Occlusion((patches, 1), seeds=(3, 4))
    masks = occlusion.lost('random', ratio, range(3))
    assert masks.shape == (2, 3, patches, 1) and masks.dtype == torch.bool
    assert (masks.sum((2, 3)) == expected).all()


def test_order_by_hand():
    saliency = torch.tensor([[[.1, .4], [.4, .3]], [[0., 0.], [0., 0.]]])
    # among equals reading order; a flat map is read from its first patch
    seen = [lost(saliency, 'salient', i / 4).flatten(1) for i in range(5)]
    order = [(b & ~a).int().argmax(1) for a, b in zip(seen, seen[1:])]
    assert torch.stack(order, 1).tolist() == [[1, 2, 3, 0], [0, 1, 2, 3]]
    many = lost(torch.ones(2, 40, 60), 'salient', .3).flatten(1)
    assert many[:, :720].all() and not many[:, 720:].any()


def test_what_is_salient_and_what_is_not_make_the_image():
    saliency = torch.tensor([[[3., 3., 1.], [3., 2., 3.]]])
    first = lost(saliency, 'salient', 1 / 3)
    last = lost(saliency, 'non-salient', 2 / 3)
    assert torch.equal(first, ~last)
    assert first.tolist() == [[[True, True, False], [False, False, False]]]


@pytest.mark.parametrize('ratio', [-.1, 1.1, float('nan')])
def test_ratio_out_of_range(ratio):
    with pytest.raises(ValueError, match='between 0 and 1'):
        Occlusion(ratios=[ratio])


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
    with pytest.raises(ValueError, match='14 x 14 .* 64 x 64'):
        drop_patches(
            torch.rand(1, 3, 64, 64), torch.zeros(1, 14, 14, dtype=torch.bool))


def test_zeros_before_and_after_normalisation():
    model = MODELS.build(
        vit_config(
            data_preprocessor=dict(
                type='mmmix.MixDataPreprocessor',
                mean=[10., 20., 30.],
                std=[2., 4., 5.])))
    preprocessor = model.data_preprocessor
    black = preprocessor(dict(inputs=[torch.zeros(3, 32, 32)]))['inputs']
    fill = zero_pixels(preprocessor, 'before')
    assert torch.equal(black[0, :, 0, 0], fill)
    assert fill.tolist() == [-5, -5, -6]
    assert (zero_pixels(preprocessor, 'after') == 0).all()
    plain = MODELS.build(dict(type='mmpretrain.ClsDataPreprocessor'))
    assert (zero_pixels(plain, 'before') == 0).all()
    with pytest.raises(ValueError, match='ClsDataPreprocessor'):
        zero_pixels(nn.Identity(), 'before')


class Brightness(nn.Module):
    """Class 1 if the image is bright on average, else class 0."""

    def __init__(self):
        super().__init__()
        self.data_preprocessor = MODELS.build(
            dict(type='mmpretrain.ClsDataPreprocessor'))

    def forward(self, inputs, mode):
        mean = inputs.mean((1, 2, 3))
        return torch.stack([torch.full_like(mean, .5), mean], 1)


def accuracy(model, images, labels, occlusion, saliency):
    dataset = [
        dict(inputs=image, data_samples=DataSample().set_gt_label(label))
        for image, label in zip(images, labels)
    ]
    result = accuracy_under_occlusion(
        TrainedModel('it', None, '', model), dataset, range(len(dataset)),
        occlusion, saliency)
    return result['salient']['top1']


def test_accuracy_by_hand():
    occlusion = Occlusion((2, 2), ratios=(0, .75, 1), drop=['salient'])
    saliency = torch.tensor([[[.4, .3], [.2, .1]]])
    images = torch.ones(1, 3, 4, 4)
    # the bright image is right until too much of it is lost
    for label, expected in ((1, [100, 0, 0]), (0, [0, 100, 100])):
        assert accuracy(Brightness(), images, [label], occlusion,
                        saliency) == expected


def test_means_and_errors_by_hand():
    values = torch.tensor([[1., 1, 0, 0], [1., 0, 0, 0]])
    curve = _mean_curve(values, torch.tensor([[.5] * 4, [1.] * 4]), 1 - values)
    assert curve['top1'] == [50, 25] and curve['dropped'] == [.5, 1]
    spread = torch.tensor([1., 1, 0, 0]).std() / 2
    assert curve['error'][0] == pytest.approx(100 * float(spread))
    # an image's mean over the ratios: 1, 1/2, 0, 0
    assert curve['mean'] == 37.5
    means = torch.tensor([1, .5, 0, 0])
    assert curve['mean_error'] == pytest.approx(100 * float(means.std() / 2))
    assert curve['difference'] == -25
    assert curve['difference_error'] == pytest.approx(2 * curve['mean_error'])


def test_accuracy_is_that_of_a_classifier_shown_the_occluded_image():
    model = build(vit_config()).eval()
    inputs = torch.rand(3, 3, 32, 32)
    mask = torch.zeros(3, 4, 4)
    mask[:, 1:3, 1:3] = 1
    shown = inputs.clone()
    shown[:, :, 8:24, 8:24] = 0
    with torch.no_grad():
        labels = model.predict(shown)
    labels = [int(sample.pred_label) for sample in labels]
    occlusion = Occlusion((4, 4), (.25, ), ['salient'], fill='after')
    assert accuracy(model, inputs, labels, occlusion, mask) == [100]
