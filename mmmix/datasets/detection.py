"""Data sets for mmdet, which this module imports:
``custom_imports = dict(imports=['mmmix.datasets.detection'])``."""
from typing import List

from mmdet import datasets as stock
from mmengine.fileio import load

from mmmix.errors import MmmixError
from mmmix.registry import DATASETS

from .layout import Checked


@DATASETS.register_module()
class CocoDataset(Checked, stock.CocoDataset):
    """:class:`mmdet.datasets.CocoDataset`, with three things added: where
    data is missing, the error names the path and the layout; classes that the
    annotation file lacks, or has in another order, are an error, where the
    stock class silently gives their labels to others; and so are 0 images
    after filtering.

    Args:
        **kwargs: Arguments of :class:`mmdet.datasets.CocoDataset`.

    Raises:
        FileNotFoundError: If the annotation file or the folder of the images
            is missing.
        ValueError: If the classes are not the file's categories, or no image
            is left.
    """

    LAYOUT = """\
data_root
├── annotations
│   ├── instances_train2017.json
│   └── instances_val2017.json
├── train2017
│   └── *.jpg
└── val2017
    └── *.jpg"""

    def required(self) -> List[str]:
        """The annotation file and the folder of the images."""
        return [self.ann_file, self.data_prefix['img']]

    def load_data_list(self) -> List[dict]:
        """Do what the stock class does; compare the classes."""
        samples = super().load_data_list()
        classes = list(self.metainfo['classes'])
        names = [c['name'] for c in load(self.ann_file)['categories']]
        missing = [name for name in classes if name not in names]
        if missing:
            raise MmmixError(
                f"'{self.ann_file}' has {len(names)} categories, but the data "
                f'set has {len(classes)} classes, of which '
                f'{len(missing)} are none of them: '
                f'{", ".join(map(repr, missing[:5]))}'
                f'{", ..." if len(missing) > 5 else ""}. Set '
                "metainfo=dict(classes=(...)) of the data set to the "
                "categories' names, and num_classes of the heads to their "
                'number.')
        order = [name for name in names if name in classes]
        if order != classes:
            raise MmmixError(
                f"'{self.ann_file}' has its categories in another order than "
                f'the classes of the data set, from {order[0]!r} on, and '
                'labels follow the file. Set metainfo=dict(classes=(...)) to '
                f'the order of the file: {", ".join(map(repr, order[:5]))}'
                f'{", ..." if len(order) > 5 else ""}.')
        return samples
