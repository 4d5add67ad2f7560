from typing import FrozenSet, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmmix.errors import MmmixError, check_name
from mmmix.functional import copy_to, crop_maps, dense_maps
from mmmix.registry import TASK_UTILS
from mmmix.structures import Guidance
from ..batch_augments import BatchMixer
from ..batch_augments.base import check_grid, to_device
from .base import Guide


@TASK_UTILS.register_module()
class LabelMapGuide(Guide):
    r"""Label maps that a teacher stored, cut as the images are.

    ReLabel, TokenLabel and TokenMix train with scores S of the classes at
    each place of each image, which a strong network computed once. Here they
    come with the data samples (``mmmix.LoadLabelMap``), are flipped and cut
    as the image was, and averaged onto a grid by RoI-align. The guide gives

    - ``label_maps``: the softmax of the scores at each place of the grid;
    - ``logits``: the scores of the whole crop, of which ReLabel and TokenLabel
      take the softmax as the image's label;
    - ``attention``: the score of the image's own label at each place, 0 where
      it is negative or not stored, as TokenMix uses it.

    Maps of the k best classes count with a score of 0 for all others, before
    the softmax, as in the public code. A place outside of the map has the
    same label for all classes.

    What the authors' public codes do differently, by option:

    ===================== =================================================
    ``axes='xy'``         the box of the crop is passed with x and y
                          exchanged, so that maps are cut transposed
                          (TokenLabeling, TokenMix, and ReLabel unless its
                          files are stored transposed)
    ``extent='image'``    on maps of a centred square (TokenLabeling's), for
                          which ``extent='centre'`` is right
    ===================== =================================================

    They also scale both sides of the box by the map's width, which is right
    for square maps alone; here each has its own.

    Args:
        grid (int | Sequence[int], optional): Rows and columns of the grid:
            the patches of a ViT or the places of a CNN's last feature map; a
            loss averages the maps if its own differ. Defaults to None, the
            grid of the stored maps.
        scores (str): What the files hold: 'logits' or 'probabilities', which
            are divided by their sum instead of a softmax. Defaults to
            'logits'.
        extent (str): What a map shows: 'image', the whole image, or 'centre',
            its centred square, whose side is the shorter side. Defaults to
            'image'.
        axes (str): Order of the axes in which the box is read, 'yx' or, by
            mistake, 'xy'. Defaults to 'yx'.

    Raises:
        MmmixError: If an option is unknown; when called, if samples or labels
            are missing, an image has no map, or maps are of another shape or
            of other classes.

    >>> stored = torch.zeros(2, 4, 4)  # two classes, the second at the left
    >>> stored[1, :, :2] = 9
    >>> box = torch.tensor([0., 0., 1., 0.5])
    >>> sample = DataSample(label_map=stored, crop_box=box)
    >>> guide = LabelMapGuide(grid=1)
    >>> model = nn.Module()
    >>> guidance = guide(
    ...     model, torch.rand(1, 3, 8, 8), frozenset({'label_maps'}),
    ...     samples=[sample])
    >>> guidance.label_maps.flatten().round(decimals=2)
    tensor([0., 1.])
    """

    gives = frozenset({'attention', 'logits', 'label_maps'})

    def __init__(self,
                 grid: Union[int, Sequence[int], None] = None,
                 scores: str = 'logits',
                 extent: str = 'image',
                 axes: str = 'yx'):
        check_name('scores', scores, ('logits', 'probabilities'))
        check_name('extent', extent, ('image', 'centre'))
        check_name('axes', axes, ('yx', 'xy'))
        self.grid = check_grid(grid)
        self.scores = scores
        self.extent = extent
        self.axes = axes

    def check(self, model: nn.Module, requires: FrozenSet[str]) -> None:
        augments = model.data_preprocessor.batch_augments.augments
        for augment in augments:
            if not isinstance(augment, BatchMixer):
                raise MmmixError(
                    f'{type(augment).__name__} does not tell what it mixed, '
                    'so stored label maps do not fit its images: use the '
                    'mixer of mmmix with this name, or another guide.')

    @torch.no_grad()
    def __call__(self,
                 model: nn.Module,
                 images: Tensor,
                 requires: FrozenSet[str],
                 labels: Optional[Tensor] = None,
                 samples: Optional[List[DataSample]] = None) -> Guidance:
        # MMPretrain leaves them on the CPU
        stored, boxes = (
            _stack(samples, key) for key in ('label_map', 'crop_box'))
        num_classes = _check_classes(stored, labels)
        stored, boxes = (copy_to(t, images.device) for t in (stored, boxes))
        if self.extent == 'centre':
            boxes = _in_centre(boxes, samples, stored.shape[-2:])
        stored, boxes = _flip(stored, boxes, samples)
        if self.axes == 'xy':
            boxes = boxes[:, [1, 0, 3, 2]]
        grid = self.grid or tuple(stored.shape[-2:])
        guidance = Guidance()
        if 'attention' in requires:
            own = crop_maps(_of_labels(stored, labels), boxes, grid)
            guidance.attention = own[:, 0].clamp(0)
        if requires & {'logits', 'label_maps'}:
            maps = _all_classes(stored, num_classes)
        if 'label_maps' in requires:
            scores = crop_maps(maps, boxes, grid)
            guidance.label_maps = self._logits(scores).softmax(1)
        if 'logits' in requires:
            guidance.logits = self._logits(
                crop_maps(maps, boxes, (1, 1)).flatten(1))
        return guidance

    def _logits(self, scores: Tensor) -> Tensor:
        """What the softmax is taken of."""
        if self.scores == 'logits':
            return scores
        return scores.clamp(min=torch.finfo(scores.dtype).tiny).log()


