"""The attention maps of a guide against slow passes in float64."""
import copy

import pytest
import torch
import torch.nn.functional as F
from helpers import (NUM_CLASSES, SMMIX, build, cnn_config, dense_attention,
                     mix, vit_config)

from mmmix.models import find_extractor
from mmmix.registry import TASK_UTILS

BOTH = frozenset({'attention', 'logits'})


def guided(attention_map, cfg=vit_config, **kwargs):
    """A model that guides itself with an attention map."""
    return build(
        cfg([SMMIX],
            guide=dict(type='SelfGuide', attention_map=attention_map),
            **kwargs))


def run_guide(model, inputs, labels=None):
    guide = model.data_preprocessor.guides['attention']
    return guide(model, inputs, BOTH, labels)


def labelled_images(n=3, size=(32, 32), soft=False):
    labels = F.one_hot(torch.arange(n) % NUM_CLASSES, NUM_CLASSES)
    if soft:
        labels = torch.rand(n, NUM_CLASSES).softmax(1)
    return torch.rand(n, 3, *size), labels


def slow_vit(model, inputs, signal=None):
    """An independent ViT, with loops over tokens where it matters.

    Args:
        signal: Added to V of the patches in every block, ``(N, patches)``.

    Returns:
        Normalised tokens, and the last block's image attention score (SMMix,
        Eq. 6).
    """
    vit = model.backbone
    weight = vit.patch_embed.projection.weight
    heads, channels = vit.layers[0].attn.num_heads, vit.embed_dims
    width = channels // heads
    patches = [
        (inputs[:, :, y:y + 8, x:x + 8].flatten(1) @ weight.flatten(1).T)
        for y in range(0, inputs.size(2), 8)
        for x in range(0, inputs.size(3), 8)
    ]
    x = torch.stack(patches, 1) + vit.patch_embed.projection.bias
    x = torch.cat([vit.cls_token.expand(len(x), -1, -1), x], 1) + vit.pos_embed
    for layer in vit.layers:
        query, key, value = layer.attn.qkv(layer.ln1(x)).split(channels, 2)
        if signal is not None:
            value = value.clone()
            for j in range(signal.size(1)):
                for channel in range(channels):
                    value[:, 1 + j, channel] += signal[:, j]
        outputs, score = [], 0.
        for h in range(heads):
            part = slice(h * width, (h + 1) * width)
            weights = (query[..., part] @ key[..., part].mT /
                       width**0.5).softmax(-1)
            outputs.append(weights @ value[..., part])
            score = score + weights[:, 1:, 1:].mean(1) / heads
        x = x + layer.attn.proj(torch.cat(outputs, 2))
        hidden = F.gelu(layer.ffn.layers[0][0](layer.ln2(x)))
        x = x + layer.ffn.layers[1](hidden)
    return vit.ln1(x), score


