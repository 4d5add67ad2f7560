"""The output of one layer of a backbone, as a map."""
from contextlib import contextmanager
from difflib import get_close_matches
from math import gcd, isqrt
from typing import Any, Iterator, List, Sequence, Tuple

from torch import Tensor, nn

from mmmix.errors import MmmixError
from ..attention import find_extractor


def find_layer(backbone: nn.Module, name: str) -> nn.Module:
    """A layer of a backbone by its path, such as 'layer3'.

    Raises:
        MmmixError: If there is none; the message lists close names.

    >>> from mmpretrain.models import ResNet
    >>> len(find_layer(ResNet(18), 'layer3'))
    2
    """
    layers = dict(backbone.named_modules())
    if name and name in layers:
        return layers[name]
    close = get_close_matches(name, layers, 6, 0.5)
    names = close or [child for child, _ in backbone.named_children()]
    raise MmmixError(
        f'The backbone {type(backbone).__name__} has no module {name!r}; '
        f'{"similar names are" if close else "it has"} {", ".join(names)}.')


@contextmanager
def first_output(layer: nn.Module) -> Iterator[List[Any]]:
    """Record what a layer returns when it is first called; of a tuple the
    first item."""
    outputs: List[Any] = []

    def record(module: nn.Module, args: tuple, output: Any) -> None:
        if not outputs:
            # what follows may change it in place, as a ReLU does
            outputs.append(_first(output).clone())

    handle = layer.register_forward_hook(record)
    try:
        yield outputs
    finally:
        handle.remove()


def as_map(output: Any, backbone: nn.Module,
           image_size: Sequence[int]) -> Tensor:
    """The output of a layer as a map.

    Args:
        output (Tensor | tuple): A map ``(N, C, h, w)``, or tokens ``(N, extra
            + h * w, C)`` in row-major order after the extra ones, such as a
            class token. Of a tuple the first item counts.
        backbone (nn.Module): The backbone that the layer belongs to.
        image_size (Sequence[int]): Height and width of the images.

    Returns:
        Tensor: ``(N, C, h, w)``. The grid of tokens is that of the backbone's
        attention extractor, or, of a layer on another grid, one of square
        cells.

    Raises:
        MmmixError: If the output is neither, or no grid fits the tokens.

    >>> import torch
    >>> from mmpretrain.models import VisionTransformer
    >>> backbone = VisionTransformer('deit-tiny')
    >>> as_map(torch.rand(2, 1 + 12, 8), backbone, (64, 48)).shape
    torch.Size([2, 8, 4, 3])
    """
    output = _first(output)
    if output.ndim == 4:
        return output
    if output.ndim == 3:
        extra = {0, 1, getattr(backbone, 'num_extra_tokens', 0)}
        for rows, columns in _grids(backbone, image_size, output.size(1)):
            first = output.size(1) - rows * columns
            if first in extra:
                tokens = output[:, first:].transpose(1, 2)
                return tokens.unflatten(2, (rows, columns))
    raise MmmixError(
        f'The output {tuple(output.shape)} of a layer is no feature map of '
        'images of {} x {} pixels: choose a `feature_layer` of the guide with '
        'maps (N, C, h, w), or with tokens (N, L, C) of a known grid.'.format(
            *image_size))


def _first(output: Any) -> Tensor:
    while isinstance(output, (list, tuple)):
        output = output[0]
    return output


def _grids(backbone: nn.Module, image_size: Sequence[int],
           count: int) -> Iterator[Tuple[int, int]]:
    """Grids that so many tokens, a few of them extra ones, may form."""
    try:
        yield find_extractor(backbone).grid(image_size)
    except MmmixError:
        pass  # a family without one, or not of these images
    side = gcd(*image_size)
    rows, columns = (length // side for length in image_size)
    finer = isqrt(count // (rows * columns))
    if finer:
        yield rows * finer, columns * finer
