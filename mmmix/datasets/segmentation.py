"""Data sets and loading for mmseg, which this module imports:
``custom_imports = dict(imports=['mmmix.datasets.segmentation'])``.

Mostly mmseg's own, with better messages where data does not fit."""
from typing import List

from mmseg import datasets as stock
from mmseg.datasets.transforms import LoadAnnotations

from mmmix.errors import MmmixError
from mmmix.registry import DATASETS, TRANSFORMS

from .layout import Checked


class CheckedSegmentation(Checked):
    """To be inherited before a data set of mmseg: see :class:`Checked`.
    Samples tell :class:`LoadSegMap` the number of classes."""

    def required(self) -> List[str]:
        """Both folders, and the list of the images if one is set."""
        paths = (self.data_prefix.get('img_path'),
                 self.data_prefix.get('seg_map_path'), self.ann_file)
        return [path for path in paths if path]

    def load_data_list(self) -> List[dict]:
        """Do what the stock class does; add the number of classes."""
        samples = super().load_data_list()
        for sample in samples:
            sample['num_classes'] = len(self.metainfo['classes'])
        return samples


@DATASETS.register_module()
class COCOObjects(CheckedSegmentation, stock.BaseSegDataset):
    """COCO's 80 kinds of objects as a semantic set.

    ``tools/dataset_converters/coco_semantic.py`` paints the label maps: 0 to
    79 in the order of COCO's categories, and 255 (ignored) where no object
    is. Names and colours are the first 80 of mmseg's ``COCOStuffDataset``.

    Args:
        **kwargs: Arguments of :class:`mmseg.datasets.BaseSegDataset`.

    Raises:
        FileNotFoundError: If a folder is missing.
        ValueError: If there are no images.
    """

    METAINFO = {
        key: stock.COCOStuffDataset.METAINFO[key][:80]
        for key in ('classes', 'palette')
    }
    LAYOUT = """\
data_root
├── train2017
│   └── *.jpg
├── val2017
│   └── *.jpg
└── semantic
    ├── train2017
    │   └── *.png, which tools/dataset_converters/coco_semantic.py paints
    └── val2017
        └── *.png"""


@DATASETS.register_module()
class ADE20KDataset(CheckedSegmentation, stock.ADE20KDataset):
    """:class:`mmseg.datasets.ADE20KDataset`, but a missing folder is reported
    with the expected layout, and an empty one, too.

    Raises:
        FileNotFoundError: If a folder is missing.
        ValueError: If there are no images.
    """

    LAYOUT = """\
data_root
├── images
│   ├── training
│   │   └── *.jpg
│   └── validation
│       └── *.jpg
└── annotations
    ├── training
    │   └── *.png
    └── validation
        └── *.png
which is the unpacked ADEChallengeData2016.zip; `data_prefix` names others."""


@TRANSFORMS.register_module()
class LoadSegMap(LoadAnnotations):
    """mmseg's ``LoadAnnotations``, but a label that is none of the data set's
    classes is reported with the name of its file.

    Without it training ends in an index error of the loss, and the
    evaluation leaves such pixels out. The data set's samples must tell the
    ``num_classes``, as those of :mod:`mmmix.datasets.segmentation` do.

    Args:
        ignore_index (int): The label of pixels that do not count, which is
            no class. Defaults to 255.
        **kwargs: Arguments of mmseg's ``LoadAnnotations``.

    Raises:
        ValueError: If a label exceeds the classes.
    """

    def __init__(self, ignore_index: int = 255, **kwargs):
        super().__init__(**kwargs)
        self.ignore_index = ignore_index

    def _load_seg_map(self, results: dict) -> None:
        super()._load_seg_map(results)
        labels = results['gt_seg_map']
        count = results['num_classes']
        wrong = labels[(labels >= count) & (labels != self.ignore_index)]
        if wrong.size:
            reduced = ' after reduce_zero_label' if results[
                'reduce_zero_label'] else ''
            raise MmmixError(
                f"'{results['seg_map_path']}' has the label {wrong.max()}"
                f'{reduced} ({wrong.size} pixels do not fit), but the data '
                f'set has {count} classes: labels 0 to {count - 1}, and '
                f'{self.ignore_index} for what does not count.')
