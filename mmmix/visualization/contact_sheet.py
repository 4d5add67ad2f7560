"""Contact sheets: what several models look at in the same pairs of images."""
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from mmmix.structures import MixedBatch

from .figure import SOURCE, TARGET, pixels, short_name

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


def rows_of_pair(target: int, source: int, images: Tensor, mixed: MixedBatch,
                 mixed_images: Tensor, names: Sequence[str],
                 maps: Dict[str, List[Tensor]],
                 probabilities: Dict[str, List[Tensor]]) -> List[SheetRow]:
    """The rows of one pair: source, target, and the mixed image for the label
    of each, or once where the maps do not depend on it.

    Args:
        target (int): Index of the target in the batch.
        source (int): Index of its source.
        images (Tensor): Unmixed images ``(N, 3, H, W)`` in [0, 1], RGB.
        mixed (MixedBatch): What was pasted where.
        mixed_images (Tensor): Mixed images, as ``images``.
        names (Sequence[str]): Class name of each image of the batch.
        maps (dict[str, list[Tensor]]): Maps ``(N, h, w)`` of each model:
            'own' of the unmixed images, and of the mixed ones 'source' and
            'target', for these labels, or 'both'.
        probabilities (dict[str, list[Tensor]]): ``(N,)`` of the label under
            the same names; 'both' is not needed.
    """
    mask = mixed.mask_on(images.shape[-2:])[target]

    def row(title, colour, image, key, index, mask=None):
        return SheetRow(title, colour, image, [m[index] for m in maps[key]],
                        [f'p = {p[index]:.2f}' for p in probabilities[key]]
                        if key in probabilities else ['' for _ in maps[key]],
                        mask)

    lam = float(mixed.lam[target])
    source_name, target_name = short_name(names[source],
                                          14), short_name(names[target], 14)
    rows = [
        row(f'source\n{source_name}', SOURCE, images[source], 'own', source),
        row(f'target\n{target_name}', TARGET, images[target], 'own', target)
    ]
    image = mixed_images[target]
    if 'both' in maps:
        return rows + [
            row(f'mixed\n$\\lambda$ = {lam:.2f}', 'black', image, 'both',
                target, mask)
        ]
    return rows + [
        row(f'mixed, for\n{source_name}\n$\\lambda$ = {lam:.2f}', SOURCE,
            image, 'source', target, mask),
        row(f'mixed, for\n{target_name}\n1 - $\\lambda$ = {1 - lam:.2f}',
            TARGET, image, 'target', target, mask)
    ]


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
            left = SIDE
            for k in range(columns):
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
                left += cell[0] + GAP[0]
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
    place = dict(extent=(0, width, height, 0), interpolation='bicubic')
    if model < 0:
        axis.imshow(pixels(row.image), **place)
    else:
        values = row.maps[model].cpu()
        values = values / values.max().clamp(min=1e-12)
        axis.imshow(
            pixels(row.image).mean(2), cmap='gray', vmin=0, vmax=1, **place)
        place['interpolation'] = 'bilinear'
        axis.imshow(
            values.numpy(), cmap='inferno', vmin=0, vmax=1, alpha=.65, **place)
        axis.annotate(
            row.captions[model]
            if values.max() > 0 else 'nothing speaks for it', (.5, 0), (0, -3),
            xycoords='axes fraction',
            textcoords='offset points',
            fontsize=7,
            ha='center',
            va='top')
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
