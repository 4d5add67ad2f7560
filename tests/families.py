"""A small classifier of every backbone family, and slow attention for them."""
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Optional, Tuple

import pytest
import torch
import torch.nn.functional as F
from helpers import NUM_CLASSES, build

from mmmix.models import find_extractor

GAP = dict(type='mmpretrain.GlobalAveragePooling')
CLASS_TOKEN = dict(type='mmmix.ClassTokenNeck')
LINEAR = 'LinearClsHead'
VIT_HEAD = 'VisionTransformerClsHead'


@dataclass
class Family:
    """How a family is built, as our classifier and as a stock classifier.

    Args:
        backbone (dict): Config of the backbone in our classifier.
        channels (int): Channels of its features.
        size (tuple[int, int]): Size of the images, not square.
        head (str): Name of MMPretrain's head.
        neck (dict, optional): Config of the neck in our classifier.
        stock (dict, optional): What differs in the stock classifier; None if
            MMPretrain has no classifier to exchange weights with.
    """
    backbone: dict
    channels: int
    size: Tuple[int, int]
    head: str = LINEAR
    neck: Optional[dict] = None
    stock: Optional[dict] = field(default_factory=dict)

    def config(self, augments=None, label_rule=None, mix_losses=None):
        return dict(
            type='mmmix.MixClassifier',
            backbone=dict(self.backbone),
            neck=self.neck,
            head=dict(
                self._head(f'mmmix.Mix{self.head}'),
                label_rule=label_rule,
                mix_losses=mix_losses),
            train_cfg=augments and dict(augments=augments))

    def stock_config(self):
        return dict(
            dict(
                type='mmpretrain.ImageClassifier',
                backbone=dict(self.backbone),
                neck=self.neck,
                head=self._head(f'mmpretrain.{self.head}')), **self.stock)

    def _head(self, name):
        return dict(
            type=name,
            num_classes=NUM_CLASSES,
            in_channels=self.channels,
            loss=dict(type='mmpretrain.CrossEntropyLoss', use_soft=True))


SWIN = dict(
    arch=dict(embed_dims=16, depths=[1, 2], num_heads=[1, 2]),
    img_size=(32, 48),
    window_size=2,
    out_indices=(1, ))
SWIN_V2 = dict(
    SWIN,
    arch=dict(SWIN['arch'], extra_norm_every_n_blocks=0),
    window_size=[2, 2])
XCIT = dict(
    type='mmpretrain.XCiT',
    img_size=(32, 48),
    patch_size=8,
    embed_dims=16,
    depth=1,
    num_heads=2)
CAIT = dict(
    model_name='cait_xxs24_224',
    img_size=(32, 48),
    patch_size=8,
    embed_dim=16,
    depth=2,
    num_heads=2)
PVT = dict(
    type='mmmix.PyramidVisionTransformer',
    arch=dict(
        embed_dims=(8, 8, 8, 16),
        depths=(1, 1, 1, 2),
        num_heads=(1, 1, 1, 2),
        mlp_ratios=(2, 2, 2, 2),
        sr_ratios=(8, 4, 2, 1)),
    img_size=(64, 96))
CA_SWIN = dict(SWIN, type='mmmix.CASwin')

FAMILIES = dict(
    resnet=Family(
        dict(
            type='mmpretrain.ResNet',
            depth=18,
            stem_channels=8,
            base_channels=8),
        64, (32, 48),
        neck=GAP),
    swin=Family(
        dict(SWIN, type='mmpretrain.SwinTransformer'), 32, (32, 48), neck=GAP),
    swin_v2=Family(
        dict(SWIN_V2, type='mmpretrain.SwinTransformerV2'),
        32,
        (32, 48),
        neck=GAP,
        # MMPretrain drops two of its buffers, so that it cannot strictly load
        # even its own weights
        stock=None),
    xcit=Family(
        dict(XCIT, out_type='raw'),
        16, (32, 48),
        neck=CLASS_TOKEN,
        stock=dict(neck=None, backbone=XCIT)),
    cait=Family(
        dict(CAIT, type='mmmix.CaiT'),
        16, (32, 48),
        VIT_HEAD,
        stock=dict(
            neck=CLASS_TOKEN,
            backbone=dict(CAIT, type='mmpretrain.TIMMBackbone'))),
    pvt=Family(dict(PVT, out_type='raw'), 16, (64, 96), VIT_HEAD, stock=None),
    ca_swin=Family(
        dict(CA_SWIN, out_type='raw'),
        32, (32, 48),
        neck=CLASS_TOKEN,
        stock=None),
)
needs_timm = pytest.mark.skipif(
    find_spec('timm') is None, reason='timm is not installed')


def each(*names):
    """Families for ``pytest.mark.parametrize``."""
    return [
        pytest.param(name, marks=needs_timm if name == 'cait' else ())
        for name in names
    ]


WITH_CLASS_ATTENTION = each('xcit', 'cait', 'pvt', 'ca_swin')
TRANSFORMERS = [*each('swin', 'swin_v2'), *WITH_CLASS_ATTENTION]


def small_backbone(family, **changes):
    """A backbone of a family with random weights, in eval mode."""
    backbone = build(dict(FAMILIES[family].backbone, **changes))
    for module in backbone.modules():
        module.training = False
    return backbone


def recorded(backbone, inputs):
    """The extractor of a backbone, and the arguments of its methods after one
    forward pass."""
    extractor = find_extractor(backbone)
    with torch.no_grad(), extractor.recording() as outputs:
        features = backbone(inputs)
    return extractor, (outputs, features, inputs.shape[-2:])


def given_to(module, backbone, inputs):
    """The input of a module in a forward pass of the backbone, in float64."""
    given = []
    handle = module.register_forward_pre_hook(
        lambda module, args: given.append(args[0].double()))
    with torch.no_grad():
        backbone(inputs)
    handle.remove()
    return given[0]


def normed(tokens, norm):
    """A layer norm in float64."""
    return F.layer_norm(tokens, tokens.shape[-1:], norm.weight.double(),
                        norm.bias.double(), norm.eps)


def projected(tokens, weight, bias):
    """A linear layer in float64."""
    return tokens @ weight.double().T + bias.double()


def slow_attention(query, key, heads):
    """Softmax(QK^T/sqrt(d)) of one image, head by head and row by row.

    Args:
        query (Tensor): ``(queries, C)``.
        key (Tensor): ``(keys, C)``.

    Returns:
        list[Tensor]: ``(queries, keys)`` for each head.
    """
    dims = query.size(1) // heads
    return [
        torch.stack([
            torch.stack([
                row[h * dims:(h + 1) * dims] @ k[h * dims:(h + 1) * dims]
                for k in key
            ]).div(dims**0.5).softmax(0) for row in query
        ]) for h in range(heads)
    ]


def slow_class_attention(query, key, heads, grid):
    """Attention of the first token to the others (MixPro, Eq. 1-4), image by
    image."""
    return torch.stack([
        sum(slow_attention(q[:1], k, heads))[0, 1:].view(grid) / heads
        for q, k in zip(query, key)
    ])
