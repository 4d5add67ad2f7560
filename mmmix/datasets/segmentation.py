"""Data set and loading for mmseg, which this module imports:
``custom_imports = dict(imports=['mmmix.datasets.segmentation'])``."""
from typing import Optional

import numpy as np
from mmengine.fileio import get_local_path
from mmseg import datasets as stock
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image, UnidentifiedImageError

from mmmix.errors import MmmixError
from mmmix.registry import DATASETS, TRANSFORMS
from .bad_files import BadFiles
from .loading import load_label_map


@DATASETS.register_module()
class COCOObjects(stock.BaseSegDataset):
    """The 80 object categories of COCO as a semantic data set.

    ``tools/dataset_converters/coco_semantic.py`` paints the label maps: 0 to
    79 in the order of COCO's categories, and 255 (ignored) where there is no
    object. Names and colors are the first 80 of mmseg's ``COCOStuffDataset``.

    Args:
        **kwargs: Arguments of :class:`mmseg.datasets.BaseSegDataset`.

    Raises:
        FileNotFoundError: If the folder of the images does not exist.

    Example::

        dict(
            type='mmmix.COCOObjects',
            data_root='data/coco-tiny',
            data_prefix=dict(
                img_path='val2017', seg_map_path='semantic/val2017'))
    """

    METAINFO = {
        key: stock.COCOStuffDataset.METAINFO[key][:80]
        for key in ('classes', 'palette')
    }


@TRANSFORMS.register_module()
class LoadSegMap(LoadAnnotations):
    """mmseg's ``LoadAnnotations``, but a label beyond the classes, or a label
    map of another size than the image, is an error that names the file.

    Without this check, training ends in an index error of the loss, and
    evaluation leaves such pixels out.

    A label map that is missing or cannot be decoded is named, too.

    Args:
        num_classes (int): Number of classes of the data set: labels are 0 to
            ``num_classes - 1``.
        ignore_index (int): The label of pixels that do not count. Defaults to
            255.
        on_error (str): What to do with a label map that cannot be decoded:
            see :class:`mmmix.datasets.LoadImage`. Defaults to 'raise'.
        **kwargs: Arguments of mmseg's ``LoadAnnotations``.

    Raises:
        FileNotFoundError: If the label map does not exist.
        MmmixError: If a label map cannot be decoded, or has another label or
            size or several channels. An EXIF orientation turns the image, but
            not the label map.

    Example::

        dict(type='mmmix.LoadSegMap', num_classes=150)
    """

    def __init__(self,
                 num_classes: int,
                 ignore_index: int = 255,
                 on_error: str = 'raise',
                 **kwargs):
        super().__init__(**kwargs)
        self.bad_files = BadFiles(on_error, 'label map')
        self.num_classes = num_classes
        self.ignore_index = ignore_index

    def transform(self, results: dict) -> Optional[dict]:
        """Load ``gt_seg_map``, and check its size and labels.

        An image without ``seg_map_path`` passes: mmseg's inferencers only
        leave out a step that is named LoadAnnotations.
        """
        if 'seg_map_path' not in results:
            return results
        path, load = results['seg_map_path'], super().transform
        results = load_label_map(results, load, self.bad_files)
        if results is None:
            return None
        _check_depth(path, self.backend_args)
        labels, count = results['gt_seg_map'], self.num_classes
        wrong = labels[(labels >= count) & (labels != self.ignore_index)]
        if wrong.size:
            reduced = ' after reduce_zero_label' if results[
                'reduce_zero_label'] else ''
            raise MmmixError(
                f"'{path}' has the label {wrong.max()}"
                f'{reduced} ({wrong.size} pixels are beyond the classes), but '
                f'the data set has {count} classes: labels 0 to {count - 1}, '
                f'and {self.ignore_index} for pixels that do not count.')
        return results


def _check_depth(path: str, backend_args: Optional[dict]) -> None:
    """Check the labels of a file of more than 8 bits, which mmseg cuts to the
    lowest 8: 263 would be 7."""
    try:
        # of a local file only the header is read
        with get_local_path(path, backend_args) as local, \
                Image.open(local) as image:
            if not image.mode.startswith(('I', 'F')):
                return
            labels = np.asarray(image)
    except UnidentifiedImageError:  # mmseg has read it by another decoder
        return
    if labels.min() < 0 or labels.max() > 255:
        raise MmmixError(
            f'{path!r} has labels from {labels.min()} to {labels.max()}, but '
            'MMSegmentation reads 8 bits, 0 to 255: number the classes anew.')
