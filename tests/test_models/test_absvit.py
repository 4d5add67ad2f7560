"""AbSViT and the top-down attention map of TdAttenMix's public code."""
import argparse
import os
import runpy
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from helpers import ARCH, NUM_CLASSES, batch, build, train_losses, vit_config

from mmmix.checkpoint import from_published_absvit
from mmmix.functional import above_threshold
from mmmix.models import AbSViTTopDown
from mmmix.registry import MODELS

VisionTransformer = pytest.importorskip(
    'timm.models.vision_transformer').VisionTransformer
DIMS, HEADS, DEPTH, PATCH = 24, 2, 2, 8
TOOL = Path(__file__).parents[2] / 'tools/model_converters/absvit.py'


def published(depth=DEPTH, num_classes=NUM_CLASSES, img_size=32):
    """A ViT of timm and a feedback path, with random weights."""
    vit = VisionTransformer(
        img_size=img_size,
        patch_size=PATCH,
        embed_dim=DIMS,
        depth=depth,
        num_heads=HEADS,
        mlp_ratio=2,
        num_classes=num_classes)
    weights = {
        key: value + 0.3 * torch.randn_like(value)
        for key, value in vit.state_dict().items()
    }
    for i in range(depth):
        for linear in ('linear', 'linear2'):
            weights[f'decoders.{i}.{linear}.weight'] = torch.randn(
                DIMS, DIMS) / DIMS**0.5
    weights['prompt'] = torch.randn(DIMS)
    # otherwise a label might have no relevant token at all
    shared = torch.randn(DIMS)
    weights['norm.bias'] += shared
    weights['head.weight'] += 0.3 * shared
    return weights


def classifier_config(img_size=32, num_classes=NUM_CLASSES, **backbone):
    return dict(
        type='mmpretrain.ImageClassifier',
        backbone=dict(
            type='mmmix.AbSViT',
            arch=ARCH,
            img_size=img_size,
            patch_size=PATCH,
            **backbone),
        head=dict(
            type='mmpretrain.VisionTransformerClsHead',
            num_classes=num_classes,
            in_channels=DIMS))


def classifier(weights, img_size=32, **backbone):
    """Our classifier with published weights."""
    model = MODELS.build(classifier_config(img_size, **backbone))
    model.load_state_dict(from_published_absvit(weights), strict=True)
    return model.eval()


def one_hot(labels):
    return F.one_hot(torch.tensor(labels), NUM_CLASSES).float()


# the reference: published names, float64, one image and one head at a time


def norm(p, name, tokens):
    return F.layer_norm(tokens, (DIMS, ), p[f'{name}.weight'],
                        p[f'{name}.bias'], 1e-6)


def linear(p, name, tokens):
    return tokens @ p[f'{name}.weight'].T + p[f'{name}.bias']


def slow_pass(p, image, signals=None):
    """Final tokens ``(L, C)`` of one image."""
    rows = [p['cls_token'][0, 0]]
    for y in range(0, image.shape[1], PATCH):
        for x in range(0, image.shape[2], PATCH):
            patch = image[:, y:y + PATCH, x:x + PATCH]
            rows.append(
                torch.stack([(kernel * patch).sum()
                             for kernel in p['patch_embed.proj.weight']]) +
                p['patch_embed.proj.bias'])
    tokens = torch.stack(rows) + p['pos_embed'][0]
    size = DIMS // HEADS
    for i in range(DEPTH):
        name = f'blocks.{i}'
        query, key, value = linear(p, f'{name}.attn.qkv',
                                   norm(p, f'{name}.norm1',
                                        tokens)).split(DIMS, 1)
        if signals is not None:
            value = value + linear(p, f'{name}.attn.qkv',
                                   signals[i])[:, 2 * DIMS:]
        out = []
        for h in range(0, DIMS, size):
            q, k, v = (t[:, h:h + size] for t in (query, key, value))
            out.append((q @ k.T / size**0.5).softmax(1) @ v)
        tokens = tokens + linear(p, f'{name}.attn.proj', torch.cat(out, 1))
        hidden = F.gelu(
            linear(p, f'{name}.mlp.fc1', norm(p, f'{name}.norm2', tokens)))
        tokens = tokens + linear(p, f'{name}.mlp.fc2', hidden)
    return norm(p, 'norm', tokens)


