"""How much of the attention falls on the objects."""
from typing import Dict, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.dataset import BaseDataset

from mmmix.analysis.model_maps import ModelMap
from mmmix.analysis.pairs import differences_from_first, mean_and_error
from mmmix.analysis.trained_model import TrainedModel, batches
from mmmix.analysis.truth import truth_maps, unit_mass
from mmmix.functional import resize_mask
from mmmix.visualization.panels import draw_panels

# of one kind of maps, a value for each image: attention, area, average
Found = Dict[str, np.ndarray]
BINS = 5  # equal parts of the range of the boxes' area, to draw


def measure_attention_in_boxes(trained: TrainedModel,
                               kinds: Sequence[ModelMap],
                               dataset: BaseDataset,
                               indices: Sequence[int],
                               batch_size: int = 100) -> Dict[str, Found]:
    """How much of the attention is inside the boxes of the objects.

    Args:
        trained, dataset, indices, batch_size: See
            :func:`~mmmix.analysis.batches`; the N images have boxes.
        kinds (Sequence[ModelMap]): Which maps.

    Returns:
        dict[str, Found]: By the kind of the map, for each image, ``(N,)``
        each, shares in the boxes: of the ``attention``, NaN where the map is
        zero everywhere; of the ``area``; and of the ``average`` map of these
        images, which knows where objects usually are and nothing of the
        image.

    Raises:
        MmmixError: If an image has no boxes.
    """
    found = {maps.kind: ([], [], []) for maps in kinds}
    for inputs, samples in batches(trained, dataset, indices, batch_size):
        boxes = truth_maps(samples, inputs.shape[-2:])
        for maps in kinds:
            attention = maps.of_samples(trained.model, inputs, samples).cpu()
            inside = resize_mask(boxes, attention.shape[1:])
            share = (inside * attention).sum((1, 2)) / attention.sum((1, 2))
            shares, grids, masks = found[maps.kind]
            grid = grids[0].shape[1:] if grids else attention.shape[1:]
            shares.append(torch.stack([share, inside.mean((1, 2))]))
            grids.append(unit_mass(resize_mask(attention, grid)))
            masks.append(resize_mask(boxes, grid))
    result = {}
    for kind, (shares, grids, masks) in found.items():
        attention, area = torch.cat(shares, 1)
        average = unit_mass(torch.cat(grids).mean(0, keepdim=True))
        result[kind] = dict(
            attention=attention.double().numpy(),
            area=area.double().numpy(),
            average=(torch.cat(masks) * average).sum((1, 2)).double().numpy())
    return result


def mean_attention(found: Dict[str, Found]) -> Dict[str, dict]:
    """Means over the images, by the kind of the map.

    Returns:
        dict[str, dict]: In percent ``area``, ``average`` and ``attention``;
        ``above_average``, the attention less the average map's, and
        ``to_first``, less that of the first kind, both image by image;
        ``gain``, the attention divided by the area, of which 1 is attention
        without aim, and its ``median``; the standard error of four of them
        under ``<name>_error``; ``images``, how many were judged, and
        ``skipped``, how many have a map that is zero everywhere or no area
        in the boxes, such as where the object was cropped away.
    """
    number = range(len(next(iter(found.values()))['area']))
    to_first = differences_from_first(
        {
            kind: np.where(_judged(own), 100 * own['attention'], np.nan)
            for kind, own in found.items()
        }, number)
    results = {}
    for kind, own in found.items():
        judged = _judged(own)
        attention, area, average = (
            own[name][judged] for name in ('attention', 'area', 'average'))
        gain = attention / area
        results[kind] = result = dict(
            images=int(judged.sum()),
            skipped=int((~judged).sum()),
            area=100 * area.mean(),
            average=100 * average.mean(),
            median=float(np.median(gain)))
        for name, values in dict(
                attention=100 * attention,
                above_average=100 * (attention - average),
                gain=gain).items():
            result[name], result[f'{name}_error'] = mean_and_error(
                values, range(len(values)))
        result['to_first'], result['to_first_error'] = to_first[kind]
    return results


def draw_over_area(found: Dict[str, Dict[str, Found]]) -> Figure:
    """The share of the attention in the boxes over their area, a panel for
    each model by its name; a bin without images is left out."""
    centres = (np.arange(BINS) + .5) / BINS
    panels, references = {}, {}
    for name, kinds in found.items():
        first = next(iter(kinds.values()))
        references[name] = {'attention without aim': 100 * centres}
        panels[name] = {'the average map': _over_area(first, 'average')}
        panels[name].update({
            kind: _over_area(own, 'attention')
            for kind, own in kinds.items()
        })
    return draw_panels(panels, centres, "the boxes' share of the area",
                       'share of the attention (%)', references)


def _judged(found: Found) -> np.ndarray:
    """Which images have a map, and an area in the boxes."""
    return ~np.isnan(found['attention']) & (found['area'] > 0)


def _over_area(found: Found, name: str) -> list:
    """The mean of a value in each bin of the area, in percent."""
    judged = _judged(found)
    place = (found['area'][judged] * BINS).astype(int).clip(0, BINS - 1)
    values = found[name][judged]
    return [
        100 * values[place == number].mean() if
        (place == number).any() else None for number in range(BINS)
    ]
