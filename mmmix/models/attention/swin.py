from math import prod
from typing import Dict, Sequence, Tuple

import torch.nn.functional as F
from mmpretrain.models.backbones import SwinTransformer, SwinTransformerV2
from mmpretrain.models.utils import ShiftWindowMSA
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.registry import ATTENTION_EXTRACTORS
from .base import AttentionExtractor, Outputs, patch_grid


@ATTENTION_EXTRACTORS.register_module()
class SwinAttention(AttentionExtractor):
    """Swin and Swin V2: the image attention score of the last block.

    SMMix, Eq. 5-6, mapped from the windows back to the grid; the last block
    shifts the windows if the map is larger than one window. A location is
    attended to only from within its own window; the mean runs over all
    locations, as if the attention from outside the window were zero. Where
    windows extend beyond the map, the padding is not counted as a location:
    it neither attends nor is attended to, but keeps its share of the softmax.

    The attention weights are those of the block itself, so they include the
    relative position bias and the mask of shifted windows.
    """

    @classmethod
    def supports(cls, backbone: nn.Module) -> bool:
        return isinstance(
            backbone, (SwinTransformer, SwinTransformerV2)) and isinstance(
                backbone.stages[-1].blocks[-1].attn, ShiftWindowMSA)

    @property
    def windows(self) -> ShiftWindowMSA:
        """The last window attention."""
        return self.backbone.stages[-1].blocks[-1].attn

    @property
    def patch(self):
        return tuple(self.backbone.patch_embed.projection.stride)

    @property
    def image_size(self):
        return tuple(self.backbone.patch_embed.init_input_size)

    def grid(self, image_size: Sequence[int]) -> Tuple[int, int]:
        merges = [
            stage.downsample.sampler.stride for stage in self.backbone.stages
            if stage.downsample is not None
        ]
        cell = [prod(strides) for strides in zip(self.patch, *merges)]
        grid = patch_grid(image_size, cell)
        window = self.windows.window_size
        if min(grid) < window and not self.windows.pad_small_map:
            raise MmmixError(
                f'Images of {image_size[0]} x {image_size[1]} pixels give a '
                f'map of {grid[0]} x {grid[1]}, smaller than the window of '
                f'{window}: use larger images, a smaller `window_size`, or '
                'pad_small_map=True.')
        return grid

    def hooked_modules(self) -> Dict[str, nn.Module]:
        return dict(weights=self.windows.w_msa.softmax)

    def bottom_up(self, outputs: Outputs, features: Tuple,
                  image_size: Sequence[int]) -> Tensor:
        windows = self.windows
        height, width = self.grid(image_size)
        size, shift = windows.window_size, windows.shift_size
        if min(height, width) == size and not windows.pad_small_map:
            shift = 0
        # (1, H, W, 1): one inside the map, zero in the padding
        inside = outputs['weights'].new_ones(1, height, width, 1).float()
        inside = F.pad(inside, (0, 0, 0, -width % size, 0, -height % size))
        padded = inside.shape[1:3]
        inside = windows.window_partition(
            inside.roll((-shift, -shift), (1, 2)), size)

        # (N, windows, queries, keys), averaged over the heads
        weights = outputs['weights'].float().mean(1)
        weights = weights.unflatten(0, (-1, len(inside)))
        received = (weights * inside.flatten(1)[..., None]).sum(2)
        score = windows.window_reverse(
            received.reshape(-1, size, size, 1), *padded, size)
        score = score.roll((shift, shift), (1, 2))
        return score[:, :height, :width, 0] / (height * width)

    def patch_tokens(self, features: Tuple,
                     image_size: Sequence[int]) -> Tensor:
        return features[-1]
