"""Everything between the data loader and the loss."""
from .attention import (AttentionExtractor, BottomUp,
                        ClassAttention, TopDown, View, find_extractor)
from .batch_augments import (AttentiveCutMix, BatchMixer, CutMix, MaskMix,
                             MixerChoice, Mixup, ResizeMix, SMMix)
from .classifiers import MixClassifier
from .data_preprocessors import MixDataPreprocessor
from .guides import EMAGuide, FrozenGuide, Guide, GuidePair, SelfGuide
from .heads import MixLinearClsHead, MixVisionTransformerClsHead
from .label_rules import (AreaAttentionLabel, LabelRule,
                          ProgressiveAttentionLabel, TransMixLabel)
from .losses import ConsistencyLoss, FineGrainedLoss, MixLoss

__all__ = [
    'AreaAttentionLabel', 'AttentionExtractor',
    'AttentiveCutMix', 'BatchMixer', 'BottomUp', 'ClassAttention', 'ConsistencyLoss', 'CutMix',
    'EMAGuide', 'FineGrainedLoss', 'FrozenGuide', 'Guide', 'GuidePair',
    'LabelRule', 'MaskMix', 'MixClassifier', 'MixDataPreprocessor',
    'MixLinearClsHead', 'MixLoss', 'MixVisionTransformerClsHead',
    'MixerChoice', 'Mixup', 'ProgressiveAttentionLabel',
    'ResizeMix', 'SMMix',
    'SelfGuide', 'TopDown', 'TransMixLabel', 'View', 'find_extractor'
]
