"""Contact sheets: what several models look at in the same pairs of images."""
from dataclasses import dataclass
from typing import List, Optional, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from .figure import draw_caption, draw_map, pixels

CELL = 1.15  # inches: the shorter side of an image
GAP = .06, .2  # to the right of each image, and below it
HEAD, SIDE, BETWEEN = .32, .8, .14  # above all, to the left, between pairs


@dataclass
class SheetRow:
    """A row of a sheet: one image, and what each model looks at in it.

    Attributes:
        title (str): What it is.
        colour (str): Of the title.
        image (Tensor): ``(3, H, W)`` in [0, 1], RGB.
        maps (List[Tensor]): Of each model ``(h, w)``, not negative.
        captions (List[str]): Below each map.
        mask (Tensor, optional): ``(h, w)``, whose border is drawn.
    """
    title: str
    colour: str
    image: Tensor
    maps: List[Tensor]
    captions: List[str]
    mask: Optional[Tensor] = None


def draw_sheet(pairs: Sequence[Sequence[SheetRow]],
               models: Sequence[str]) -> Figure:
    """Draw the rows of all pairs, with a column for each model.

    Every map lies over the grey image, from black at 0 to light at its own
    highest value. A white line is the border of what was pasted.

    Args:
        pairs (Sequence[Sequence[SheetRow]]): The rows of each pair.
        models (Sequence[str]): Names of the models.

    Returns:
        Figure: To be saved with ``savefig``.
    """
    height, width = pairs[0][0].image.shape[-2:]
    cell = [side / min(height, width) * CELL for side in (width, height)]
    columns = 1 + len(models)
    rows = sum(map(len, pairs))
    size = [
        SIDE + columns * (cell[0] + GAP[0]),
        HEAD + rows * (cell[1] + GAP[1]) + BETWEEN * (len(pairs) - 1)
    ]
    figure = Figure(figsize=size)
    top = size[1] - HEAD
    for i, pair in enumerate(pairs):
        for j, row in enumerate(pair):
            for k in range(columns):
                left = SIDE + k * (cell[0] + GAP[0])
                axis = figure.add_axes(
                    (left / size[0], (top - cell[1]) / size[1],
                     cell[0] / size[0], cell[1] / size[1]))
                axis.set(xticks=[], yticks=[])
                axis.spines[:].set_visible(False)
                if not (i or j):
                    axis.set_title(
                        models[k - 1] if k else 'image',
                        fontsize=9,
                        fontweight='bold')
                _draw_cell(axis, row, k - 1)
            figure.text(
                .06 / size[0], (top - cell[1] / 2) / size[1],
                row.title,
                color=row.colour,
                fontsize=7.5,
                va='center')
            top -= cell[1] + GAP[1]
        top -= BETWEEN
    return figure


def _draw_cell(axis, row: SheetRow, model: int) -> None:
    """The image itself where ``model`` is -1, else a model's map over it."""
    height, width = row.image.shape[-2:]
    if model < 0:
        axis.imshow(
            pixels(row.image),
            extent=(0, width, height, 0),
            interpolation='bicubic')
    else:
        values = row.maps[model]
        highest = float(values.max())
        draw_map(
            axis,
            row.image,
            values, ('bicubic', 'bilinear'),
            vmin=0,
            vmax=max(highest, 1e-12))
        draw_caption(
            axis,
            row.captions[model] if highest > 0 else 'nothing speaks for it', 3,
            7)
    if row.mask is not None and 0 < row.mask.mean() < 1:
        mask = row.mask.cpu().float()
        for colour, line in (('black', 1.8), ('white', .9)):
            axis.contour(
                torch.arange(width) + .5,
                torch.arange(height) + .5,
                mask,
                levels=[.5],
                colors=colour,
                linewidths=line)
