from dataclasses import dataclass, field
from typing import Dict, Optional, Sequence

import torch
from torch import Tensor

from mmmix.functional import box_coverage, mix_labels, resize_mask


@dataclass
class MixedBatch:
    """What came out of a mixer: who was pasted into whom, where, how much.

    Image ``i`` of the batch is the *target*, image ``source[i]`` is the
    *source* that was pasted into it (SMMix, Eq. 1 and 8: B and A).

    Attributes:
        inputs (Tensor): Mixed images ``(N, C, H, W)``.
        scores (Tensor): *Unmixed* one-hot or soft labels
            ``(N, num_classes)``: ``y_B``; the sources' are
            ``scores[source]``: ``y_A``.
        source (Tensor): ``(N,)`` int64, index of the image pasted in.
        lam (Tensor): ``(N,)`` float32 in [0, 1], weight of the *source*
            label.
        mask (Tensor): ``(N, h, w)`` float32 in [0, 1], weight of the source
            at each place, on any grid: pixels, patches, or ``(N, 1, 1)``
            where the whole image is blended alike.
        regions (bool): Whether the mask separates regions of the two images.
            False for a blend (Mixup) and for an unmixed batch.
        source_boxes, target_boxes (Tensor, optional): ``(N, 4)`` int64 boxes
            ``(y1, x1, y2, x2)`` in pixels, half open: where the region was
            taken from and where it was put. None where there is no box.
        mixer (str, optional): Name of the mixer, None for an unmixed batch.
        label_params (dict[str, Tensor]): Numbers that the label rule drew for
            this batch, 0-d, on the CPU.
    """

    inputs: Tensor
    scores: Tensor
    source: Tensor
    lam: Tensor
    mask: Tensor
    regions: bool
    source_boxes: Optional[Tensor] = None
    target_boxes: Optional[Tensor] = None
    mixer: Optional[str] = None
    label_params: Dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def unmixed(cls, inputs: Tensor, scores: Tensor) -> 'MixedBatch':
        """A batch in which nothing was mixed: every image is its own source
        and the source's weight is 0."""
        n = inputs.size(0)
        lam = torch.zeros(n, device=inputs.device)
        return cls(
            inputs=inputs,
            scores=scores,
            source=torch.arange(n, device=inputs.device),
            lam=lam,
            mask=lam.view(n, 1, 1),
            regions=False)

    @property
    def source_labels(self) -> Tensor:
        """Labels ``y_A`` of the images pasted in, ``(N, num_classes)``."""
        return self.scores[self.source]

    def mask_on(self, grid: Sequence[int]) -> Tensor:
        """The mask averaged onto another grid ``(N, *grid)``."""
        if self.target_boxes is not None:
            return self._coverage(self.target_boxes, grid)
        return resize_mask(self.mask, grid)

    def source_mask(self, grid: Sequence[int]) -> Tensor:
        """Where the pasted region was taken from, in the source's own image:
        the share of each cell ``(N, *grid)``. Without boxes a region stays
        in its place."""
        if self.source_boxes is None:
            return self.mask_on(grid)
        return self._coverage(self.source_boxes, grid)

    def _coverage(self, boxes: Tensor, grid: Sequence[int]) -> Tensor:
        return box_coverage(boxes, self.inputs.shape[-2:], grid)

    def mixed_labels(self, lam: Optional[Tensor] = None) -> Tensor:
        """Mixed labels ``lam y_A + (1 - lam) y_B`` (SMMix, Eq. 1).

        Args:
            lam (Tensor, optional): ``(N,)`` weight of the source label.
                Defaults to the batch's own.
        """
        return mix_labels(self.scores, self.source,
                          self.lam if lam is None else lam)
