"""Class attention and the lambdas computed from it, against loops in float64.
"""
import math

import pytest
import torch

from mmmix.functional import (area_attention_lambda, attention_lambda,
                              class_attention, progressive_factor)


@pytest.mark.parametrize('extra', [1, 2])
def test_class_attention_of_equations_1_to_4(extra):
    n, heads, tokens, d = 2, 3, 7, 4
    query = torch.randn(n, heads, d, dtype=torch.float64)
    key = torch.randn(n, heads, tokens, d, dtype=torch.float64)
    attention = class_attention(query, key, extra)
    assert attention.shape == (n, tokens - extra)
    for b in range(n):
        for j in range(extra, tokens):
            expected = 0.
            for h in range(heads):
                row = [
                    math.exp(
                        sum(query[b, h, c].item() * key[b, h, k, c].item()
                            for c in range(d)) / math.sqrt(d))
                    for k in range(tokens)
                ]
                expected += row[j] / sum(row) / heads
            assert attention[b, j - extra].item() == pytest.approx(expected)
    assert (attention.sum(1) < 1).all()  # the class token keeps its share


def test_class_attention_stays_float32_under_autocast():
    query, key = torch.randn(1, 2, 4), torch.randn(1, 2, 5, 4)
    expected = class_attention(query, key)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(class_attention(query, key), expected)
        assert class_attention(query.bfloat16(),
                               key.bfloat16()).dtype == torch.float32


@pytest.mark.parametrize('normalize', [False, True])
def test_attention_lambda_of_equation_5(normalize):
    """One lambda for each image; a rectangular grid."""
    attention = torch.rand(4, 3, 5, dtype=torch.float64) / 15
    mask = torch.rand(4, 3, 5, dtype=torch.float64)
    mask[1], mask[2] = 0, 1
    lam = attention_lambda(attention, mask, normalize)
    for n in range(4):
        inside = whole = 0.
        for i in range(3):
            for j in range(5):
                inside += attention[n, i, j].item() * mask[n, i, j].item()
                whole += attention[n, i, j].item()
        expected = inside / whole if normalize else inside
        assert lam[n].item() == pytest.approx(expected)
    assert lam[1] == 0
    assert lam[2].item() == pytest.approx(
        1 if normalize else attention[2].sum().item())


def test_no_attention_at_all_gives_lambda_0():
    nothing = torch.zeros(1, 2, 2)
    assert attention_lambda(nothing, torch.ones(1, 2, 2), True).tolist() == [0]


def test_attention_on_another_grid_is_refused():
    with pytest.raises(ValueError, match='same grid'):
        attention_lambda(torch.rand(1, 2, 2), torch.rand(1, 4, 4))


def test_area_attention_of_equations_11_to_13():
    attention = torch.rand(3, 4, 5, dtype=torch.float64)
    source_boxes = [(0, 0, 2, 3), (1, 2, 4, 5), (0, 0, 0, 0)]
    target_boxes = [(2, 1, 4, 4), (0, 0, 3, 3), (0, 0, 0, 0)]
    source = [2, 0, 1]
    masks = torch.zeros(2, 3, 4, 5, dtype=torch.float64)
    for mask, boxes in zip(masks, (source_boxes, target_boxes)):
        for n, (y1, x1, y2, x2) in enumerate(boxes):
            mask[n, y1:y2, x1:x2] = 1
    lam = area_attention_lambda(attention[source], masks[0], attention,
                                masks[1])
    for n in range(2):
        att_a = att_b = 0.
        y1, x1, y2, x2 = source_boxes[n]
        for i in range(y1, y2):
            for j in range(x1, x2):
                att_a += attention[source[n], i, j].item()
        y1, x1, y2, x2 = target_boxes[n]
        for i in range(y1, y2):
            for j in range(x1, x2):
                att_b += attention[n, i, j].item()
        assert lam[n].item() == pytest.approx(att_a / (att_a + att_b))
    assert lam[2].isnan()  # no attention counts: the caller decides


def test_progressive_factor_of_equation_8():
    probabilities = torch.rand(4, 6, dtype=torch.float64).softmax(1)
    labels = torch.rand(4, 6, dtype=torch.float64).softmax(1)
    labels[1] = probabilities[1]
    probabilities[2] = torch.tensor([1, 0, 0, 0, 0, 0])
    labels[2] = torch.tensor([0, .3, .7, 0, 0, 0])
    factor = progressive_factor(probabilities, labels)
    for n in range(4):
        pairs = [(p.item(), y.item())
                 for p, y in zip(probabilities[n], labels[n])]
        expected = sum(p * y for p, y in pairs) / math.sqrt(
            sum(p * p
                for p, _ in pairs)) / math.sqrt(sum(y * y for _, y in pairs))
        assert factor[n].item() == pytest.approx(expected)
    assert factor[1].item() == pytest.approx(1) and factor[2] == 0