def slow_map(p, image, label, sigma):
    p = {key: value.double() for key, value in p.items()}
    task = p['head.weight'][label]

    def relevance(token):
        cosine = token @ task / token.norm() / task.norm()
        return cosine.clamp(0, 1)

    z = torch.stack([t * relevance(t) for t in slow_pass(p, image.double())])
    signals = [None] * DEPTH
    for i in (1, 0):
        z = z @ p[f'decoders.{i}.linear.weight'].T
        signals[i] = sigma * (z @ p[f'decoders.{i}.linear2.weight'].T)
    tokens = slow_pass(p, image.double(), signals)[1:]
    scores = torch.stack([relevance(t) for t in tokens])
    scores = scores - (0.7 * scores.max() + 0.3 * scores.min())
    return scores.clamp(min=0).view(image.shape[1] // PATCH, -1)


@pytest.mark.parametrize('size', [(32, 32), (32, 48)])
@pytest.mark.parametrize('sigma', [0., 1., 2.5])
@pytest.mark.parametrize('labels', [[4, 0, 2], [1]])
def test_map_is_that_of_a_slow_reference(size, sigma, labels):
    weights = published(img_size=size)
    model = classifier(weights, size)
    inputs = torch.randn(len(labels), 3, *size)
    with torch.no_grad():
        maps, features = AbSViTTopDown(sigma)(model, inputs, one_hot(labels))
        plain = model.backbone(inputs)
    expected = torch.stack([
        slow_map(weights, image, label, sigma)
        for image, label in zip(inputs, labels)
    ])
    assert expected.amax((1, 2)).min() > 0.01  # otherwise all would be equal
    torch.testing.assert_close(maps, expected.float(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(features, plain)


def test_signal_and_label_steer_the_map():
    model = classifier(published())
    inputs = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        maps = [
            AbSViTTopDown(sigma)(model, inputs, one_hot([label]))[0]
            for sigma, label in ((1, 0), (0, 0), (1, 1))
        ]
    for other in maps[1:]:
        assert (maps[0] - other).abs().max() > 0.01


@pytest.mark.parametrize('silent', ['decoders', 'sigma'])
def test_without_a_signal_the_second_pass_is_the_first(silent):
    """This requires the bias of V, which is added with the signal, to be zero.
    """
    weights = published()
    for key in weights:
        if key.endswith('qkv.bias'):
            weights[key][2 * DIMS:] = 0
        elif silent == 'decoders' and key.startswith('decoders'):
            weights[key].zero_()
    backbone = classifier(weights, out_type='raw').backbone
    inputs = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        tokens, = backbone(inputs)
        signals = backbone.feedback(tokens)
        if silent == 'sigma':
            steered, = backbone(inputs, signals)
            assert not torch.allclose(steered, tokens)
            signals = [0 * signal for signal in signals]
        torch.testing.assert_close(backbone(inputs, signals)[0], tokens)


def test_plain_pass_equals_that_of_the_vit():
    weights = published()
    vit = VisionTransformer(
        img_size=32,
        patch_size=PATCH,
        embed_dim=DIMS,
        depth=DEPTH,
        num_heads=HEADS,
        mlp_ratio=2,
        num_classes=NUM_CLASSES).eval()
    vit.load_state_dict({
        key: value
        for key, value in weights.items()
        if key != 'prompt' and not key.startswith('decoders')
    })
    inputs = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(classifier(weights)(inputs), vit(inputs))


def test_a_steered_pass_leaves_no_hook():
    backbone = classifier(published()).backbone
    hooks = [len(m._forward_hooks) for m in backbone.modules()]
    inputs = torch.randn(1, 3, 32, 32)
    backbone(inputs, backbone.feedback(torch.randn(1, 17, DIMS)))
    with pytest.raises(RuntimeError):
        backbone(inputs, [torch.randn(1, 3, 5)] * DEPTH)
    assert [len(m._forward_hooks) for m in backbone.modules()] == hooks


def test_above_threshold():
    maps = torch.tensor([[[0., 0.5], [0.75, 1.]], [[0.3, 0.3], [0.3, 0.3]],
                         [[0.2, 0.2], [0.2, 1.2]]])
    torch.testing.assert_close(
        above_threshold(maps),
        torch.tensor([[[0., 0.], [0.05, 0.3]], [[0., 0.], [0., 0.]],
                      [[0., 0.], [0., 0.3]]]))


# as a guide


def frozen_guide(weights, folder):
    path = folder / 'absvit.pth'
    torch.save(dict(state_dict=from_published_absvit(weights)), path)
    return dict(
        type='mmmix.FrozenGuide',
        config=dict(model=classifier_config()),
        checkpoint=str(path),
        attention_map=dict(type='mmmix.AbSViTTopDown'))


@pytest.fixture
def guide(tmp_path):
    return frozen_guide(published(), tmp_path)


def student_config(guide, **head):
    return vit_config([dict(type='mmmix.SMMix')],
                      dict(consistency=dict(type='mmmix.ConsistencyLoss')),
                      guide=guide,
                      head=dict(
                          label_rule=dict(type='mmmix.AreaAttentionLabel'),
                          **head))


@pytest.mark.parametrize('n', [1, 5])
@pytest.mark.parametrize('dtype', [None, 'bfloat16'])
def test_training_step(guide, n, dtype):
    cfg = student_config(dict(guide, dtype=dtype))
    losses, data = train_losses(build(cfg), batch(n))
    maps = data['guidance'].attention
    assert maps.shape == (n, 4, 4) and maps.dtype == torch.float32
    assert maps.amax((1, 2)).min() > 0
    assert set(losses) == {'loss_cls', 'loss_consistency'}
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_training_step_when_no_token_is_relevant(tmp_path):
    weights = published()
    weights['head.weight'].zero_()
    model = build(student_config(frozen_guide(weights, tmp_path)))
    losses, data = train_losses(model)
    assert not data['guidance'].attention.any()
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_what_cannot_guide_is_refused(guide):
    for sigma in (-1, float('inf'), float('nan')):
        with pytest.raises(ValueError, match='sigma'):
            AbSViTTopDown(sigma)
    with pytest.raises(ValueError, match='has 5 classes .* 4'):
        build(student_config(guide, num_classes=4))
    self_guide = dict(
        type='mmmix.SelfGuide', attention_map=guide['attention_map'])
    with pytest.raises(ValueError, match='not a VisionTransformer'):
        build(student_config(self_guide))


# the converter


def test_unknown_and_missing_keys_are_named():
    weights = published(depth=3)
    weights['fc_norm.weight'] = weights.pop('norm.weight')
    del weights['blocks.1.attn.proj.bias'], weights['prompt']
    with pytest.raises(ValueError) as error:
        from_published_absvit(weights)
    assert '1 unknown: fc_norm.weight' in str(error.value)
    assert ('3 missing: blocks.1.attn.proj.bias, norm.weight, prompt'
            in str(error.value))
    # a plain ViT, a foreign file
    plain = {k: v for k, v in published().items() if 'decoders' not in k}
    with pytest.raises(ValueError, match=r'missing: decoders\.0\.linear'):
        from_published_absvit(plain)
    with pytest.raises(ValueError, match='1 unknown: a'):
        from_published_absvit(dict(a=torch.zeros(1)))


@pytest.fixture
def convert(monkeypatch):

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', ['absvit.py', *map(str, arguments)])
        runpy.run_path(str(TOOL), run_name='__main__')

    return run


def test_tool(convert, tmp_path, capsys):
    weights = published()
    source, target = tmp_path / 'published.pth', tmp_path / 'new/ours.pth'
    # as a training by the authors' code leaves it
    torch.save(
        dict(model=weights, epoch=9, args=argparse.Namespace(lr=1)), source)
    convert(source, target)
    assert f'Saved {len(weights)} tensors' in capsys.readouterr().out
    assert [*target.parent.iterdir()] == [target]
    saved = torch.load(target, weights_only=True)['state_dict']
    assert len(saved) == len(weights)
    MODELS.build(classifier_config()).load_state_dict(saved, strict=True)


class Foreign:
    """What a safe loader does not load."""


def test_tool_writes_all_or_nothing(convert, tmp_path, monkeypatch):
    source, target = tmp_path / 'published.pth', tmp_path / 'ours.pth'
    target.write_text('what was there')
    foreign = dict(a=torch.zeros(1))
    for content, message in ((foreign, 'unknown: a'), (torch.zeros(1),
                                                       'no weights'),
                             (dict(model=foreign), 'unknown: a'),
                             (dict(model={},
                                   args=Foreign()), '--trust-checkpoint')):
        torch.save(content, source)
        with pytest.raises(SystemExit, match=message):
            convert(source, target)
    source.write_bytes(b'not a checkpoint')
    with pytest.raises(SystemExit, match='damaged'):
        convert(source, target)
    with pytest.raises(SystemExit, match='nowhere.pth'):
        convert('nowhere.pth', target)

    torch.save(dict(model=published()), source)

    def full_disk(handle):
        raise OSError('no space left')

    monkeypatch.setattr(os, 'fsync', full_disk)
    with pytest.raises(OSError, match='no space'):
        convert(source, target)
    assert target.read_text() == 'what was there'
    assert not [*tmp_path.glob('*.part')]


def test_help_shows_an_example(convert, capsys):
    with pytest.raises(SystemExit):
        convert('--help')
    assert 'example: absvit.py' in capsys.readouterr().out
