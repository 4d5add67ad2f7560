"""Label maps of images in files, and a crop that records what it cut."""
from pathlib import Path
from typing import Optional, Tuple, Union

import mmcv
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmpretrain.datasets.transforms import RandomResizedCrop as StockCrop
from torch import Tensor

from mmmix.errors import MmmixError, check_name
from mmmix.registry import TRANSFORMS

SUFFIXES = ('.pt', '.pth', '.npy', '.npz')
HALF_INTEGERS = 2048  # float16 has no odd number above


@TRANSFORMS.register_module()
class LoadLabelMap(BaseTransform):
    """Add the label map of the image, a score of the classes at each place.

    A :class:`~mmmix.models.LabelMapGuide` cuts it as the image was cut, for
    which it requires the box: crop with ``mmmix.RandomResizedCrop``. mmcv's
    ``RandomFlip`` records what it flips, in one step: the record of a second
    one would replace it. A step that resizes the whole image, without keeping
    its ratio of sides, changes nothing. Any other step that moves pixels
    (other crops, the geometric policies of RandAugment) would not move the
    map along.

    A map is one of

    - the k best classes of each place: a tensor ``(2, k, h, w)`` of their
      scores and indices, as TokenLabeling and ReLabel publish, or, in a .npz
      file, the arrays ``values`` and ``indices`` ``(k, h, w)``;
    - all classes: ``(num_classes, h, w)``, in a .npz file the array
      ``maps``.

    It shows the whole image; see ``extent`` of the guide for other maps. All
    maps of a set have the same shape. Files are read without unpickling what
    they hold, so they cannot run code.

    **Required Keys:** ``img_path``

    **Added Keys:** ``label_map``, a tensor in the file's dtype, and
    ``crop_box``, the whole image. ``PackInputs(algorithm_keys=('label_map',
    'crop_box'))`` passes both on.

    Args:
        root (str): The folder of the maps.
        num_classes (int): How many classes there are.
        image_root (str, optional): The folder of the images: the map of an
            image has the same path below ``root`` as the image below this
            folder. Defaults to None: the last two parts of its path, the
            class's folder and the file.
        suffix (str): Suffix of the files: '.pt', '.pth', '.npy' or '.npz'.
            Defaults to '.pt'.

    Raises:
        FileNotFoundError: If ``root`` or the map of an image does not exist.
        MmmixError: If the suffix is unknown, an image is not below
            ``image_root``, a file cannot be read, or holds no such map or
            other classes.

    Example::

        train_pipeline = [
            dict(type='mmmix.LoadImage'),
            dict(type='mmmix.LoadLabelMap', root='data/label_top5_train_nfnet',
                 num_classes=1000),
            dict(type='mmmix.RandomResizedCrop', scale=224),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackInputs',
                 algorithm_keys=('label_map', 'crop_box')),
        ]
    """

    def __init__(self,
                 root: str,
                 num_classes: int,
                 image_root: Optional[str] = None,
                 suffix: str = '.pt'):
        check_name('suffix', suffix, SUFFIXES)
        self.root = Path(root)
        if not self.root.is_dir():
            raise FileNotFoundError(
                f'There is no folder {root} of label maps, seen from '
                f'{Path.cwd()}.')
        self.num_classes = num_classes
        self.image_root = None if image_root is None else Path(image_root)
        self.suffix = suffix

    def path_of(self, image: Union[str, Path]) -> Path:
        """Where the map of an image is."""
        image = Path(image)
        if self.image_root is None:
            below = Path(*image.parts[-2:])
        elif self.image_root in image.parents:
            below = image.relative_to(self.image_root)
        else:
            raise MmmixError(f'The image {image} is not below `image_root` '
                             f'of LoadLabelMap, {self.image_root}.')
        return self.root / below.with_suffix(self.suffix)

    def transform(self, results: dict) -> dict:
        """Add the map."""
        path = self.path_of(results['img_path'])
        if not path.exists():
            raise FileNotFoundError(
                f"The image {results['img_path']} has no label map: there is "
                f'no file {path}.')
        results['label_map'] = self._checked(_read(path), path)
        results.setdefault('crop_box', torch.tensor([0., 0., 1., 1.]))
        return results

    def _checked(self, label_map: Tensor, path: Path) -> Tensor:
        best = label_map.ndim == 4 and len(label_map) == 2
        if not best and label_map.ndim != 3 or not label_map.numel():
            raise MmmixError(
                f'The label map {path} has the shape '
                f'{tuple(label_map.shape)}, but must be (2, k, h, w), scores '
                'and indices of the k best classes, or (num_classes, h, w).')
        if not best:
            if len(label_map) != self.num_classes:
                raise self._other_classes(path, len(label_map))
            return label_map
        if label_map.dtype == torch.float16 \
                and self.num_classes > HALF_INTEGERS:
            raise MmmixError(
                f'The label map {path} holds the indices of '
                f'{self.num_classes} classes as float16, which has no odd '
                f'number above {HALF_INTEGERS}: store it as float32.')
        indices = label_map[1]
        broken = indices[indices.float() % 1 != 0]
        if broken.numel():
            raise MmmixError(
                f'The second half of the label map {path} must be indices of '
                f'classes, but {float(broken[0]):g} is none: scores come '
                'first.')
        if indices.min() < 0 or indices.max() >= self.num_classes:
            raise self._other_classes(path, int(indices.max()) + 1)
        return label_map

    def _other_classes(self, path: Path, count: int) -> MmmixError:
        return MmmixError(
            f'The label map {path} is of {count} classes or more, but '
            f'`num_classes` of LoadLabelMap is {self.num_classes}: maps of '
            'other classes do not fit.')

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(root={str(self.root)!r}, '
                f'num_classes={self.num_classes}, suffix={self.suffix!r})')


