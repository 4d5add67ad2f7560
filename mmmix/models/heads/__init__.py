"""MMPretrain's heads with a label rule and mix losses."""
from .linear_head import MixLinearClsHead
from .mix_head import MixHead
from .vision_transformer_head import MixVisionTransformerClsHead

__all__ = ['MixHead', 'MixLinearClsHead', 'MixVisionTransformerClsHead']
