"""Everything between the data loader and the loss."""
from .attention import (AbSViTTopDown, AttentionExtractor, AttentionMap,
                        BottomUp, ClassAttention, TopDown, find_extractor)
from .backbones import (AbSViT, CaiT, CASwin, PyramidVisionTransformer,
                        ResNeXt_CIFAR)
from .batch_augments import (AtSite, AttentiveCutMix, BatchMixer, CutMix,
                             ManifoldMix, MaskMix, MixToken, Mixup,
                             RandomMixer, ResizeMix, SMMix)
from .channels import seen_channels
from .classifiers import MixClassifier
from .data_preprocessors import MixDataPreprocessor
from .guides import EMAGuide, FrozenGuide, Guide, NetworkGuide, SelfGuide
from .heads import MixLinearClsHead, MixVisionTransformerClsHead
from .label_rules import (AreaAttentionLabel, LabelRule,
                          ProgressiveAttentionLabel, TransMixLabel)
from .losses import ConsistencyLoss, FineGrainedLoss, MixLoss
from .necks import ClassTokenNeck

__all__ = [
    'AbSViT', 'AbSViTTopDown', 'AreaAttentionLabel', 'AttentionExtractor',
    'AtSite', 'AttentiveCutMix', 'BatchMixer', 'BottomUp', 'CASwin', 'CaiT',
    'ClassAttention', 'ClassTokenNeck', 'ConsistencyLoss', 'CutMix',
    'EMAGuide', 'FineGrainedLoss', 'FrozenGuide', 'Guide', 'LabelRule',
    'ManifoldMix', 'MaskMix', 'MixClassifier', 'MixDataPreprocessor',
    'MixLinearClsHead', 'MixLoss', 'MixToken', 'MixVisionTransformerClsHead',
    'NetworkGuide', 'RandomMixer', 'Mixup', 'ProgressiveAttentionLabel',
    'PyramidVisionTransformer', 'ResNeXt_CIFAR', 'ResizeMix', 'SMMix',
    'SelfGuide', 'TopDown', 'TransMixLabel', 'AttentionMap', 'find_extractor',
    'seen_channels'
]
