"""Learned positions in a checkpoint, resized to the model that takes them."""
import math
from typing import Dict, Iterator, NamedTuple, Optional, Tuple

from mmpretrain.models.backbones import SwinTransformer, VisionTransformer
from mmpretrain.models.utils import WindowMSA, resize_pos_embed
from torch import Tensor, nn

from mmmix.checkpoint.relative_positions import resize_relative_positions
from mmmix.errors import MmmixError
from mmmix.models.backbones import PyramidVisionTransformer

Size = Tuple[int, int]


class Positions(NamedTuple):
    """Where a model keeps the positions of a grid.

    Args:
        name (str): Of the parameter ``(1, extra + h * w, C)``.
        grid (tuple[int, int]): ``h`` and ``w``.
        img_size (tuple[int, int]): Height and width of its images in pixels.
        mode (str): How the model itself interpolates them.
        extra (int): How many tokens, such as the class token, come first.
    """
    name: str
    grid: Size
    img_size: Size
    mode: str
    extra: int = 0


def find_positions(model: nn.Module) -> Iterator[Positions]:
    """All grids of positions in a model: those of ViT, PVT and Swin."""
    for name, module in model.named_modules():
        name = f'{name}.' if name else ''
        if isinstance(module, VisionTransformer):
            yield Positions(f'{name}pos_embed', module.patch_resolution,
                            module.patch_embed.init_input_size,
                            module.interpolate_mode, module.num_extra_tokens)
        elif isinstance(module, PyramidVisionTransformer):
            for i, (_, blocks) in enumerate(module.layers):
                yield Positions(f'{name}layers.{i}.1.0.pos_embed',
                                blocks[0].grid, module.img_size, 'bilinear')
        elif (isinstance(module, SwinTransformer)
              and module.use_abs_pos_embed):
            yield Positions(f'{name}absolute_pos_embed',
                            module.patch_resolution,
                            module.patch_embed.init_input_size,
                            module.interpolate_mode)


def resize_positions(model: nn.Module,
                     state: Dict[str, Tensor],
                     img_size: Optional[Size] = None,
                     hint: Optional[Size] = None) -> Dict[str, Tensor]:
    """The positions in a state dict that are for another grid, resized.

    Position embeddings are resized as the model itself resizes them to
    another image, extra tokens kept; the relative positions of Swin's windows
    by :func:`mmmix.functional.resize_relative_positions` (MMPretrain's own
    way needs a function that SciPy removed in 1.14). Those whose number of
    channels or heads differs are left alone: they are of another model.

    Args:
        model (nn.Module): The model that shall take them.
        state (dict[str, Tensor]): What is in the checkpoint, under the names
            of the model.
        img_size (tuple[int, int], optional): Height and width of the images
            that the checkpoint was trained on.
        hint (tuple[int, int], optional): The same from a less certain source,
            to be used where it fits. Without either a grid is square, or, if
            it has as many places as the model's, the model's own.

    Returns:
        dict[str, Tensor]: The resized ones alone.

    Raises:
        ValueError: If a grid is not known.
    """
    return {
        **_resize_grids(model, state, img_size, hint),
        **_resize_windows(model, state)
    }


def _resize_grids(model: nn.Module, state: Dict[str, Tensor],
                  img_size: Optional[Size],
                  hint: Optional[Size]) -> Dict[str, Tensor]:
    wanted = model.state_dict()
    resized = {}
    for positions in find_positions(model):
        name = positions.name
        if (name not in state or name not in wanted
                or state[name].shape[::2] != wanted[name].shape[::2]):
            continue
        old = state[name]
        with_token = name.replace('pos_embed', 'cls_token') in state
        if positions.extra and not with_token:
            continue
        if with_token and not positions.extra:
            # the model has no class token: its position goes with it
            old = old[:, 1:]
        grid = _source_grid(positions, old, wanted[name], img_size, hint)
        new = resize_pos_embed(old, grid, positions.grid, positions.mode,
                               positions.extra)
        if new is not state[name]:
            resized[name] = new
    return resized


def _resize_windows(model: nn.Module,
                    state: Dict[str, Tensor]) -> Dict[str, Tensor]:
    resized = {}
    for prefix, module in model.named_modules():
        name = f'{prefix}.relative_position_bias_table'
        if not isinstance(module, WindowMSA) or name not in state:
            continue
        old, new = state[name], module.relative_position_bias_table
        side = (math.isqrt(len(old)) + 1) // 2
        if (old.shape != new.shape and old.shape[1:] == new.shape[1:]
                and (2 * side - 1)**2 == len(old)):
            resized[name] = resize_relative_positions(old, (side, side),
                                                      module.window_size)
    return resized


def _source_grid(positions: Positions, old: Tensor, new: Tensor,
                 img_size: Optional[Size], hint: Optional[Size]) -> Size:
    count = old.shape[1] - positions.extra
    for size in (img_size, hint):
        if size is None:
            continue
        grid = tuple(side * places // pixels for side, places, pixels in zip(
            size, positions.grid, positions.img_size))
        if grid[0] * grid[1] == count:
            return grid
        if size is img_size:
            raise MmmixError(
                f'{positions.name} has {count} places in the checkpoint, but '
                f'images of {size[0]} x {size[1]} pixels make {grid[0]} x '
                f'{grid[1]}: correct `init_cfg.img_size`.')
    if old.shape == new.shape:
        return positions.grid
    side = math.isqrt(max(count, 0))
    if side * side != count:
        raise MmmixError(
            f'{positions.name} has {count} places in the checkpoint, which '
            'is no square grid: give the height and width of the images that '
            'it was trained on as `init_cfg.img_size`.')
    return side, side
