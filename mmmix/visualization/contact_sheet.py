"""Contact sheets: what several models look at in the same pairs of images."""
from dataclasses import dataclass
from typing import List, Optional, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from .figure import draw_caption, draw_grid, draw_map, pixels

CELL = 1.3  # inches: the shorter side of an image and what surrounds it


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
    """Draw the rows of each pair, with a column for each model, by its name.

    Every map lies over the grey image, from black at 0 to light at its own
    highest value. A white line is the border of what was pasted. The pairs
    lie below each other, or side by side if there is one model.
    """
    if len(models) == 1:
        return _draw_side_by_side(pairs)
    rows = [row for pair in pairs for row in pair]
    axes = draw_grid(rows[0].image, len(rows), [1.] * (1 + len(models)), CELL)
    for axis, title in zip(axes[0], ('image', *models)):
        axis.set_title(title, fontsize=9, fontweight='bold')
    for row, cells in zip(rows, axes):
        cells[0].set_ylabel(
            row.title,
            color=row.colour,
            fontsize=7.5,
            rotation=0,
            ha='right',
            va='center')
        for model, axis in enumerate(cells, -1):
            _draw_cell(axis, row, model)
    return axes[0, 0].figure


def _draw_side_by_side(pairs: Sequence[Sequence[SheetRow]]) -> Figure:
    """Each image beside its map, with what it is above them."""
    axes = draw_grid(pairs[0][0].image, len(pairs[0]), [1.] * 2 * len(pairs),
                     CELL)
    for number, pair in enumerate(pairs):
        for row, cells in zip(pair, axes[:, 2 * number:]):
            cells[0].set_title(
                ' '.join(row.title.split('\n')),
                loc='left',
                color=row.colour,
                fontsize=7.5,
                pad=3)
            _draw_cell(cells[0], row, -1)
            _draw_cell(cells[1], row, 0)
    return axes[0, 0].figure


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
