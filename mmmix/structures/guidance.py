from dataclasses import dataclass
from typing import Optional

from torch import Tensor


@dataclass
class Guidance:
    """What a guide knows about the unmixed images.

    A part that nobody required is None.

    Attributes:
        attention (Tensor, optional): Attention maps ``(N, h, w)`` on the
            guide's patch grid, float32, not negative. Larger means more
            attended; a map need not sum to 1.
        logits (Tensor, optional): Class logits ``(N, num_classes)``, float32.

    >>> import torch
    >>> Guidance(attention=torch.ones(2, 14, 14)).logits is None
    True
    """

    attention: Optional[Tensor] = None
    logits: Optional[Tensor] = None
