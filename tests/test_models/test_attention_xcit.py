"""XCiT's class attention against loops."""
import pytest
import torch
from families import (given_to, normed, projected, recorded,
                      slow_class_attention, small_backbone)


@pytest.mark.parametrize('tokens_norm', [False, True])
@pytest.mark.parametrize('size', [(32, 48), (40, 24)])
def test_class_attention(tokens_norm, size):
    backbone = small_backbone('xcit', tokens_norm=tokens_norm)
    inputs = torch.rand(2, 3, *size)
    extractor, args = recorded(backbone, inputs)
    layer = backbone.ca_layers[-1]
    with torch.no_grad():
        tokens = normed(given_to(layer, backbone, inputs), layer.norm1)
        query, key = (
            projected(tokens, part.weight, part.bias)
            for part in (layer.attn.q, layer.attn.k))
        expected = slow_class_attention(query, key, 2,
                                        (size[0] // 8, size[1] // 8))
    attention = extractor.class_attention(*args)
    torch.testing.assert_close(
        attention.double(), expected, atol=1e-6, rtol=1e-4)
    assert torch.equal(extractor.bottom_up(*args), attention)
