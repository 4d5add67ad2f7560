from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np
import torch
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.functional import blend, blend_features, box_coverage, resize_mask


@dataclass
class MixedBatch:
    """A mixed batch: what was pasted into what, where, with which weight.

    Image ``i`` of the batch is the *target*; image ``source[i]`` is the
    *source* that was pasted into it (SMMix, Eq. 1 and 8: B and A).

    Attributes:
        inputs (Tensor): Mixed images ``(N, C, H, W)``.
        labels (Tensor): *Unmixed* one-hot or soft labels
            ``(N, num_classes)``: ``y_B``; those of the sources, ``y_A``, are
            ``labels[source]``.
        source (Tensor): ``(N,)`` int64, index of the image pasted in; ``(N,
            S)`` for the kind 'several'.
        lam (Tensor): ``(N,)`` float32 in [0, 1], weight of the *source's*
            label; ``(N, S)`` with several.
        mask (Tensor): ``(N, h, w)`` float32 in [0, 1], weight of the source
            at each place, on any grid: pixels, patches, or ``(N, 1, 1)``
            where the whole image has one weight; ``(N, S, h, w)`` with
            several.
        kind (str): 'regions' (each place shows one of the two images), 'soft'
            (each place has a weight of its own), 'blend' (one weight for the
            whole image, as in Mixup), 'several' (more than one source) or
            'unmixed'.
        source_boxes, target_boxes (Tensor, optional): ``(N, 4)`` int64 boxes
            ``(y1, x1, y2, x2)`` in pixels, half open: where the region was
            taken from and where it was pasted. None if it is not a box of
            pixels.
        mixer (str, optional): Name of the mixer; None if nothing was mixed.
        rng (np.random.Generator, optional): The generator that drew this mix,
            for a label rule that also draws a number.
        own_lam (Tensor, optional): ``(N,)``, weight of the target's own
            label, where it is not what the sources leave.
        site (str, optional): Name of the backbone's module whose output is
            mixed instead of the images, see :meth:`paste`. ``inputs`` are
            then unmixed, and ``mask`` lies on the grid of that output. None,
            the default, mixes the images.
        originals (Tensor, optional): The unmixed images ``(N, C, H, W)``, a
            reference, for losses that look at them.

    >>> images, labels = torch.rand(3, 3, 8, 8), torch.eye(3)
    >>> MixedBatch.unmixed(images, labels).mixed_labels()
    tensor([[1., 0., 0.],
            [0., 1., 0.],
            [0., 0., 1.]])
    """

    inputs: Tensor
    labels: Tensor
    source: Tensor
    lam: Tensor
    mask: Tensor
    kind: str
    source_boxes: Optional[Tensor] = None
    target_boxes: Optional[Tensor] = None
    mixer: Optional[str] = None
    rng: Optional[np.random.Generator] = None
    own_lam: Optional[Tensor] = None
    site: Optional[str] = None
    originals: Optional[Tensor] = None

    @classmethod
    def unmixed(cls,
                inputs: Tensor,
                labels: Tensor,
                mixer: Optional[str] = None) -> 'MixedBatch':
        """A batch in which nothing was mixed: each image is its own source,
        with weight 0."""
        n = inputs.size(0)
        lam = torch.zeros(n, device=inputs.device)
        return cls(
            inputs=inputs,
            labels=labels,
            source=torch.arange(n, device=inputs.device),
            lam=lam,
            mask=lam.view(n, 1, 1),
            kind='unmixed',
            mixer=mixer,
            originals=inputs)

    @property
    def source_labels(self) -> Tensor:
        """Labels ``y_A`` of the images pasted in, ``(N, num_classes)``."""
        return self.labels[self.source]

    def mask_on(self, grid: Sequence[int]) -> Tensor:
        """The mask averaged onto another grid, ``(N, *grid)``."""
        if self.target_boxes is not None:
            return self._coverage(self.target_boxes, grid)
        return resize_mask(self.mask, grid)

    def source_mask(self, grid: Sequence[int]) -> Tensor:
        """Where the pasted region was taken from, in the source's own image,
        as a share of each cell ``(N, *grid)``. Without boxes a region stays
        in its place."""
        if self.source_boxes is None:
            return self.mask_on(grid)
        return self._coverage(self.source_boxes, grid)

    def _coverage(self, boxes: Tensor, grid: Sequence[int]) -> Tensor:
        return box_coverage(boxes, self.inputs.shape[-2:], grid)

    def blend(self, values: Tensor) -> Tensor:
        """What the mixed images have of values ``(N, K)`` of the unmixed
        images, see :func:`mmmix.functional.blend`."""
        return blend(values, self.source, self.lam, self.own_lam)

    def paste(self, values: Tensor) -> Tensor:
        """Features of the unmixed images, mixed as the batch says.

        Args:
            values (Tensor): Maps ``(N, C, h, w)``, mixed by the mask averaged
                onto their grid, or tokens ``(N, L, C)``: those of the mask's
                grid, in row-major order, come last; any before them, such as
                a class token, have no place and are mixed by ``lam``. A blend
                mixes anything ``(N, ...)`` by ``lam``.

        Returns:
            Tensor: Of the shape and dtype of ``values``.

        Raises:
            MmmixError: If there are several sources, or the values have no
                places or fewer than the mask.
        """
        if self.kind == 'several':
            raise MmmixError('Features can be mixed from one source only, but '
                             f'{self.mixer} mixes several.')
        weight = self.lam if self.kind in (
            'blend', 'unmixed') else self._weights_of_places(values)
        axes = [1] * (values.ndim - weight.ndim)
        return blend_features(values, self.source,
                              weight.view(*weight.shape, *axes))

    def _weights_of_places(self, values: Tensor) -> Tensor:
        """Weights of the source in maps ``(N, 1, h, w)`` or tokens ``(N, L)``.
        """
        if values.ndim == 4:
            return self.mask_on(values.shape[-2:])[:, None]
        mask = self.mask.flatten(1)
        extra = values.size(1) - mask.size(1) if values.ndim == 3 else -1
        if extra < 0:
            raise MmmixError(
                f'Features of shape {tuple(values.shape)} do not have the '
                '{} x {} places that the mask has: mix maps (N, C, h, w) or '
                'tokens (N, L, C).'.format(*self.mask.shape[1:]))
        return torch.cat((self.lam[:, None].expand(-1, extra), mask), 1)

    def mixed_labels(self) -> Tensor:
        """Mixed labels ``lam y_A + (1 - lam) y_B`` (SMMix, Eq. 1),
        ``(N, num_classes)``."""
        return self.blend(self.labels)
