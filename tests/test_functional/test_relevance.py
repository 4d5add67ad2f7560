"""The relevance of locations for a label, one by one in float64."""
import math

import pytest
import torch

from mmmix.functional import (blended_class_activation, cosine_relevance,
                              label_relevance)

N, C, H, W = 3, 4, 2, 5


@pytest.fixture
def tokens():
    return torch.randn(N, C, H, W, dtype=torch.float64)


@pytest.fixture
def weights():
    return torch.randn(N, C, dtype=torch.float64)


def locations():
    return [(n, i, j) for n in range(N) for i in range(H) for j in range(W)]


def dot(token, weight):
    return sum(t.item() * w.item() for t, w in zip(token, weight))


def test_label_relevance_of_equation_3(tokens, weights):
    relevance = label_relevance(tokens, weights)
    for n, i, j in locations():
        assert relevance[n, i, j].item() == pytest.approx(
            dot(tokens[n, :, i, j], weights[n]))
    assert relevance.min() < 0 < relevance.max()


def test_cosine_relevance_location_by_location(tokens, weights):
    relevance = cosine_relevance(tokens, weights)
    for n, i, j in locations():
        token, weight = tokens[n, :, i, j], weights[n]
        cosine = dot(token, weight) / math.sqrt(
            dot(token, token) * dot(weight, weight))
        assert relevance[n, i, j].item() == pytest.approx(max(cosine, 0.))
    assert relevance.min() == 0


def test_full_precision_under_autocast(tokens, weights):
    tokens, weights = tokens.float(), weights.float()
    expected = [
        f(tokens, weights) for f in (label_relevance, cosine_relevance)
    ]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(label_relevance(tokens, weights), expected[0])
        assert torch.equal(cosine_relevance(tokens, weights), expected[1])


@pytest.mark.parametrize('shape', [(N, C + 1), (N + 1, C)])
def test_weights_of_another_shape_are_refused(tokens, shape):
    with pytest.raises(ValueError, match='must agree in N and C'):
        label_relevance(tokens, torch.rand(shape))


@pytest.mark.parametrize('sigma', [0.5, 1., 2.])
def test_blended_class_activation_location_by_location(sigma):
    energy = torch.rand(N, H, W, dtype=torch.float64)
    activation = torch.randn(N, H, W, dtype=torch.float64)
    activation[1] = -1  # no positive value
    blended = blended_class_activation(energy, activation, sigma)
    for n, i, j in locations():
        positive = [max(v.item(), 0.) for v in activation[n].flatten()]
        mass, total = sum(positive), sum(energy[n].flatten().tolist())
        share = positive[i * W + j] / mass if mass else 0.
        assert blended[n, i,
                       j].item() == pytest.approx(energy[n, i, j].item() +
                                                  sigma * total * share)
    assert torch.equal(blended[1], energy[1])
    # the label weighs sigma times as much as what is salient
    torch.testing.assert_close(blended[[0, 2]].sum((1, 2)),
                               (1 + sigma) * energy[[0, 2]].sum((1, 2)))


def test_sigma_0_is_the_energy_alone():
    energy = torch.rand(N, H, W)
    activation = 1e30 * torch.randn(N, H, W)
    assert torch.equal(
        blended_class_activation(energy, activation, 0.), energy)
