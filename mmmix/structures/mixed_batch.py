from dataclasses import dataclass
from typing import Callable, Optional, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.functional import (blend, blend_features, blend_maps, box_coverage,
                              move_boxes, resize_mask)


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
        generator_loss (Callable, optional): Of a mixer with a module of its
            own: a function of the head that returns the loss which trains
            this module, a scalar. None, the default, if nothing is trained.
        moves (Tensor, optional): ``(N, 2, h, w)`` int64: which cell of the
            target and of the source is at each place, where cells changed
            places; each is a permutation of the cells of a grid, counted in
            row-major order. None leaves all in place, or is told by boxes.
        unmixed_logits (Tensor, optional): Logits ``(N, num_classes)`` of
            ``originals`` from the model under training, with gradients, where
            a loss requires them.

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
    generator_loss: Optional[Callable[[nn.Module], Tensor]] = None
    moves: Optional[Tensor] = None
    unmixed_logits: Optional[Tensor] = None

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

    @property
    def own_weight(self) -> Tensor:
        """Weight of the target's own label, ``(N,)``."""
        if self.own_lam is not None:
            return self.own_lam
        return 1 - self.lam.view(len(self.lam), -1).sum(1)

    @property
    def source_share(self) -> Tensor:
        """Share of the source's weight in that of both labels, ``(N,)``:
        lambda, unless the target has a weight of its own; NaN where neither
        has any weight."""
        if self.own_lam is None:
            return self.lam
        return self.lam / (self.lam + self.own_lam)

    def mask_on(self, grid: Sequence[int]) -> Tensor:
        """The mask averaged onto another grid, ``(N, *grid)``, or ``(N, S,
        *grid)`` with several sources."""
        if self.target_boxes is not None:
            return self._coverage(self.target_boxes, grid)
        return resize_mask(self.mask, grid)

    def source_mask(self, grid: Sequence[int]) -> Tensor:
        """Where the pasted region was taken from, in the source's own image,
        as a share of each cell ``(N, *grid)``. Without boxes and moves a
        region stays in its place."""
        if self.moves is not None:
            return self._moved_back(self.moves[:, 1], grid)
        if self.source_boxes is None:
            return self.mask_on(grid)
        return self._coverage(self.source_boxes, grid)

    def hidden_mask(self, grid: Sequence[int]) -> Tensor:
        """What of the target can no longer be seen, in its own image, as a
        share of each cell ``(N, *grid)``: without moves, what the source
        covers."""
        if self.moves is not None:
            return self._moved_back(self.moves[:, 0], grid)
        return self.mask_on(grid)

    def _moved_back(self, cells: Tensor, grid: Sequence[int]) -> Tensor:
        """The mask at each place, taken to the cell that is there."""
        values = self.mask_on(cells.shape[1:])
        return resize_mask(
            torch.zeros_like(values).flatten(1).scatter(
                1, cells.flatten(1), values.flatten(1)).view_as(values), grid)

    def _coverage(self, boxes: Tensor, grid: Sequence[int]) -> Tensor:
        return box_coverage(boxes, self.inputs.shape[-2:], grid)

    def blend(self, values: Tensor) -> Tensor:
        """What the mixed images have of values ``(N, K)`` of the unmixed
        images, see :func:`mmmix.functional.blend`."""
        return blend(values, self.source, self.lam, self.own_lam)

    def mixed_maps(self, maps: Tensor) -> Tensor:
        """What each place of the mixed images has of maps of the unmixed
        images: blended by the mask, which is averaged onto their grid; what
        was pasted or moved elsewhere takes its part of the map along. Where
        cells moved, maps are averaged over the cells.

        Args:
            maps (Tensor): ``(N, K, h, w)`` of the unmixed images.

        Returns:
            Tensor: ``(N, K, h, w)``.
        """
        if self.moves is not None:
            return self._moved_maps(maps, self.moves)
        mask = self.mask_on(maps.shape[-2:])
        pasted = maps[self.source]
        if self.source_boxes is not None and self.target_boxes is not None:
            pasted = move_boxes(pasted, self.source_boxes, self.target_boxes,
                                self.inputs.shape[-2:])
        return blend_maps(maps, pasted, mask)

    def _moved_maps(self, maps: Tensor, moves: Tensor) -> Tensor:
        n, channels, *grid = maps.shape
        cells = moves.shape[2:]
        maps = resize_mask(maps.flatten(0, 1), cells).view(n, channels, -1)
        places = moves.flatten(2)[:, :, None]
        target, source = places.expand(-1, -1, channels, -1).unbind(1)
        mixed = blend_maps(
            maps.gather(2, target).unflatten(2, cells),
            maps[self.source].gather(2, source).unflatten(2, cells),
            self.mask_on(cells))
        return resize_mask(mixed.flatten(0, 1), grid).view(n, channels, *grid)

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
