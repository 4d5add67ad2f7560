"""PVT's attention against loops."""
import pytest
import torch
from families import (given_to, normed, projected, recorded, slow_attention,
                      slow_class_attention, small_backbone)


@pytest.mark.parametrize('size', [(64, 96), (96, 32)])
def test_attention_of_the_last_block(size):
    backbone = small_backbone('pvt')
    inputs = torch.rand(2, 3, *size)
    extractor, args = recorded(backbone, inputs)
    grid = size[0] // 32, size[1] // 32
    block = backbone.layers[3][1][-1]
    with torch.no_grad():
        tokens = normed(given_to(block, backbone, inputs), block.norm1)
        weights = block.attn.attn
        query, key, _ = projected(tokens, weights.in_proj_weight,
                                  weights.in_proj_bias).chunk(3, -1)
        by_class = slow_class_attention(query, key, 2, grid)
        by_all = torch.stack([
            sum(slow_attention(q, k, 2))[1:, 1:].mean(0).view(grid) / 2
            for q, k in zip(query, key)
        ])
    for attention, expected in ((extractor.class_attention(*args), by_class),
                                (extractor.bottom_up(*args), by_all)):
        torch.testing.assert_close(
            attention.double(), expected, atol=1e-6, rtol=1e-4)
    assert torch.equal(
        extractor.tokens(*args), extractor.patch_tokens(*args[1:]))
