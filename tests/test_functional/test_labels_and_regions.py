"""Mixed labels, region means and the attention score against slow loops."""
import math

import pytest
import torch
import torch.nn.functional as F

from mmmix.functional import blend, image_attention_score, region_means


@pytest.mark.parametrize('soft', [False, True])
def test_mixed_labels_class_by_class(soft):
    labels = torch.rand(4, 5).softmax(1) if soft else F.one_hot(
        torch.tensor([0, 3, 1, 4]), 5)
    source = torch.tensor([2, 2, 0, 3])
    lam = torch.tensor([0., 0.25, 0.7, 1.])
    mixed = blend(labels, source, lam)
    for i in range(4):
        for c in range(5):
            expected = lam[i].item() * float(labels[source[i], c]) + (
                1 - lam[i].item()) * float(labels[i, c])
            assert mixed[i, c].item() == pytest.approx(expected, abs=1e-6)
    torch.testing.assert_close(mixed.sum(1), torch.ones(4))


@pytest.mark.parametrize('own', [None, torch.tensor([.5, .25, .9])])
def test_labels_of_several_sources(own):
    labels = torch.rand(3, 4, dtype=torch.float64)
    source = torch.tensor([[1, 2], [0, 0], [2, 1]])
    lam = torch.tensor([[.25, .5], [.125, .125], [0., 1.]])
    mixed = blend(labels, source, lam, own)
    for i in range(3):
        rest = 1 - lam[i].sum() if own is None else own[i]
        expected = rest.double() * labels[i]
        for s in range(2):
            expected = expected + lam[i, s].double() * labels[source[i, s]]
        torch.testing.assert_close(mixed[i], expected)


def test_a_free_weight_of_the_own_label():
    lam, own = torch.tensor([.25, .5]), torch.tensor([.5, .25])
    mixed = blend(torch.eye(2), torch.tensor([1, 0]), lam, own)
    assert mixed.tolist() == [[.5, .25], [.5, .25]]


@pytest.mark.parametrize('source, lam', [
    (torch.tensor([1, 0]), torch.rand(2)),
    (torch.tensor([1, 0, 2]), torch.rand(3, 1)),
    (torch.zeros(3, 1, 1, dtype=torch.long), torch.rand(3, 1, 1)),
])
def test_sources_of_another_shape_are_refused(source, lam):
    with pytest.raises(ValueError, match='must agree'):
        blend(torch.eye(3), source, lam)


def test_region_means_token_by_token():
    tokens = torch.rand(3, 4, 2, 5, dtype=torch.float64)
    weight = torch.rand(3, 2, 5, dtype=torch.float64)
    weight[1] = 0
    means, exists = region_means(tokens, weight)
    assert exists.tolist() == [True, False, True]
    for n in (0, 2):
        total, summed = 0., torch.zeros(4, dtype=torch.float64)
        for i in range(2):
            for j in range(5):
                total += weight[n, i, j]
                summed += weight[n, i, j] * tokens[n, :, i, j]
        torch.testing.assert_close(means[n], summed / total)
    assert means[1].abs().sum() == 0


def test_empty_region_has_finite_gradients():
    tokens = torch.rand(1, 4, 2, 2, requires_grad=True)
    means, _ = region_means(tokens, torch.zeros(1, 2, 2))
    means.sum().backward()
    assert torch.isfinite(tokens.grad).all()


def test_region_means_on_another_grid_are_refused():
    with pytest.raises(ValueError, match='same grid'):
        region_means(torch.rand(1, 4, 2, 2), torch.rand(1, 4, 4))


@pytest.mark.parametrize('extra', [0, 1, 2])
def test_attention_score_of_equations_5_and_6(extra):
    n, heads, tokens, d = 2, 3, 6, 4
    query, key = torch.randn(2, n, heads, tokens, d, dtype=torch.float64)
    score = image_attention_score(query, key, extra)
    assert score.shape == (n, tokens - extra)
    for b in range(n):
        expected = [0.] * tokens
        for h in range(heads):
            for i in range(extra, tokens):
                row = [
                    math.exp(
                        sum(query[b, h, i, k].item() * key[b, h, j, k].item()
                            for k in range(d)) / math.sqrt(d))
                    for j in range(tokens)
                ]
                for j in range(tokens):
                    expected[j] += row[j] / sum(row) / heads / (tokens - extra)
        torch.testing.assert_close(
            score[b], torch.tensor(expected[extra:], dtype=torch.float64))


def test_attention_score_stays_float32_under_autocast():
    query, key = torch.randn(2, 1, 2, 5, 4)
    expected = image_attention_score(query, key)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        score = image_attention_score(query, key)
        assert image_attention_score(query.bfloat16(),
                                     key.bfloat16()).dtype == torch.float32
    assert torch.equal(score, expected)