def _read(path: Path) -> Tensor:
    """What a file holds; nothing in it is run."""
    try:
        if path.suffix in ('.pt', '.pth'):
            content = torch.load(path, map_location='cpu', weights_only=True)
        else:
            content = np.load(path, allow_pickle=False)
        if path.suffix == '.npz':
            if 'maps' in content:
                content = content['maps']
            else:
                # as one array: float64 holds any index
                content = np.stack([content['values'], content['indices']])
        return torch.as_tensor(content)
    except Exception as error:  # foreign bytes raise anything
        raise MmmixError(f'The label map {path} cannot be read '
                         f'({type(error).__name__}: {error}).') from None


@TRANSFORMS.register_module()
class RandomResizedCrop(StockCrop):
    """MMPretrain's ``RandomResizedCrop``, which records the box that it cut.

    With the same random numbers it gives the same image. A box that is cut
    after a flip is recorded as it lies in the image before the flip.

    **Required Keys:** ``img``

    **Modified Keys:** ``img``, ``img_shape``

    **Added Keys:** ``crop_box``, a tensor ``(y1, x1, y2, x2)``: where it lies
    in the whole image, as shares of its height and width

    Args:
        args, kwargs: Of MMPretrain's ``RandomResizedCrop``.

    Example::

        dict(type='mmmix.RandomResizedCrop', scale=224)
    """

    def transform(self, results: dict) -> dict:
        """Crop, resize and record."""
        image = results['img']
        top, left, height, width = self.rand_crop_params(image)
        box = top, left, top + height, left + width
        results['crop_box'] = _within(results, box, image.shape[:2])
        image = mmcv.imresize(
            np.ascontiguousarray(image[box[0]:box[2], box[1]:box[3]]),
            tuple(self.scale[::-1]),
            interpolation=self.interpolation,
            backend=self.backend)
        results['img'] = image
        results['img_shape'] = image.shape
        return results


def _within(results: dict, box: Tuple[int, ...], size: Tuple[int,
                                                             int]) -> Tensor:
    """The box in the whole, unflipped image, of a box of what is left of it,
    as shares of the sides."""
    y1, x1, y2, x2 = np.divide(box, (*size, *size))
    direction = results.get('flip_direction') or ''
    if direction in ('horizontal', 'diagonal'):
        x1, x2 = 1 - x2, 1 - x1
    if direction in ('vertical', 'diagonal'):
        y1, y2 = 1 - y2, 1 - y1
    top, left, bottom, right = map(float, results.get('crop_box',
                                                      (0, 0, 1, 1)))
    height, width = bottom - top, right - left
    return torch.tensor([
        top + y1 * height, left + x1 * width, top + y2 * height,
        left + x2 * width
    ])
