"""Modules of a network whose outputs are mixed instead of the images."""
from dataclasses import replace
from functools import partial
from math import isqrt
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.private import (differentiated_node, next_node,
                           notice_hooks_when_compiling)
from mmmix.structures import MixedBatch
from .attention import declared_size, find_extractor
from .eval_mode import evaluating, no_autocast_cache
from .guides.features import find_layer

# rows and columns of a module's output, None if it has none that are known
Grid = Optional[Tuple[int, int]]
TRIAL = (64, 64)  # pixels, for a backbone that takes images of any size


class Nodes(NamedTuple):
    """Those that autograd recorded in a pass: the number of the first one,
    and of the first one after it."""
    start: int
    stop: int


class Sites:
    """Modules of a backbone whose outputs can be mixed instead of the images.

    Each has one forward hook, made before anything is compiled. It mixes
    inside the context :meth:`mixing` alone, and in a backward pass where
    gradient checkpointing runs again what ran in that context.

    >>> from mmpretrain.models import ResNet
    >>> backbone, sites = ResNet(18), Sites()
    >>> sites.add(backbone, ['layer1', 'layer2'])
    >>> sites.grids(backbone, torch.rand(2, 3, 64, 96))
    {'layer1': (16, 24), 'layer2': (8, 12)}
    """

    def __init__(self) -> None:
        self._names: List[str] = []
        self._grids: Dict[Tuple[int, ...], Dict[str, Grid]] = {}
        self._outputs: Optional[Dict[str, List[Any]]] = None
        self._mixed: Optional[MixedBatch] = None
        self._last: Optional[MixedBatch] = None  # and its pass
        self._mixed_pass = self._unmixed_pass = Nodes(0, 0)

    def add(self, backbone: nn.Module, names: Sequence[str]) -> None:
        """Add modules that are not among the sites.

        Args:
            backbone (nn.Module): Holds the modules.
            names (Sequence[str]): Their paths in it, such as 'stages.0'.

        Raises:
            MmmixError: If a name is that of no module.
        """
        for name in names:
            if name in self._names:
                continue
            module = find_layer(backbone, name)
            notice_hooks_when_compiling()
            module.register_forward_hook(partial(self._hook, name))
            self._names.append(name)
            self._grids.clear()

    def check(self, backbone: nn.Module) -> Dict[str, Grid]:
        """Check the sites when a model is built.

        The backbone sees one blank image of the size that it declares, or of
        64 x 64 pixels. If it takes none of that size, the sites are checked by
        the first batch.

        Args:
            backbone (nn.Module): The one that holds the sites.

        Returns:
            dict: See :meth:`grids`; empty if nothing could be checked.

        Raises:
            MmmixError: See :meth:`grids`.
        """
        size = declared_size(backbone) or TRIAL
        try:
            like = next(backbone.parameters())
            outputs = self._run(backbone, like.new_zeros(1, 3, *size))
        except Exception:
            return {}
        return self._grids_of(backbone, outputs, size)

    def grids(self, backbone: nn.Module, images: Tensor) -> Dict[str, Grid]:
        """Rows and columns of each site's output for images of this size.

        They are known from a pass of one image, in eval mode and without
        gradient, that is made once for each size.

        Args:
            backbone (nn.Module): The one that holds the sites.
            images (Tensor): ``(N, C, H, W)``.

        Returns:
            dict[str, tuple[int, int] | None]: By the names of the sites; None
            for an output that has no places, or places that are not known.

        Raises:
            MmmixError: If a module is not called once in a pass, or its
                output is not a tensor with a row for each image, or a tuple
                of such a tensor and its height and width.
        """
        size = tuple(images.shape[-2:])
        if size not in self._grids:
            outputs = self._run(backbone, images[:1])
            self._grids[size] = self._grids_of(backbone, outputs, size)
        return self._grids[size]

    @torch.no_grad()
    def _run(self, backbone: nn.Module, image: Tensor) -> Dict[str, List[Any]]:
        """All outputs of each site in a pass that leaves no trace."""
        outputs: Dict[str, List[Any]] = {name: [] for name in self._names}
        self._outputs = outputs
        try:
            with evaluating(backbone), no_autocast_cache():
                backbone(image)
        finally:
            self._outputs = None
        return outputs

    def _grids_of(self, backbone: nn.Module, outputs: Dict[str, List[Any]],
                  size: Sequence[int]) -> Dict[str, Grid]:
        for name, of_site in outputs.items():
            if len(of_site) != 1:
                raise _not_called_once(name, len(of_site))
            values = _values(of_site[0])
            if values is None or values.ndim < 2 or len(values) != 1:
                raise _not_mixable(name, of_site[0])
        return {
            name: _grid(output, size, backbone)
            for name, (output, ) in outputs.items()
        }

    def mixing(self, mixed: MixedBatch) -> 'Sites':
        """A context in which one pass of the backbone is mixed at the batch's
        site; one that has no site is not.

        Args:
            mixed (MixedBatch): The batch whose ``inputs`` the backbone sees.

        Raises:
            MmmixError: If the batch's site was not added.
        """
        if mixed.site is not None and mixed.site not in self._names:
            raise MmmixError(f'The batch is to be mixed at {mixed.site!r}, '
                             'which is not among the sites of this model '
                             f'({", ".join(self._names) or "it has none"}).')
        self._mixed = None if mixed.site is None else mixed
        return self

    def __enter__(self) -> None:
        if self._mixed is not None:
            self._begin(self._mixed)

    def __exit__(self, *exception) -> None:
        if self._mixed is not None:
            self._end()
        self._mixed = None

    # autograd numbers nodes when they are recorded, not when code is traced
    @torch.compiler.disable
    def _begin(self, mixed: MixedBatch) -> None:
        # what is not needed would stay on the device, its graph included, with
        # which the model could not be copied
        mixed = replace(
            mixed,
            inputs=mixed.inputs.new_empty(0),
            originals=None,
            unmixed_logits=None,
            generator_loss=None,
            rng=None)
        self._last = mixed
        self._mixed_pass = Nodes(next_node(), 0)

    @torch.compiler.disable
    def _end(self) -> None:
        self._mixed_pass = self._mixed_pass._replace(stop=next_node())

    @torch.compiler.disable
    def begin_unmixed(self) -> None:
        """Say that a pass begins which is not mixed, before the mixed one in
        the same step, to be differentiated in the same backward pass."""
        self._unmixed_pass = Nodes(next_node(), 0)

    @torch.compiler.disable
    def end_unmixed(self) -> None:
        """Say that the pass which is not mixed has ended."""
        self._unmixed_pass = self._unmixed_pass._replace(stop=next_node())

    def _hook(self, name: str, module: nn.Module, args: Tuple,
              output: Any) -> Any:
        if self._outputs is not None:
            self._outputs[name].append(output)
        mixed = self._mixed
        if mixed is None and self._last is not None:
            mixed = self._run_again()
        if mixed is None or mixed.site != name:
            return output
        if isinstance(output, Tensor):
            return mixed.paste(output)
        return (mixed.paste(output[0]), *output[1:])

    @torch.compiler.disable
    def _run_again(self) -> Optional[MixedBatch]:
        """The batch of the last mixed pass, if the backward pass is at a node
        of it and a module therefore runs again, otherwise None."""
        node = differentiated_node()
        if node is None or node >= self._mixed_pass.stop:
            return None
        start, stop = self._unmixed_pass
        if start <= node < stop:
            return None
        if node < self._mixed_pass.start or not torch.is_grad_enabled():
            raise MmmixError(
                f'Gradient checkpointing runs {self._last.site!r} again, in a '
                'backward pass over several mixed passes or within another '
                'part that runs again, where it is not known what to mix: '
                'choose a site outside of the checkpointed modules.')
        return self._last