@pytest.mark.parametrize('size', [(32, 32), (32, 48)])
@pytest.mark.parametrize('of_class_token', [False, True])
def test_bottom_up_and_class_attention_of_the_last_block(size, of_class_token):
    name = 'ClassAttention' if of_class_token else 'BottomUp'
    model = guided(dict(type=f'mmmix.{name}'), img_size=size).eval()
    inputs, _ = labelled_images(size=size)
    guidance = run_guide(model, inputs)
    assert guidance.attention.shape == (3, size[0] // 8, size[1] // 8)
    with torch.no_grad():
        torch.testing.assert_close(
            guidance.attention.flatten(1),
            dense_attention(model.backbone, inputs, of_class_token))
        torch.testing.assert_close(guidance.logits, model(inputs))


@pytest.mark.parametrize('size', [(32, 32), (16, 40)])
@pytest.mark.parametrize('sigma,soft', [(1., False), (0.5, True)])
def test_two_passes_of_equations_3_to_5(size, sigma, soft):
    """V + sigma t w_y in every block, with Q and K unchanged; the map is the
    image attention score of the second pass."""
    model = guided(
        dict(type='mmmix.TopDown', sigma=sigma), img_size=size).eval()
    inputs, labels = labelled_images(size=size, soft=soft)
    guidance = run_guide(model, inputs, labels)
    slow = copy.deepcopy(model).double()
    with torch.no_grad():
        tokens, bottom_up = slow_vit(slow, inputs.double())
        classes = slow.head.layers.head
        signal = torch.zeros(3, tokens.size(1) - 1, dtype=torch.float64)
        for n in range(3):
            w_y = sum(labels[n, k].double() * classes.weight[k]
                      for k in range(NUM_CLASSES))
            for j in range(signal.size(1)):
                signal[n, j] = sigma * (tokens[n, 1 + j] @ w_y)
        _, steered = slow_vit(slow, inputs.double(), signal)
        torch.testing.assert_close(
            guidance.attention.flatten(1).double(),
            steered,
            rtol=1e-4,
            atol=1e-7)
        assert (steered - bottom_up).abs().max() > 1e-4
        # the logits are those of the first pass, which is unmodified
        torch.testing.assert_close(
            guidance.logits.double(),
            classes(tokens[:, 0]),
            rtol=1e-4,
            atol=1e-6)
        torch.testing.assert_close(guidance.logits, model(inputs))


def test_one_pass_weighs_each_token_by_its_relevance():
    model = guided(dict(type='mmmix.TopDown', form='one_pass', sigma=2.))
    inputs, labels = labelled_images()
    attention = run_guide(model, inputs, labels).attention.flatten(1)
    with torch.no_grad():
        tokens, score = slow_vit(model, inputs)
    weight = model.head.layers.head.weight
    for n in range(3):
        w_y = weight[labels[n].argmax()]
        for j in range(16):
            cosine = F.cosine_similarity(tokens[n, 1 + j], w_y, dim=0).item()
            assert attention[n, j].item() == pytest.approx(
                score[n, j].item() * (1 + 2 * max(cosine, 0)), rel=1e-4)


def test_cam_blends_activation_energy_and_the_label_map():
    model = guided(dict(type='mmmix.TopDown', sigma=0.5), cnn_config).eval()
    inputs, labels = labelled_images(size=(32, 48))
    guidance = run_guide(model, inputs, labels)
    assert guidance.attention.shape == (3, 4, 6)
    with torch.no_grad():
        features = model.backbone(inputs)[-1]
        torch.testing.assert_close(guidance.logits, model(inputs))
    for n in range(3):
        w_y = model.head.fc.weight[labels[n].argmax()]
        energy = features[n].abs().mean(0)
        cam = torch.stack([
            torch.stack([features[n, :, i, j] @ w_y for j in range(6)])
            for i in range(4)
        ]).clamp(min=0)
        expected = energy + 0.5 * energy.sum() * cam / cam.sum()
        torch.testing.assert_close(guidance.attention[n], expected)


def test_the_bottom_up_map_of_a_cnn_is_its_activation_energy():
    model = guided(dict(type='mmmix.BottomUp'), cnn_config).eval()
    inputs, _ = labelled_images()
    with torch.no_grad():
        expected = sum(channel.abs()
                       for channel in model.backbone(inputs)[-1].unbind(1))
    torch.testing.assert_close(
        run_guide(model, inputs).attention, expected / 64)


@pytest.mark.parametrize('cfg,form', [(vit_config, 'two_pass'),
                                      (vit_config, 'one_pass'),
                                      (cnn_config, 'cam'),
                                      (cnn_config, 'one_pass')])
def test_sigma_0_is_exactly_bottom_up(cfg, form):
    """TdAttenMix, section 4.1: the bottom-up variant of its Table 4."""
    model = guided(dict(type='mmmix.TopDown', sigma=0., form=form), cfg)
    inputs, labels = labelled_images()
    attention = run_guide(model, inputs, labels).attention
    guide = model.data_preprocessor.guides['attention']
    guide.attention_map = TASK_UTILS.build(dict(type='mmmix.BottomUp'))
    assert torch.equal(attention, run_guide(model, inputs).attention)
    guide.attention_map = TASK_UTILS.build(
        dict(type='mmmix.TopDown', form=form))
    assert not torch.allclose(attention,
                              run_guide(model, inputs, labels).attention)


@pytest.mark.parametrize('cfg,form', [(vit_config, 'two_pass'),
                                      (vit_config, 'one_pass'),
                                      (cnn_config, 'cam')])
def test_another_label_gives_another_map(cfg, form):
    model = guided(dict(type='mmmix.TopDown', form=form), cfg)
    inputs, labels = labelled_images()
    first, second = (
        run_guide(model, inputs, y).attention
        for y in (labels, labels.roll(1, 1)))
    assert not torch.allclose(first, second)
    assert (first >= 0).all() and first.dtype == torch.float32


@pytest.mark.parametrize('backbone', [
    dict(final_norm=False, out_type='raw'),
    dict(out_type='cls_token'),
    dict(final_norm=False, out_type='avg_featmap')
])
def test_tokens_for_any_output_of_the_backbone(backbone):
    """Including that of a frozen guide that averages its tokens."""
    model = guided(dict(type='mmmix.TopDown'), backbone=backbone).eval()
    inputs, labels = labelled_images()
    extractor = find_extractor(model.backbone)
    with torch.no_grad(), extractor.recording() as outputs:
        features = model.backbone(inputs)
    tokens = extractor.tokens(outputs, features, (32, 32))
    model.backbone.out_type = 'raw'
    with torch.no_grad():
        raw = model.backbone(inputs)[-1]
    assert torch.equal(tokens.flatten(2).mT, raw[:, 1:])
    assert run_guide(model, inputs, labels).attention.shape == (3, 4, 4)


@pytest.mark.parametrize(
    'options,message',
    [(dict(sigma=-0.1), 'at least 0, not -0.1'),
     (dict(sigma=float('inf')), 'a finite number, not inf'),
     (dict(form='cam'), r"no form 'cam' .* \('two_pass', 'one_pass'\)"),
     (dict(form='three_pass'), "no form 'three_pass'")])
def test_bad_options_are_refused_at_build_time(options, message):
    with pytest.raises(ValueError, match=message):
        guided(dict(options, type='mmmix.TopDown'))


def test_a_map_that_the_model_does_not_support_is_refused_at_build_time():
    with pytest.raises(ValueError, match='ResNet_CIFAR has no class token'):
        guided(dict(type='mmmix.ClassAttention'), cnn_config)
    with pytest.raises(ValueError, match="no form 'two_pass'.*'cam'"):
        guided(dict(type='mmmix.TopDown', form='two_pass'), cnn_config)
    with pytest.raises(ValueError, match='without `hidden_dim`'):
        guided(dict(type='mmmix.TopDown'), head=dict(hidden_dim=24))
    cfg = cnn_config([SMMIX],
                     guide=dict(
                         type='SelfGuide',
                         attention_map=dict(type='mmmix.TopDown')))
    cfg['head'].update(
        type='mmpretrain.StackedLinearClsHead', mid_channels=[8])
    cfg['head'].pop('mix_losses')
    with pytest.raises(ValueError, match='StackedLinearClsHead does not hold'):
        build(cfg)


def test_a_cnn_that_pools_by_itself_is_refused():
    cfg = cnn_config([SMMIX])
    cfg['backbone'] = dict(
        type='mmpretrain.ConvNeXt',
        arch=dict(depths=[1, 1, 1, 1], channels=[4, 4, 4, 64]))
    cfg['neck'] = None
    model = build(cfg)
    with pytest.raises(ValueError, match='gap_before_final_norm=False'):
        mix(model)


def test_a_guide_that_is_asked_without_labels():
    model = build(
        vit_config([SMMIX],
                   guide=dict(
                       type='SelfGuide',
                       attention_map=dict(type='mmmix.TopDown'))))
    with pytest.raises(ValueError, match='TopDown requires labels'):
        model.data_preprocessor.guides['attention'](model,
                                                    torch.rand(2, 3, 32, 32),
                                                    frozenset({'attention'}))