def _stack(samples: Optional[List[DataSample]], key: str) -> Tensor:
    """A field of the data samples, as one tensor."""
    if not samples:
        raise MmmixError('LabelMapGuide reads the label maps from the data '
                         'samples, but was called without any.')
    fields = [sample.get(key) for sample in samples]
    for field, sample in zip(fields, samples):
        where = sample.get('img_path', 'An image without a path')
        if field is None:
            raise MmmixError(
                f'{where} has no `{key}`, which LabelMapGuide requires: load '
                "it by dict(type='mmmix.LoadLabelMap', ...) in the training "
                "pipeline, and pass it on by dict(type='PackInputs', "
                "algorithm_keys=('label_map', 'crop_box')).")
        if field.shape != fields[0].shape:
            raise MmmixError(
                f'The `{key}` of {where} has the shape {tuple(field.shape)}, '
                f'but another of its batch {tuple(fields[0].shape)}: store '
                'maps of one shape, of oblong images too; each side counts '
                'for itself.')
    return torch.stack(fields)


def _flip(stored: Tensor, boxes: Tensor,
          samples: List[DataSample]) -> Tuple[Tensor, Tensor]:
    """The maps and boxes of flipped images, flipped."""
    directions = [sample.get('flip_direction') for sample in samples]
    for axis, first, names in ((-2, 0, ('vertical', 'diagonal')),
                               (-1, 1, ('horizontal', 'diagonal'))):
        flipped = np.array([direction in names for direction in directions])
        if not flipped.any():
            continue
        which = to_device(flipped, stored)
        stored = torch.where(
            which.view(-1, *[1] * (stored.ndim - 1)), stored.flip(axis),
            stored)
        mirrored = boxes.clone()
        mirrored[:, first] = 1 - boxes[:, first + 2]
        mirrored[:, first + 2] = 1 - boxes[:, first]
        boxes = torch.where(which[:, None], mirrored, boxes)
    return stored, boxes


def _in_centre(boxes: Tensor, samples: List[DataSample],
               shape: Sequence[int]) -> Tensor:
    """Boxes of whole images as shares of their centred squares."""
    if shape[0] != shape[1]:
        raise MmmixError(
            f'The label maps are {shape[0]} x {shape[1]}, but '
            "extent='centre' is for square maps, of the centred square of "
            'each image.')
    sizes = [sample.get('ori_shape') for sample in samples]
    if None in sizes:
        raise MmmixError("extent='centre' requires the size of each whole "
                         'image, `ori_shape`, which mmmix.LoadImage records.')
    sides = np.array([size[:2] for size in sizes], np.float32)
    square = sides.min(1, keepdims=True)
    scale, start = (
        to_device(np.tile(one, 2), boxes)
        for one in (sides / square, (sides - square) / 2 / square))
    return boxes * scale - start


def _check_classes(stored: Tensor, labels: Optional[Tensor]) -> int:
    """The number of classes, that of the labels if they are given."""
    of_all = stored.ndim == 4
    if labels is None:
        if not of_all:
            raise MmmixError('LabelMapGuide requires `labels` (N, '
                             'num_classes) with maps of the best classes.')
        return stored.size(1)
    if of_all and stored.size(1) != labels.size(1):
        raise MmmixError(
            f'The label maps are of {stored.size(1)} classes, but the model '
            f'under training has {labels.size(1)}: store maps of its classes, '
            'in its order.')
    # once they are on a GPU it would be waited for
    if not of_all and stored.device.type == 'cpu':
        lowest, highest = stored[:, 1].float().aminmax()
        if not 0 <= lowest <= highest < labels.size(1):
            wrong = lowest if lowest < 0 else highest
            raise MmmixError(
                f'A label map has class {wrong:g}, but the model under '
                f'training has {labels.size(1)}, from 0 to '
                f'{labels.size(1) - 1}: store maps of its classes, in its '
                'order.')
    return labels.size(1)


def _all_classes(stored: Tensor, num_classes: int) -> Tensor:
    """Scores of all classes ``(N, num_classes, h, w)``, float32."""
    if stored.ndim == 4:
        return stored.float()
    values, indices = stored.unbind(1)
    return dense_maps(values.float(), indices, num_classes)


def _of_labels(stored: Tensor, labels: Optional[Tensor]) -> Tensor:
    """Score of each image's own label ``(N, 1, h, w)``, float32."""
    if labels is None:
        raise MmmixError('The attention of LabelMapGuide is that of the '
                         'label: call it with `labels` (N, num_classes).')
    labels = labels.float()
    if stored.ndim == 4:
        with torch.autocast(stored.device.type, enabled=False):
            own = torch.einsum('nk,nkhw->nhw', labels, stored.float())
        return own[:, None]
    values, indices = stored.unbind(1)
    weights = labels.gather(1, indices.long().flatten(1)).view_as(indices)
    return (weights * values.float()).sum(1, keepdim=True)
