"""Everything between the data loader and the loss."""
from .attention import (AbSViTTopDown, AttentionExtractor, AttentionMap,
                        BottomUp, ClassAttention, TopDown, find_extractor)
from .backbones import (AbSViT, CaiT, CASwin, PyramidVisionTransformer,
                        ResNeXt_CIFAR)
from .batch_augments import (AttentiveCutMix, BatchMixer, CoMixup, CutMix,
                             MaskMix, Mixup, PuzzleMix, RandomMixer, ResizeMix,
                             SMMix)
from .channels import seen_channels
from .classifiers import MixClassifier
from .data_preprocessors import MixDataPreprocessor
from .guides import EMAGuide, FrozenGuide, Guide, NetworkGuide, SelfGuide
from .heads import MixLinearClsHead, MixVisionTransformerClsHead
from .label_rules import (AreaAttentionLabel, LabelRule,
                          ProgressiveAttentionLabel, TransMixLabel)
from .losses import ConsistencyLoss, FineGrainedLoss, MixLoss, UnmixedLoss
from .necks import ClassTokenNeck

__all__ = [
    'AbSViT', 'AbSViTTopDown', 'AreaAttentionLabel', 'AttentionExtractor',
    'AttentiveCutMix', 'BatchMixer', 'BottomUp', 'CASwin', 'CaiT',
    'ClassAttention', 'ClassTokenNeck', 'CoMixup', 'ConsistencyLoss', 'CutMix',
    'EMAGuide', 'FineGrainedLoss', 'FrozenGuide', 'Guide', 'LabelRule',
    'MaskMix', 'MixClassifier', 'MixDataPreprocessor', 'MixLinearClsHead',
    'MixLoss', 'MixVisionTransformerClsHead', 'NetworkGuide', 'RandomMixer',
    'Mixup', 'ProgressiveAttentionLabel', 'PuzzleMix',
    'PyramidVisionTransformer', 'ResNeXt_CIFAR', 'ResizeMix', 'SMMix',
    'SelfGuide', 'TopDown', 'TransMixLabel', 'UnmixedLoss', 'AttentionMap',
    'find_extractor', 'seen_channels'
]
