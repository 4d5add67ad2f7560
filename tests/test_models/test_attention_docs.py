"""docs/attention.md: its table, and the example as printed."""
import re
from pathlib import Path

import pytest
import torch
from families import needs_timm, recorded
from helpers import BOTH_LOSSES, NUM_CLASSES, SMMIX, batch, build, train_losses
from mmpretrain.models.backbones import TIMMBackbone

from mmmix.models import find_extractor
from mmmix.registry import ATTENTION_EXTRACTORS

TEXT = (Path(__file__).parents[2] / 'docs/attention.md').read_text('utf-8')
BLOCKS = re.findall(r'```python\n(.*?)```', TEXT, re.S)
CUTMIX = dict(type='mmmix.CutMix', alpha=1.)


@pytest.fixture
def example():
    """The extractor that the page defines, registered for one test."""
    names = {}
    exec(next(block for block in BLOCKS if 'register_module' in block), names)
    yield names['T2TAttention']
    ATTENTION_EXTRACTORS.module_dict.pop('T2TAttention')


def test_the_table_has_every_extractor():
    rows = [
        re.findall(r'`(\w+)`', row)[0]
        for row in re.findall(r'^\| (`.*)', TEXT, re.M)
    ]
    assert sorted(rows) == sorted(ATTENTION_EXTRACTORS.module_dict)
    for name, extractor in ATTENTION_EXTRACTORS.module_dict.items():
        row = next(r for r in TEXT.split('\n') if r.startswith(f'| `{name}`'))
        forms = ', '.join(f'`{form}`' for form in extractor.top_down_forms)
        assert row.split(' | ')[5] == forms
        has = extractor.has_class_attention
        if isinstance(has, bool):  # a ViT may lack its class token
            assert (row.split(' | ')[3] != 'no') is has


def t2t_config(augments, label_rule=None, mix_losses=None):
    return dict(
        type='mmmix.MixClassifier',
        backbone=dict(
            type='mmpretrain.T2T_ViT',
            img_size=48,
            embed_dims=12,
            num_layers=2,
            t2t_cfg=dict(token_dims=8),
            layer_cfgs=dict(num_heads=2, feedforward_channels=24),
            out_type='raw'),
        neck=dict(type='mmmix.ClassTokenNeck'),
        head=dict(
            type='mmmix.MixLinearClsHead',
            num_classes=NUM_CLASSES,
            in_channels=12,
            loss=dict(type='mmpretrain.CrossEntropyLoss', use_soft=True),
            label_rule=label_rule,
            mix_losses=mix_losses),
        train_cfg=dict(augments=augments))


def test_the_example_suffices_to_add_a_family(example):
    for config in (t2t_config([SMMIX], None, BOTH_LOSSES),
                   t2t_config([CUTMIX], dict(type='mmmix.TransMixLabel'))):
        model = build(config)
        losses, _ = train_losses(model, batch(3, (32, 48)))
        assert all(torch.isfinite(loss) for loss in losses.values())
    model.eval()
    extractor, args = recorded(model.backbone, torch.rand(2, 3, 32, 48))
    assert isinstance(extractor, example)
    for attention in (extractor.bottom_up(*args),
                      extractor.class_attention(*args)):
        assert attention.shape == (2, 2, 3)
    assert extractor.tokens(*args).shape == (2, 12, 2, 3)


def test_without_the_example_the_family_is_not_supported():
    with pytest.raises(ValueError, match='T2T_ViT.*docs/attention.md'):
        build(t2t_config([SMMIX]))


@needs_timm
def test_the_cait_config_builds():
    names = {}
    exec(next(block for block in BLOCKS if 'mmmix.CaiT' in block), names)
    with torch.device('meta'):
        model = build(names['model'])
    assert isinstance(model.backbone, TIMMBackbone)
    assert find_extractor(model.backbone).grid((224, 112)) == (14, 7)
    layer = model.head.layers.head
    assert (layer.in_features, layer.out_features) == (192, 1000)
