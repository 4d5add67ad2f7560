"""Models of timm guide mixers, in a training loop without OpenMMLab."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmmix.errors import MmmixError
from mmmix.models import (AttentiveCutMix, AutoMix, CutMix, ManifoldMix,
                          PuzzleMix, SMMix, find_extractor, timm_guide)
from mmmix.models.guides.timm_model import TIMMClassifier
from mmmix.structures import Guidance

timm = pytest.importorskip('timm')
SIZE = (32, 48)
VIT = dict(img_size=SIZE, patch_size=8, embed_dim=24, depth=2, num_heads=2)
MODELS = {
    'class token':
    lambda: timm.create_model('vit_tiny_patch16_224', num_classes=5, **VIT),
    'registers, averaged, norms of queries':
    lambda: timm.create_model(
        'vit_tiny_patch16_224',
        num_classes=5,
        class_token=False,
        reg_tokens=2,
        global_pool='avg',
        qk_norm=True,
        **VIT),
    'CNN':
    lambda: timm.create_model('test_resnet', num_classes=5),
}


def batch(n=3):
    return torch.rand(n, 3, *SIZE), torch.eye(5)[torch.arange(n)]


def dense_attention(model, images):
    """The weights ``(N, heads, L, L)`` that the last block computes."""
    attention, seen = model.blocks[-1].attn, []
    attention.fused_attn = False
    handle = attention.attn_drop.register_forward_hook(
        lambda module, args, output: seen.append(output))
    with torch.no_grad():
        model.eval()(images)
    handle.remove()
    attention.fused_attn = True
    return seen[0]


@pytest.mark.parametrize('name', [*MODELS][:2])
def test_map_is_what_each_patch_receives(name):
    model, (images, labels) = MODELS[name](), batch()
    weights = dense_attention(model, images)
    first = model.num_prefix_tokens
    expected = weights[:, :, first:, first:].mean((1, 2))
    guide = timm_guide(model)
    found = guide(images, frozenset({'attention', 'logits'}), labels)
    assert found.attention.shape == (3, 4, 6)
    torch.testing.assert_close(found.attention.flatten(1), expected)
    torch.testing.assert_close(found.logits, model(images).detach())


def test_class_attention_is_the_row_of_the_class_token():
    model, (images, labels) = MODELS['class token'](), batch()
    expected = dense_attention(model, images)[:, :, 0, 1:].mean(1)
    guide = timm_guide(model, attention_map=dict(type='mmmix.ClassAttention'))
    found = guide(images, frozenset({'attention'}), labels).attention
    torch.testing.assert_close(found.flatten(1), expected)


def test_two_passes_add_the_signal_to_all_values():
    """At sigma 0 the top-down map is the bottom-up one, else another."""
    model, (images, labels) = MODELS['class token'](), batch()
    maps = [
        timm_guide(
            model, attention_map=dict(type='mmmix.TopDown',
                                      sigma=sigma))(images,
                                                    frozenset({'attention'}),
                                                    labels).attention
        for sigma in (0, 1)
    ]
    bottom_up = timm_guide(model)(images, frozenset({'attention'})).attention
    torch.testing.assert_close(maps[0], bottom_up)
    assert not torch.allclose(maps[1], bottom_up)


@pytest.mark.parametrize('name', MODELS)
@pytest.mark.parametrize('mixer', [
    SMMix(grid=4),
    AttentiveCutMix(num_cells=3, grid=4),
    PuzzleMix(grids=(2, 4)),
    CutMix(),
])
def test_a_training_step_of_ones_own(name, mixer):
    model, (images, labels) = MODELS[name](), batch()
    if isinstance(mixer, PuzzleMix):
        pytest.importorskip('scipy')
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.train()
    mixed, targets = mixer(images, labels, timm_guide(model))
    assert model.training
    assert all(v.equal(before[k]) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert mixed.shape == images.shape
    torch.testing.assert_close(targets.sum(1), torch.ones(3))
    F.cross_entropy(model(mixed), targets).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_it_mixes_as_the_classifier_would():
    model, (images, labels) = MODELS['class token'](), batch()
    np.random.seed(4)
    mixed, targets = SMMix()(images, labels, timm_guide(model))
    np.random.seed(4)
    guidance = timm_guide(model)(images, SMMix.requires, labels)
    mixer = SMMix()
    rng = np.random.default_rng(np.random.randint(2**31))
    expected = mixer.mix(images, labels, mixer.sample(rng, 3, SIZE), guidance)
    assert mixed.equal(expected.inputs)
    assert targets.equal(expected.mixed_labels())


def test_maps_of_ones_own_guide_too():
    images, labels = batch()
    attention = torch.zeros(3, 4, 6)
    attention[:, :2] = 1
    mixed, targets = SMMix(delta=0.5)(images, labels,
                                      Guidance(attention=attention))
    # the most attended quarter of the source is in the least attended one
    torch.testing.assert_close(
        targets.max(1).values[[0, 2]], torch.tensor([0.75, 0.75]))
    assert mixed[:, :, :16].equal(images[:, :, :16])


def test_the_extractor_knows_patches_and_size():
    backbone = TIMMClassifier(MODELS['class token']()).backbone
    extractor = find_extractor(backbone)
    assert extractor.has_class_attention
    assert extractor.patch == (8, 8) and extractor.image_size == SIZE


def test_what_is_missing_is_said():
    images, labels = batch()
    with pytest.raises(MmmixError, match=r'requires attention .*timm_guide'):
        SMMix()(images, labels)
    with pytest.raises(MmmixError, match=r'one_hot\(labels, num_classes\)'):
        CutMix()(images, torch.arange(3))
    for mixer in (AutoMix(), ManifoldMix(sites=['layer1'])):
        with pytest.raises(MmmixError, match='use `mmmix.MixClassifier`'):
            mixer(images, labels, timm_guide(MODELS['CNN']()))
    with pytest.raises(MmmixError, match='backbone ResNet has no class token'):
        timm_guide(
            MODELS['CNN'](), attention_map=dict(type='mmmix.ClassAttention'))
    swin = timm.create_model(
        'swin_tiny_patch4_window7_224',
        img_size=64,
        window_size=2,
        depths=(1, ),
        num_heads=(2, ),
        embed_dim=16)
    with pytest.raises(MmmixError, match='backbone SwinTransformer. There'):
        timm_guide(swin)(torch.rand(1, 3, 64, 64), frozenset({'attention'}))
