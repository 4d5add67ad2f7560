"""Everything between the data loader and the loss."""
from .attention import find_extractor
from .batch_augments import (AttentiveCutMix, BatchMixer, CutMix, MaskMix,
                             MixerChoice, Mixup, ResizeMix, SMMix)
from .classifiers import MixClassifier
from .data_preprocessors import MixDataPreprocessor
from .guides import EMAGuide, FrozenGuide, Guide, SelfGuide
from .heads import MixLinearClsHead, MixVisionTransformerClsHead
from .losses import ConsistencyLoss, FineGrainedLoss, MixLoss

__all__ = [
    'AttentiveCutMix', 'BatchMixer', 'ConsistencyLoss', 'CutMix', 'EMAGuide', 'FineGrainedLoss',
    'FrozenGuide', 'Guide', 'MaskMix', 'MixClassifier', 'MixDataPreprocessor',
    'MixLinearClsHead', 'MixLoss', 'MixVisionTransformerClsHead',
    'MixerChoice', 'Mixup', 'ResizeMix', 'SMMix', 'SelfGuide',
    'find_extractor'
]
