from dataclasses import dataclass
from typing import Optional

from torch import Tensor


@dataclass
class Guidance:
    """What a guide returns for the unmixed images.

    What was not required is None.

    Attributes:
        attention (Tensor, optional): Attention maps ``(N, h, w)`` on the
            guide's patch grid, float32, nonnegative. Larger means more
            attended; a map need not sum to 1.
        logits (Tensor, optional): Class logits ``(N, num_classes)``, float32.
        saliency (Tensor, optional): How much the loss depends on each pixel
            ``(N, H, W)``, float32, nonnegative: the root of the channels'
            mean squared gradient.
        features (Tensor, optional): Features of one layer ``(N, C, h, w)``.
        label_maps (Tensor, optional): A soft label for each place ``(N,
            num_classes, h, w)``, float32, summing to 1 over the classes.

    >>> import torch
    >>> Guidance(attention=torch.ones(2, 14, 14)).logits is None
    True
    """

    attention: Optional[Tensor] = None
    logits: Optional[Tensor] = None
    saliency: Optional[Tensor] = None
    features: Optional[Tensor] = None
    label_maps: Optional[Tensor] = None
