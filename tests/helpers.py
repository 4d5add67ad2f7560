"""Small models and batches that several tests build."""
import pytest
import torch
from mmpretrain.structures import DataSample

import mmmix  # noqa: F401
from mmmix.registry import MODELS

ARCH = dict(embed_dims=24, num_layers=2, num_heads=2, feedforward_channels=48)
NUM_CLASSES = 5
BOTH_LOSSES = dict(
    fine=dict(type='mmmix.FineGrainedLoss'),
    consistency=dict(type='mmmix.ConsistencyLoss'))
SMMIX = dict(type='mmmix.SMMix')

OLD_TORCH = torch.__version__ < (2, 2)
compiling = pytest.mark.skipif(
    OLD_TORCH, reason='the compiler of torch 2.1 fails at our hooks')
sharding = pytest.mark.skipif(
    OLD_TORCH, reason='FSDP of torch 2.1 needs a GPU')
FLOAT16 = pytest.param(
    'float16',
    marks=pytest.mark.skipif(
        OLD_TORCH, reason='torch 2.1 has no float16 on CPUs'))


def vit_config(augments=None,
               mix_losses=None,
               img_size=32,
               guide=None,
               probs=None,
               head=None,
               backbone=None,
               **model):
    """Config of a two-layer ViT of 8-pixel patches."""
    train_cfg = None
    if augments is not None:
        train_cfg = dict(augments=augments, probs=probs)
        if guide:
            train_cfg['guide'] = guide
    return dict(
        type='mmmix.MixClassifier',
        backbone=dict(
            dict(
                type='mmpretrain.VisionTransformer',
                arch=ARCH,
                img_size=img_size,
                patch_size=8,
                out_type='raw'), **(backbone or {})),
        head=dict(
            dict(
                type='mmmix.MixVisionTransformerClsHead',
                num_classes=NUM_CLASSES,
                in_channels=24,
                loss=dict(type='mmpretrain.CrossEntropyLoss', use_soft=True),
                mix_losses=mix_losses), **(head or {})),
        train_cfg=train_cfg,
        **model)


def cnn_config(*args, **kwargs):
    """The same with a narrow ResNet-18, whose cells are 8 pixels too."""
    cfg = vit_config(*args, **kwargs)
    cfg['backbone'] = dict(
        type='mmpretrain.ResNet_CIFAR',
        depth=18,
        stem_channels=8,
        base_channels=8)
    cfg['neck'] = dict(type='mmpretrain.GlobalAveragePooling')
    cfg['head'].update(type='mmmix.MixLinearClsHead', in_channels=64)
    return cfg


def build(cfg):
    """A model with random weights everywhere, also in its last layer."""
    model = MODELS.build(cfg)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def batch(n=6, size=(32, 32)):
    """What a data loader gives."""
    return dict(
        inputs=[torch.rand(3, *size) for _ in range(n)],
        data_samples=[
            DataSample().set_gt_label(i % NUM_CLASSES) for i in range(n)
        ])


def mix(model, data=None):
    """What a training step mixes: the preprocessor's data, with ``inputs``
    mixed, and ``mixed`` and ``guidance``."""
    data = model.data_preprocessor(data or batch(), training=True)
    labels = torch.stack([sample.gt_score for sample in data['data_samples']])
    mixed, guidance = model.data_preprocessor.mix(model, data['inputs'],
                                                  labels)
    return dict(data, inputs=mixed.inputs, mixed=mixed, guidance=guidance)


def train_losses(model, data=None):
    """Losses of one training step, and what :func:`mix` returns of it."""
    model.train()
    preprocessor, seen = model.data_preprocessor, {}
    handle = None
    if preprocessor.batch_augments is not None:
        handle = preprocessor.register_mix_hook(
            lambda mixed, guidance: seen.update(
                inputs=mixed.inputs, mixed=mixed, guidance=guidance))
    data = preprocessor(data or batch(), training=True)
    losses = model(**data, mode='loss')
    if handle is not None:
        handle.remove()
    return losses, dict(data, **seen)


def dense_attention(backbone, inputs, of_class_token=False):
    """Image attention score of the last block (SMMix, Eq. 5-6), or the
    attention of its class token (MixPro, Eq. 1-4), step by step."""
    seen = []
    handle = backbone.layers[-1].ln1.register_forward_hook(
        lambda module, args, output: seen.append(output))
    backbone(inputs)
    handle.remove()
    x, attn = seen[0], backbone.layers[-1].attn
    n, tokens, channels = x.shape
    head_dim = channels // attn.num_heads
    maps = 0
    for h in range(attn.num_heads):
        rows = slice(h * head_dim, (h + 1) * head_dim)
        query, key = (
            x @ attn.qkv.weight[o * channels:(o + 1) * channels][rows].T +
            attn.qkv.bias[o * channels:(o + 1) * channels][rows]
            for o in (0, 1))
        weights = (query @ key.transpose(1, 2) / head_dim**0.5).softmax(-1)
        asking = weights[:, :1] if of_class_token else weights[:, 1:]
        maps = maps + asking[..., 1:].mean(1) / attn.num_heads
    return maps
