"""Learned positions in a checkpoint, resized to the model that takes them."""
import math
from typing import Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

import torch.nn.functional as F
from mmpretrain.models.backbones import SwinTransformer, VisionTransformer
from mmpretrain.models.utils import WindowMSA, resize_pos_embed
from torch import Tensor, nn

from mmmix.errors import MmmixError

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
        # FSDP wraps modules, but not the names of their weights
        name = f'{name}.'.replace('_fsdp_wrapped_module.', '').lstrip('.')
        if isinstance(module, VisionTransformer):
            yield Positions(f'{name}pos_embed', module.patch_resolution,
                            module.patch_embed.init_input_size,
                            module.interpolate_mode, module.num_extra_tokens)
        elif hasattr(module, 'position_grids'):
            for own, grid in module.position_grids():
                yield Positions(f'{name}{own}', grid, module.img_size,
                                'bilinear')
        elif (isinstance(module, SwinTransformer)
              and module.use_abs_pos_embed):
            yield Positions(f'{name}absolute_pos_embed',
                            module.patch_resolution,
                            module.patch_embed.init_input_size,
                            module.interpolate_mode)


def resize_positions(model: nn.Module,
                     state: Dict[str, Tensor],
                     img_size: Optional[Size] = None,
                     saved_size: Optional[Size] = None) -> Dict[str, Tensor]:
    """Resize the positions in a state dict that are for another grid.

    Position embeddings are resized as the model itself resizes them for
    another image, and extra tokens are kept; the relative positions of Swin's
    windows are resized by :func:`resize_relative_positions` (MMPretrain's own
    way needs a function that SciPy removed in 1.14). Positions with another
    number of channels or heads belong to another model and are left alone.

    Args:
        model (nn.Module): The model that will load them.
        state (dict[str, Tensor]): The weights of the checkpoint, under the
            names of the model.
        img_size (tuple[int, int], optional): Height and width of the images
            that the checkpoint was trained on. Defaults to None:
            ``saved_size``.
        saved_size (tuple[int, int], optional): The same, as the config in the
            checkpoint says. Defaults to None, or where it cannot be: a grid
            with as many places as the model's is the model's own, any other
            is square.

    Returns:
        dict[str, Tensor]: The resized positions alone.

    Raises:
        MmmixError: If a grid is not known.
    """
    wanted = model.state_dict()
    return {
        **_resize_grids(model, wanted, state, img_size, saved_size),
        **_resize_windows(model, wanted, state)
    }


def resize_relative_positions(table: Tensor, source: Sequence[int],
                              window: Sequence[int]) -> Tensor:
    """Resize the relative position biases of a window to another window.

    A window of ``h`` x ``w`` places has ``2h - 1`` x ``2w - 1`` offsets.
    They are resized like an image, bicubic, as Swin's public code does when
    it fine-tunes with another window; offset zero stays where it is.

    Args:
        table (Tensor): ``(offsets, heads)``, the offsets row by row.
        source (Sequence[int]): Height and width of the window of the table.
        window (Sequence[int]): Height and width of the new window.

    Returns:
        Tensor: ``(offsets of the new window, heads)`` in the dtype of
        ``table``.

    Raises:
        MmmixError: If the table is not that of a ``source`` window.
    """
    rows, columns = (2 * side - 1 for side in source)
    if table.ndim != 2 or len(table) != rows * columns:
        raise MmmixError(
            f'A window of {source[0]} x {source[1]} has {rows} x {columns} '
            f'offsets, but the table is of shape {tuple(table.shape)}.')
    if tuple(source) == tuple(window):
        return table
    image = table.T.reshape(1, -1, rows, columns).float()
    image = F.interpolate(
        image,
        size=[2 * side - 1 for side in window],
        mode='bicubic',
        align_corners=False)
    return image.flatten(2)[0].T.to(table.dtype)


def _resize_grids(model: nn.Module, wanted: Dict[str, Tensor],
                  state: Dict[str, Tensor], img_size: Optional[Size],
                  saved_size: Optional[Size]) -> Dict[str, Tensor]:
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
        grid = _source_grid(positions, old, wanted[name], img_size, saved_size)
        new = resize_pos_embed(old, grid, positions.grid, positions.mode,
                               positions.extra)
        if new is not state[name]:
            resized[name] = new
    return resized


def _resize_windows(model: nn.Module, wanted: Dict[str, Tensor],
                    state: Dict[str, Tensor]) -> Dict[str, Tensor]:
    resized = {}
    for prefix, module in model.named_modules():
        prefix = prefix.replace('_fsdp_wrapped_module.', '')
        name = f'{prefix}.relative_position_bias_table'
        if not isinstance(module, WindowMSA) or name not in state:
            continue
        old, new = state[name], wanted[name]
        side = (math.isqrt(len(old)) + 1) // 2
        if (old.shape != new.shape and old.shape[1:] == new.shape[1:]
                and (2 * side - 1)**2 == len(old)):
            resized[name] = resize_relative_positions(old, (side, side),
                                                      module.window_size)
    return resized


def _source_grid(positions: Positions, old: Tensor, new: Tensor,
                 img_size: Optional[Size], saved_size: Optional[Size]) -> Size:
    count = old.shape[1] - positions.extra
    for size in filter(None, (img_size, saved_size)):
        height, width = (side * places // pixels
                         for side, places, pixels in zip(
                             size, positions.grid, positions.img_size))
        if height * width == count:
            return height, width
        if size is img_size:
            raise MmmixError(
                f'{positions.name} has {count} places in the checkpoint, but '
                f'images of {size[0]} x {size[1]} pixels make {height} x '
                f'{width}: correct `init_cfg.img_size`.')
    if old.shape == new.shape:
        return positions.grid
    side = math.isqrt(max(count, 0))
    if side * side != count:
        raise MmmixError(
            f'{positions.name} has {count} places in the checkpoint, which '
            'is not a square grid: give the height and width of the images '
            'that it was trained on as `init_cfg.img_size`.')
    return side, side
