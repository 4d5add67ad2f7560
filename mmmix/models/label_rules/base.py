from abc import abstractmethod
from typing import FrozenSet, Optional, Tuple, Union

import torch
from torch import Tensor, nn

from mmmix.structures import Guidance, MixedBatch

# of the source's label, or of the source's and of the target's
Weights = Union[Tensor, Tuple[Tensor, Tensor]]


class LabelRule(nn.Module):
    """Sets lambda of batches whose places have weights of their own.

    Without a rule lambda is the mixer's own, the area. A child defines
    :meth:`compute`, which always runs in float32, and is registered in
    ``mmmix.registry.MODELS``. A rule that weighs both labels, where the
    target's is not what lambda leaves, returns two weights.

    Attributes:
        requires (frozenset[str]): 'mask', and any of 'attention' and
            'label_maps' (from the guide) and 'class_attention' (of the mixed
            images in the model under training).
        kinds (frozenset[str]): :attr:`MixedBatch.kind` of the batches it
            applies to: those with one source and a mask. A blend gives every
            place the same weight, so its lambda cannot depend on attention.
        one_class (bool): Whether it assumes one class for each image, as a
            softmax does.
    """

    requires: FrozenSet[str] = frozenset({'mask'})
    kinds: FrozenSet[str] = frozenset({'regions', 'soft'})
    one_class: bool = False

    def forward(self,
                logits: Tensor,
                mixed: MixedBatch,
                guidance: Optional[Guidance] = None,
                class_attention: Optional[Tensor] = None) -> Weights:
        """Compute lambda, the weight of the source's label, ``(N,)`` in
        [0, 1], or a tuple of that and the weight of the target's own.

        Args:
            logits (Tensor): Logits of the mixed images, ``(N, num_classes)``.
            mixed (MixedBatch): The mixed batch; its ``lam`` is the area.
            guidance (Guidance, optional): What the guides returned.
            class_attention (Tensor, optional): Class attention of the mixed
                images, ``(N, h, w)``.
        """
        with torch.autocast(logits.device.type, enabled=False):
            return self.compute(
                logits.float(), mixed, guidance,
                None if class_attention is None else class_attention.float())

    @abstractmethod
    def compute(self, logits: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                class_attention: Optional[Tensor]) -> Weights:
        """The weight or weights, from float32 arguments."""
