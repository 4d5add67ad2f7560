"""Maps of where to look: attention or class activation of a model, by name,
or maps that are read from files."""
from collections import Counter
from pathlib import Path
from typing import Optional, Sequence, Union

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement
from PIL import Image
from torch import Tensor, nn

from mmmix.analysis.cam import (CAM_METHODS, check_cam, check_labels,
                                class_activation)
from mmmix.analysis.trained_model import labels_of
from mmmix.errors import MmmixError
from mmmix.functional import resize_mask
from mmmix.models import BottomUp, ClassAttention, TopDown

ATTENTION_MAPS = {m.__name__: m for m in (BottomUp, ClassAttention, TopDown)}
MAP_KINDS = (*ATTENTION_MAPS, *CAM_METHODS)


class ModelMap:
    """Maps of one kind, of any classifier and any images.

    Args:
        kind (str): One of ``MAP_KINDS``: an attention map of
            :mod:`mmmix.models.attention` (SMMix, Eq. 6: BottomUp; MixPro,
            Eq. 4: ClassAttention; TdAttenMix, Eq. 3-5: TopDown) or a method
            of :func:`~mmmix.analysis.cam.class_activation`.

    Attributes:
        requires_labels (bool): Whether a map depends on the label.

    Raises:
        MmmixError: If the kind is unknown.

    Example:
        >>> ModelMap('TopDown').requires_labels
        True
    """

    def __init__(self, kind: str):
        if kind not in MAP_KINDS:
            raise MmmixError(f'There are no maps {kind!r}: choose among '
                             f'{", ".join(MAP_KINDS)}.')
        self.kind = kind
        self._attention = ATTENTION_MAPS.get(kind, lambda: None)()
        self.requires_labels = (
            self._attention is None or self._attention.requires_labels)

    def check(self, model: nn.Module) -> None:
        """Raise a MmmixError or ModuleNotFoundError if a model has no such
        maps."""
        if self._attention is None:
            check_cam(model, self.kind)
        else:
            self._attention.check(model)

    def __call__(self,
                 model: nn.Module,
                 inputs: Tensor,
                 labels: Optional[Tensor] = None) -> Tensor:
        """Make the maps of a batch.

        Args:
            model (nn.Module): A classifier, in eval mode.
            inputs (Tensor): Normalised images ``(N, C, H, W)``.
            labels (Tensor, optional): ``(N,)`` int64, the class to look for
                in each image, where the kind requires it.

        Returns:
            Tensor: ``(N, h, w)`` float32 on the model's own grid, not
            negative; of several heads the mean.

        Raises:
            MmmixError: If the kind requires labels and they are missing, or
                not the model's.
        """
        if self.requires_labels:
            check_labels(model, labels)
        if self._attention is None:
            return class_activation(model, inputs, labels, self.kind)
        if self.requires_labels:
            labels = F.one_hot(
                labels.to(inputs.device), model.head.num_classes)
        with torch.no_grad():
            return self._attention(model, inputs, labels)[0]

    def of_samples(self, model: nn.Module, inputs: Tensor,
                   samples: Sequence[BaseDataElement]) -> Tensor:
        """Make the maps of a batch, for the true labels of its data samples
        where the kind requires labels."""
        return self(model, inputs,
                    labels_of(samples) if self.requires_labels else None)


def read_maps(folder: Union[str, Path], data_list: Sequence[dict],
              grid: Sequence[int]) -> Tensor:
    """Read a map for each image from a folder.

    The map of ``any/where/name.jpg`` is ``folder/name.npy``, an array
    ``(h, w)``, or the grey values of ``folder/name.png``. It is stretched
    over the image that the classifier is shown, so it must cover the same
    part of the picture.

    Args:
        data_list (Sequence[dict]): What a data set knows of N images, with
            the ``img_path`` of each.
        grid (Sequence[int]): Height and width of the grid on which the maps
            are averaged by area.

    Returns:
        Tensor: ``(N, *grid)`` float32.

    Raises:
        FileNotFoundError: If the folder or maps are missing.
        MmmixError: If the images are not files or two have the same name, or
            a map cannot be read or is not an ``(h, w)`` array of finite
            numbers that are not negative.
    """
    if not all('img_path' in info for info in data_list):
        raise MmmixError('Maps are found by the names of the image files, but '
                         'the images of this data set are not files.')
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f'There is no folder {folder} of maps, seen '
                                f'from {Path.cwd()}.')
    names = [Path(info['img_path']).stem for info in data_list]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise MmmixError(
            f'{len(twice)} names belong to several images, such as '
            f"'{twice[0]}': a map is found by the name of its image, so the "
            'names must differ.')
    files = [[
        file for suffix in ('.npy', '.png')
        if (file := folder / f'{name}{suffix}').is_file()
    ] for name in names]
    missing = [name for name, found in zip(names, files) if not found]
    if missing:
        raise FileNotFoundError(
            f'{folder} has maps of {len(names) - len(missing)} of '
            f'{len(names)} images. The first that is missing is '
            f'{missing[0]}.npy or {missing[0]}.png.')
    return torch.cat(
        [resize_mask(_read_map(found[0]), grid) for found in files])


def _read_values(file: Path) -> np.ndarray:
    if file.suffix == '.npy':
        return np.load(file, allow_pickle=False)
    with Image.open(file) as image:
        # 16 bits stay 16 bits, colours become grey
        image = image if image.mode.startswith('I') else image.convert('L')
        return np.asarray(image)


def _read_map(file: Path) -> Tensor:
    """A map ``(1, h, w)``."""
    try:
        values = _read_values(file)
    except (OSError, EOFError, ValueError, SyntaxError) as error:
        raise MmmixError(f'{file} cannot be read, as if it were damaged '
                         f'({error}): write this map again.') from error
    if values.ndim != 2 or not values.size or values.dtype.kind not in 'buif':
        raise MmmixError(f'{file} must hold one (h, w) array of numbers, but '
                         f'holds {values.dtype} of shape {values.shape}.')
    values = torch.from_numpy(values.astype(np.float32))
    if not (torch.isfinite(values) & (values >= 0)).all():
        raise MmmixError(f'{file} holds negative values or values that are '
                         'not finite, which no map of attention may have.')
    return values[None]
