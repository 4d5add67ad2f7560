"""CaiT: attention against loops, exchange with timm, images of any size."""
import pytest
import torch
from families import (CAIT, FAMILIES, given_to, normed, projected, recorded,
                      slow_class_attention, small_backbone)
from helpers import NUM_CLASSES, SMMIX, batch, build, train_losses
from mmpretrain.models import resize_pos_embed
from mmpretrain.models.backbones import TIMMBackbone

from mmmix.models import find_extractor
from mmmix.models.backbones import CaiT

timm = pytest.importorskip('timm')

SIZES = [(32, 48), (16, 40)]


@pytest.mark.parametrize('size', SIZES)
def test_class_attention(size):
    backbone = small_backbone('cait')
    inputs = torch.rand(2, 3, *size)
    extractor, args = recorded(backbone, inputs)
    layer = backbone.timm_model.blocks_token_only[-1]
    with torch.no_grad():
        # the norm receives the class token and the patches
        tokens = normed(given_to(layer.norm1, backbone, inputs), layer.norm1)
        query, key = (
            projected(tokens, part.weight, part.bias)
            for part in (layer.attn.q, layer.attn.k))
        expected = slow_class_attention(query, key, 2,
                                        (size[0] // 8, size[1] // 8))
    torch.testing.assert_close(
        extractor.class_attention(*args).double(),
        expected,
        atol=1e-6,
        rtol=1e-4)


@pytest.mark.parametrize('size', SIZES)
def test_score_of_talking_heads(size):
    """SMMix, Eq. 6, of softmax(W QK^T/sqrt(d) + b) before the second W."""
    backbone = small_backbone('cait')
    inputs = torch.rand(2, 3, *size)
    extractor, args = recorded(backbone, inputs)
    layer = backbone.timm_model.blocks[-1]
    grid = size[0] // 8, size[1] // 8
    with torch.no_grad():
        tokens = normed(given_to(layer, backbone, inputs), layer.norm1)
        query, key, _ = projected(tokens, layer.attn.qkv.weight,
                                  layer.attn.qkv.bias).chunk(3, -1)
        mix = layer.attn.proj_l
        expected = torch.zeros(2, grid[0] * grid[1], dtype=torch.float64)
        for n in range(2):
            for i in range(query.size(1)):
                logits = torch.stack([
                    (query[n, i] * key[n, j]).view(2, 8).sum(1) / 8**0.5
                    for j in range(key.size(1))
                ])
                weights = projected(logits, mix.weight, mix.bias).softmax(0)
                expected[n] += weights.mean(1) / query.size(1)
    score = extractor.bottom_up(*args)
    torch.testing.assert_close(
        score.double(), expected.view(2, *grid), atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(score.sum((1, 2)), torch.ones(2))


def test_weights_travel_to_and_from_timm():
    """As the docstring of CaiT says."""
    ours = build(FAMILIES['cait'].config()).eval()
    theirs = timm.create_model(**CAIT, num_classes=NUM_CLASSES).eval()
    inputs = torch.rand(2, 3, 32, 48)

    def renamed(key):
        if key.startswith('head.'):
            return key.replace('head.', 'head.layers.head.')
        return f'backbone.timm_model.{key}'

    weights = ours.state_dict()
    theirs.load_state_dict(
        {key: weights[renamed(key)]
         for key in theirs.state_dict()},
        strict=True)
    with torch.no_grad():
        assert torch.equal(ours(inputs), theirs(inputs))
        for parameter in theirs.parameters():
            parameter.mul_(1.1)
    ours.load_state_dict(
        {
            renamed(key): value
            for key, value in theirs.state_dict().items()
        },
        strict=True)
    with torch.no_grad():
        assert torch.equal(ours(inputs), theirs(inputs))


def test_images_of_another_size():
    """The position embeddings are resized and receive gradients."""
    backbone = small_backbone('cait')
    pos_embed = backbone.timm_model.pos_embed
    inputs = torch.rand(2, 3, 16, 40)
    other = small_backbone('cait', img_size=(16, 40))
    weights = dict(backbone.state_dict())
    weights['timm_model.pos_embed'] = resize_pos_embed(
        pos_embed, (4, 6), (2, 5), num_extra_tokens=0)
    other.load_state_dict(weights)
    torch.testing.assert_close(backbone(inputs)[-1], other(inputs)[-1])
    backbone(inputs)[-1].square().sum().backward()
    assert pos_embed.grad.abs().sum() > 0
    assert backbone.timm_model.pos_embed is pos_embed


def test_a_guide_at_half_resolution():
    config = FAMILIES['cait'].config([SMMIX])
    config['train_cfg']['guide'] = dict(type='mmmix.SelfGuide', scale=0.5)
    model = build(config)
    _, data = train_losses(model, batch(3, (32, 48)))
    assert data['guidance'].attention.shape == (3, 2, 3)
    # timm's own accepts one size: building the model raises the error
    config['backbone']['type'] = 'mmpretrain.TIMMBackbone'
    with pytest.raises(ValueError, match='32, 48.*16, 24.*mmmix.CaiT'):
        build(config)


def test_other_models_of_timm_are_not_cait():
    with pytest.raises(ValueError, match='resnet18.*is not a CaiT'):
        CaiT('resnet18')
    cnn = TIMMBackbone('resnet18')
    assert type(find_extractor(cnn)).__name__ == 'CNNActivation'