def _values(output: Any) -> Optional[Tensor]:
    """The floating-point tensor of an output that is one, or a tuple of one
    and of numbers such as its height and width."""
    first, *rest = output if isinstance(output, (tuple, list)) else [output]
    is_mixable = isinstance(first, Tensor) and first.is_floating_point()
    return first if is_mixable and all(map(_is_size, rest)) else None


def _is_size(item: Any) -> bool:
    if isinstance(item, (tuple, list)):
        return all(map(_is_size, item))
    return item is None or isinstance(item, int)


def _grid(output: Any, size: Sequence[int], backbone: nn.Module) -> Grid:
    """Rows and columns of a module's output for images of a size in pixels."""
    values = _values(output)
    if values.ndim == 4:
        grid = tuple(values.shape[2:])
        return grid if _has_proportions(grid, size) else None
    if values.ndim != 3:
        return None
    count = values.size(1)
    for item in output if isinstance(output, (tuple, list)) else ():
        if isinstance(item, (tuple, list)) and len(item) == 2 \
                and item[0] * item[1] == count:
            return tuple(item)
    return _token_grid(count, size, backbone)


def _has_proportions(grid: Tuple[int, int], size: Sequence[int]) -> bool:
    """Whether cells are about as high as wide. Those of an output whose
    channels come last are not, unless there are as many channels."""
    height, width = (side / cells for side, cells in zip(size, grid))
    if 1 / 1.1 < height / width < 1.1:
        return True
    # or a row or column more or less makes them so
    low, high = ([side / (cells + more) for side, cells in zip(size, grid)]
                 for more in (1, -0.999))
    return max(low) < min(high)


def _token_grid(count: int, size: Sequence[int], backbone: nn.Module) -> Grid:
    """Rows and columns of so many tokens: the grid of the backbone's patches,
    perhaps after tokens without a place, or one of the image's proportions."""
    try:
        extractor = find_extractor(backbone)
        rows, columns = extractor.grid(size)
        extra = getattr(extractor, 'num_extra_tokens', 0)
        if count in (rows * columns, rows * columns + extra):
            return rows, columns
    except MmmixError:
        pass  # no known family, or not of this size
    rows = isqrt(count * size[0] // size[1])
    columns = count // rows if rows else 0
    if rows * columns == count and rows * size[1] == columns * size[0]:
        return rows, columns
    return None


def _not_called_once(name: str, calls: int) -> MmmixError:
    parent = name.rpartition('.')[0]
    instead = f'{parent!r}, which contains it' if parent else 'another module'
    if not calls:
        return MmmixError(
            f'The module {name!r} is not called in a pass of the backbone, so '
            'that its output cannot be mixed (it is unused, or used without '
            f'being called): choose {instead}.')
    return MmmixError(
        f'The module {name!r} is called {calls} times in a pass of the '
        'backbone and would mix as often: choose a module that is called '
        f'once, such as {instead}.')


def _not_mixable(name: str, output: Any) -> MmmixError:
    kind = f'a {type(output).__name__}'
    if isinstance(output, Tensor):
        kind = f'{output.dtype} of shape {tuple(output.shape)} for one image'
    elif isinstance(output, (tuple, list)):
        kind += f' of {", ".join(type(item).__name__ for item in output)}'
    return MmmixError(
        f'The output of {name!r} cannot be mixed: it is {kind}, not features '
        '(N, ...) of N images, or a tuple of such features and their height '
        'and width. Choose another module.')
