from dataclasses import dataclass
from typing import Optional

from torch import Tensor


@dataclass
class Guidance:
    """What a guide knows of the unmixed images; a part not asked for is None.

    Attributes:
        attention (Tensor, optional): Attention maps ``(N, h, w)`` on the
            guide's patch grid, float32, non-negative. Larger is more
            attended; the sum is not normalised.
        logits (Tensor, optional): Class logits ``(N, num_classes)``, float32.
    """

    attention: Optional[Tensor] = None
    logits: Optional[Tensor] = None
