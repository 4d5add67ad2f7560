from math import prod

import torch.nn.functional as F
from mmpretrain.models.backbones import SwinTransformer, SwinTransformerV2
from mmpretrain.models.utils import ShiftWindowMSA

from mmmix.errors import MmmixError
from mmmix.registry import ATTENTION_EXTRACTORS

from .base import AttentionExtractor
from .patches import patch_grid


@ATTENTION_EXTRACTORS.register_module()
class SwinAttention(AttentionExtractor):
    """Swin and Swin V2: the image attention score of the last block.

    SMMix, Eq. 5-6, put back on the grid from the windows, which the last
    block has shifted where the map is larger than one window. A place is
    attended to from its own window alone; the mean runs over all places, as
    if the attention from elsewhere were zero. Where windows reach beyond the
    map, what is beyond is no place: it neither attends nor is attended to,
    but keeps its share of the softmax.

    The weights are those of the block itself, so relative positions and the
    mask of shifted windows are in them.
    """

    @classmethod
    def supports(cls, backbone):
        return isinstance(
            backbone, (SwinTransformer, SwinTransformerV2)) and isinstance(
                backbone.stages[-1].blocks[-1].attn, ShiftWindowMSA)

    @property
    def windows(self) -> ShiftWindowMSA:
        """The last attention within windows."""
        return self.backbone.stages[-1].blocks[-1].attn

    @property
    def patch(self):
        return tuple(self.backbone.patch_embed.projection.stride)

    @property
    def image_size(self):
        return tuple(self.backbone.patch_embed.init_input_size)

    def grid(self, image_size):
        merges = [
            stage.downsample.sampler.stride for stage in self.backbone.stages
            if stage.downsample is not None
        ]
        cell = [prod(strides) for strides in zip(self.patch, *merges)]
        grid = patch_grid(image_size, cell)
        window = self.windows.window_size
        if min(grid) < window and not self.windows.pad_small_map:
            raise MmmixError(
                f'Images of {image_size[0]} x {image_size[1]} pixels end in a '
                f'map of {grid[0]} x {grid[1]}, smaller than the window of '
                f'{window}: take larger images, a smaller `window_size`, or '
                'pad_small_map=True.')
        return grid

    def hooked_modules(self):
        return dict(weights=self.windows.w_msa.softmax)

    def bottom_up(self, outputs, features, image_size):
        windows = self.windows
        height, width = self.grid(image_size)
        size, shift = windows.window_size, windows.shift_size
        if min(height, width) == size and not windows.pad_small_map:
            shift = 0
        # (1, H, W, 1): one where there is a place, zero beyond the map
        places = outputs['weights'].new_ones(1, height, width, 1).float()
        places = F.pad(places, (0, 0, 0, -width % size, 0, -height % size))
        padded = places.shape[1:3]
        places = windows.window_partition(
            places.roll((-shift, -shift), (1, 2)), size)

        # windows (N, windows, queries, keys), averaged over the heads
        weights = outputs['weights'].float().mean(1)
        weights = weights.unflatten(0, (-1, len(places)))
        received = (weights * places.flatten(1)[..., None]).sum(2)
        score = windows.window_reverse(
            received.reshape(-1, size, size, 1), *padded, size)
        score = score.roll((shift, shift), (1, 2))
        return score[:, :height, :width, 0] / (height * width)

    def patch_tokens(self, features, image_size):
        return features[-1]
