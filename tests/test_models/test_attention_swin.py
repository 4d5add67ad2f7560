"""Swin's windows on the grid, against dense attention over all locations."""
import math

import pytest
import torch
from families import (CA_SWIN, SWIN, SWIN_V2, given_to, normed, projected,
                      recorded, slow_class_attention, small_backbone)

from mmmix.models import find_extractor


def bias_of(attention, window):
    """Relative position bias of a step (down, right) from key to query."""
    if hasattr(attention, 'relative_position_bias_table'):
        table = attention.relative_position_bias_table.double()
    else:
        table = attention.cpb_mlp(attention.relative_coords_table).double()
        table = 16 * table.view(-1, attention.num_heads).sigmoid()
    table = table.view(2 * window - 1, 2 * window - 1, -1)
    return lambda down, right: table[down + window - 1, right + window - 1]


def logit(attention, query, key):
    """The logit of each head, without the bias."""
    query, key = (t.view(attention.num_heads, -1) for t in (query, key))
    if hasattr(attention, 'logit_scale'):  # V2
        scale = attention.logit_scale.double().clamp(max=math.log(100)).exp()
        return torch.cosine_similarity(query, key, dim=1) * scale.flatten()
    return (query * key).sum(1) / query.size(1)**0.5


def dense_score(backbone, block, inputs, grid, shift):
    """SMMix, Eq. 5-6, over the whole grid and its padding.

    Two locations attend to each other if they are in the same window of the
    shifted lattice, without wrapping around the border.
    """
    attention, window = block.attn.w_msa, block.attn.window_size
    if hasattr(attention, 'logit_scale'):  # V2 norms after the attention
        tokens = given_to(block, backbone, inputs)
    else:
        tokens = normed(given_to(block, backbone, inputs), block.norm1)
    height, width = grid
    padded = [-(-side // window) * window for side in grid]
    bias = bias_of(attention, window)
    qkv_bias = attention.qkv.bias
    if qkv_bias is None:
        qkv_bias = torch.cat([
            attention.q_bias,
            torch.zeros_like(attention.q_bias), attention.v_bias
        ])
    scores = torch.zeros(len(inputs), *grid, dtype=torch.float64)
    lattice = [(y, x) for y in range(padded[0]) for x in range(padded[1])]

    def window_of(location):
        # rolled by `shift`: window -1 begins outside the border
        return tuple((p - shift) // window for p in location)

    for n in range(len(inputs)):
        query, key = {}, {}
        for y, x in lattice:
            inside = y < height and x < width
            token = tokens[n, y * width + x] if inside else torch.zeros(
                tokens.size(2), dtype=torch.float64)
            query[y, x], key[y, x], _ = projected(token, attention.qkv.weight,
                                                  qkv_bias).chunk(3)
        for q in lattice:
            if q[0] >= height or q[1] >= width:
                continue
            attended = [k for k in lattice if window_of(k) == window_of(q)]
            logits = torch.stack([
                logit(attention, query[q], key[k]) +
                bias(q[0] - k[0], q[1] - k[1]) for k in attended
            ])
            weights = logits.softmax(0).mean(1) / (height * width)
            for k, weight in zip(attended, weights):
                if k[0] < height and k[1] < width:
                    scores[n, k[0], k[1]] += weight
    return scores


@pytest.mark.parametrize('family', ['swin', 'swin_v2'])
@pytest.mark.parametrize(
    'size,window,pad_small_map,shift',
    [
        ((32, 48), 2, False, 1),  # 4x6
        ((40, 56), 3, False, 1),  # 5x7, padded to 6x9
        ((64, 40), 4, True, 2),  # 8x5, padded to 8x8
        ((24, 48), 3, False, 0),  # 3x6: as low as a window, so not shifted
        ((24, 48), 3, True, 1),  # but shifted in dense prediction
        ((16, 24), 5, True, 2)
    ])  # 2x3: smaller than a window
def test_score_is_that_of_dense_attention(family, size, window, pad_small_map,
                                          shift):
    backbone = small_backbone(
        family,
        img_size=size,
        window_size=window if family == 'swin' else [window] * 2,
        pad_small_map=pad_small_map)
    inputs = torch.rand(2, 3, *size)
    extractor, args = recorded(backbone, inputs)
    score = extractor.bottom_up(*args)
    grid = extractor.grid(size)
    assert grid == (size[0] // 8, size[1] // 8)
    with torch.no_grad():
        expected = dense_score(backbone, backbone.stages[-1].blocks[-1],
                               inputs, grid, shift)
    torch.testing.assert_close(score.double(), expected, atol=1e-6, rtol=1e-4)


def test_bottom_up_map_of_ca_swin_is_from_the_block_before_its_last():
    backbone = small_backbone('ca_swin')
    inputs = torch.rand(2, 3, 32, 48)
    extractor, args = recorded(backbone, inputs)
    with torch.no_grad():
        expected = dense_score(
            backbone, backbone.stages[-1].blocks[-2], inputs, (4, 6), shift=0)
    torch.testing.assert_close(
        extractor.bottom_up(*args).double(), expected, atol=1e-6, rtol=1e-4)


def test_class_attention_of_ca_swin():
    backbone = small_backbone('ca_swin')
    inputs = torch.rand(2, 3, 32, 48)
    extractor, args = recorded(backbone, inputs)
    block = backbone.stages[-1].blocks[-1]
    with torch.no_grad():
        patches = given_to(block, backbone, inputs)
        token = block.cls_token.double().expand(2, -1, -1)
        tokens = normed(torch.cat([token, patches], 1), block.norm1)
        qkv = block.attn['w_msa'].qkv
        query, key, _ = projected(tokens, qkv.weight, qkv.bias).chunk(3, -1)
        expected = slow_class_attention(query, key, 2, (4, 6))
    torch.testing.assert_close(
        extractor.class_attention(*args).double(),
        expected,
        atol=1e-6,
        rtol=1e-4)


@pytest.mark.parametrize('backbone', [
    dict(SWIN, type='mmpretrain.SwinTransformer'),
    dict(SWIN_V2, type='mmpretrain.SwinTransformerV2'), CA_SWIN
])
def test_cells_are_as_large_as_the_product_of_all_strides(backbone):
    backbone = {**backbone, 'patch_size': 2}
    kind = backbone.pop('type').split('.')[1]
    family = dict(
        SwinTransformer='swin', SwinTransformerV2='swin_v2',
        CASwin='ca_swin')[kind]
    extractor = find_extractor(small_backbone(family, **backbone))
    assert extractor.patch == (2, 2)
    assert extractor.grid((32, 48)) == (8, 12)


def test_a_map_smaller_than_the_window_is_refused():
    extractor = find_extractor(small_backbone('swin', window_size=4))
    with pytest.raises(ValueError, match='2 x 4.*window of 4.*pad_small_map'):
        extractor.grid((16, 32))
