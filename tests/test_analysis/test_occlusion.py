import pytest
import torch
from helpers import build, vit_config
from torch import nn

from mmmix.analysis.occlusion import hits_under_occlusion
from mmmix.analysis.patch_dropping import (
    random_order,
    salient_patches,
    zero_pixels,
)
from mmmix.registry import MODELS

SALIENCY = torch.tensor([[[.4, .1], [.3, .2]]])


def test_random_order_belongs_to_the_image():
    together = random_order([5, 9, 2], 12, seed=3)
    assert torch.equal(together[1:2], random_order([9], 12, seed=3))
    assert (together.sort(1).values == torch.arange(12)).all()
    assert not torch.equal(together[0], together[1])
    assert not torch.equal(together, random_order([5, 9, 2], 12, seed=4))


@pytest.mark.parametrize(
    'kind, ratio, by_mass, lost',
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
def test_salient_patches_by_hand(kind, ratio, by_mass, lost):
    mask = salient_patches(SALIENCY, kind, ratio, by_mass)
    assert mask.int().tolist() == [lost]


def test_unknown_names():
    with pytest.raises(ValueError, match='`kind` .* not .random'):
        salient_patches(SALIENCY, 'random', .5)
    with pytest.raises(ValueError, match='`fill`'):
        zero_pixels(nn.Identity(), 'never')


def test_nothing_is_lost_at_zero():
    """Not even what has no mass."""
    peak = torch.tensor([[[1., 0.], [0., 0.]]])
    for kind in ('salient', 'non-salient'):
        assert not salient_patches(peak, kind, 0, by_mass=True).any()
    assert salient_patches(peak, 'non-salient', .5, by_mass=True).sum() == 3


def test_flat_saliency_loses_as_many():
    flat = torch.ones(2, 2, 5)
    for kind in ('salient', 'non-salient'):
        assert salient_patches(flat, kind, .3).sum((1, 2)).tolist() == [3, 3]


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

    def forward(self, inputs, mode):
        mean = inputs.mean((1, 2, 3))
        return torch.stack([torch.full_like(mean, .5), mean], 1)


def test_hits_by_hand():
    inputs = torch.ones(2, 3, 4, 4)
    none = torch.zeros(2, 2, 2, dtype=torch.bool)
    three = none.clone()
    three[:, :, 0] = three[:, 0] = True
    hits = hits_under_occlusion(Brightness(), inputs, torch.tensor([1, 0]),
                                [none, three, ~none], torch.zeros(1))
    # the bright image is right until too much of it is lost
    assert hits.tolist() == [[True, False], [False, True], [False, True]]


def test_hits_are_those_of_a_classifier_shown_the_occluded_image():
    model = build(vit_config()).eval()
    inputs = torch.rand(3, 3, 32, 32)
    mask = torch.zeros(3, 4, 4, dtype=torch.bool)
    mask[:, 1:3, 1:3] = True
    shown = inputs.clone()
    shown[:, :, 8:24, 8:24] = 0
    with torch.no_grad():
        labels = model.predict(shown)
    labels = torch.cat([sample.pred_label for sample in labels])
    hits = hits_under_occlusion(model, inputs, labels, [mask], torch.zeros(1))
    assert hits.all() and hits.shape == (1, 3)
