"""Mixed images beside what they were made of."""
from dataclasses import dataclass
from typing import List, Optional, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from mmmix.structures import MixedBatch

# colour-blind safe: whatever belongs to the one image or to the other
SOURCE, TARGET = '#d55e00', '#0072b2'
MASK = LinearSegmentedColormap.from_list('mask', [TARGET, SOURCE])
CELL = 1.7  # inches: the shorter side of an image and what surrounds it


@dataclass
class MixedPairs:
    """The same pairs of images, mixed by one or several mixers.

    Attributes:
        images (Tensor): Unmixed images ``(N, 3, H, W)`` in [0, 1], RGB.
        labels (List[str]): The class name of each.
        attention (Tensor, optional): The maps ``(N, h, w)`` of the unmixed
            images by the guide of the first mixer that is guided, or else of
            the first; None where its backbone yields none.
        mixes (List[MixedBatch]): What each mixer made of them; ``inputs`` are
            mixed images in [0, 1], too, also of one with a ``site``, and
            ``source`` is the same for all.
        guided (List[bool]): Whether the mixer was guided by the attention.
    """

    images: Tensor
    labels: List[str]
    attention: Optional[Tensor]
    mixes: List[MixedBatch]
    guided: List[bool]


def draw_pairs(pairs: MixedPairs, masks: bool = True) -> Figure:
    """Draw mixed images beside what they were made of, a row for each pair.

    The columns are the source (the image pasted in), the target, the
    attention in both, and, for each mixer, the mixed image over its label,
    and the mask: how much of each place belongs to the source. Frames in the
    attention show the regions of a guided mixer. Where a network mixes inside,
    the title says so: no such image is shown to it.

    Args:
        pairs (MixedPairs): What is drawn.
        masks (bool): Whether there are columns of masks. Defaults to True.
    """
    titles = ['source', 'target']
    if pairs.attention is not None:
        titles += ['source attention', 'target attention']
    columns = [1.] * len(titles)
    columns += ([1., .6] if masks else [1.]) * len(pairs.mixes)
    axes = draw_grid(pairs.images[0], len(pairs.images), columns, CELL)
    for mixed in pairs.mixes:
        title = mixed.mixer
        if mixed.site is not None:
            title += f'\ninside, after {mixed.site}'
        titles += [title, 'mask'] if masks else [title]
    for axis, title in zip(axes[0], titles):
        axis.set_title(
            title,
            fontsize=9.5,
            fontweight='bold',
            color=dict(source=SOURCE,
                       target=TARGET).get(title.split()[0], 'black'))
    for i, row in enumerate(axes):
        _draw_pair(pairs, i, list(row), masks)
    return axes[0, 0].figure


def draw_grid(image: Tensor, rows: int, columns: Sequence[float],
              cell: float) -> np.ndarray:
    """The empty cells ``(rows, columns)`` of a picture of images that are as
    large as one is, for columns of some widths and images so many inches
    high."""
    height, width = (
        cell * side / min(image.shape[1:]) for side in image.shape[1:])
    figure = Figure((width * sum(columns), height * rows), layout='compressed')
    axes = figure.subplots(
        rows, len(columns), squeeze=False, width_ratios=columns)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return axes


def _draw_pair(pairs: MixedPairs, target: int, row: list, masks: bool) -> None:
    source = int(pairs.mixes[0].source[target])
    both = ((source, SOURCE), (target, TARGET))
    for image, colour in both:
        axis = row.pop(0)
        axis.imshow(pixels(pairs.images[image]))
        draw_caption(axis, short_name(pairs.labels[image]), 4, color=colour)
    if pairs.attention is not None:
        for image, colour in both:
            axis = row.pop(0)
            draw_map(axis, pairs.images[image], pairs.attention[image])
            _frame(axis, pairs, target, image == source, colour)
    for mixed in pairs.mixes:
        axis = row.pop(0)
        axis.imshow(pixels(mixed.inputs[target]))
        lam = float(mixed.lam[target])
        weights = lam, float(mixed.own_weight[target])
        for (image, colour), weight, below in zip(both, weights, (4, 16)):
            text = f'{weight:.2f} {short_name(pairs.labels[image])}'
            draw_caption(axis, text, below, color=colour)
        if not masks:
            continue
        axis = row.pop(0)
        height, width = pairs.images.shape[-2:]
        axis.imshow(
            mixed.mask[target].cpu().numpy(),
            cmap=MASK,
            vmin=0,
            vmax=1,
            interpolation='nearest',
            extent=(0, width, height, 0))
        axis.set_anchor('N')
        draw_caption(axis, f'$\\lambda$ = {lam:.2f}', 4)


def draw_caption(axis: Axes,
                 text: str,
                 below: float,
                 size: float = 9,
                 color: str = 'black') -> None:
    """Write under an image, so many points below it."""
    axis.annotate(
        text, (.5, 0), (0, -below),
        xycoords='axes fraction',
        textcoords='offset points',
        fontsize=size,
        color=color,
        ha='center',
        va='top')


def short_name(name: str, length: int = 20) -> str:
    """The first of the synonyms that ImageNet's classes list, shortened."""
    name = name.split(',')[0]
    return name if len(name) <= length else f'{name[:length]}\u2026'


def pixels(image: Tensor) -> np.ndarray:
    """An image ``(3, H, W)`` as matplotlib wants it."""
    return image.permute(1, 2, 0).cpu().numpy()


def draw_map(axis: Axes,
             image: Tensor,
             values: Tensor,
             interpolations: Sequence[str] = (None, 'nearest'),
             **limits) -> None:
    """Draw a map over the grey image, which are each interpolated; without
    limits it is shown from its lowest to its highest value."""
    height, width = image.shape[-2:]
    extent = (0, width, height, 0)
    grey, coloured = interpolations
    axis.imshow(
        pixels(image).mean(2),
        cmap='gray',
        vmin=0,
        vmax=1,
        extent=extent,
        interpolation=grey)
    axis.imshow(
        values.cpu().numpy(),
        cmap='inferno',
        alpha=.65,
        extent=extent,
        interpolation=coloured,
        **limits)


def _frame(axis: Axes, pairs: MixedPairs, target: int, of_source: bool,
           colour: str) -> None:
    """Frame the box of the guided mixer, if there is exactly one."""
    guided = [m for m, g in zip(pairs.mixes, pairs.guided) if g]
    if len(guided) != 1:
        return
    boxes = guided[0].source_boxes if of_source else guided[0].target_boxes
    if boxes is None:
        return
    y1, x1, y2, x2 = boxes[target].tolist()
    for line, width in (('white', 3.5), (colour, 2)):
        axis.add_patch(
            Rectangle((x1, y1),
                      x2 - x1,
                      y2 - y1,
                      fill=False,
                      edgecolor=line,
                      linewidth=width))
