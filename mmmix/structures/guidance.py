from dataclasses import dataclass
from typing import Callable, Optional

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
        features (Tensor, optional): Features of one layer ``(N, C, h, w)``,
            float32.
        label_maps (Tensor, optional): A soft label for each place ``(N,
            num_classes, h, w)``, float32, summing to 1 over the classes.
        classifier (Callable, optional): The guide's network as a function
            that returns the logits ``(N, num_classes)``, float32, of any
            images ``(N, C, H, W)``, with a gradient to the images but none to
            its weights.

    >>> import torch
    >>> Guidance(attention=torch.ones(2, 14, 14)).logits is None
    True
    """

    attention: Optional[Tensor] = None
    logits: Optional[Tensor] = None
    saliency: Optional[Tensor] = None
    features: Optional[Tensor] = None
    label_maps: Optional[Tensor] = None
    classifier: Optional[Callable[[Tensor], Tensor]] = None
