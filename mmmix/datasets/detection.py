"""A data set for mmdet, which this module imports:
``custom_imports = dict(imports=['mmmix.datasets.detection'])``."""
from json import JSONDecodeError
from typing import List

from mmdet import datasets as stock
from mmengine.fileio import load

from mmmix.errors import MmmixError, first_few
from mmmix.registry import DATASETS


@DATASETS.register_module()
class CocoDataset(stock.CocoDataset):
    """:class:`mmdet.datasets.CocoDataset`, but classes that the annotation
    file lacks, or has in another order, are an error.

    Labels follow the order of the categories in the file, so mmdet silently
    gives images the labels of other classes in both cases.

    Args:
        **kwargs: Arguments of :class:`mmdet.datasets.CocoDataset`.

    Raises:
        FileNotFoundError: If the annotation file does not exist.
        MmmixError: If the file is not JSON or has no images, or the classes
            are not the categories of the file.

    Example::

        dict(
            type='mmmix.CocoDataset',
            data_root='data/coco',
            ann_file='annotations/instances_train2017.json',
            data_prefix=dict(img='train2017'))
    """

    def load_data_list(self) -> List[dict]:
        """Load the annotations, and compare classes and categories."""
        try:
            samples = super().load_data_list()
        except (JSONDecodeError, UnicodeDecodeError) as error:
            raise MmmixError(f"'{self.ann_file}' is not JSON in UTF-8 without "
                             f'a byte order mark ({error}).') from None
        if not samples:
            raise MmmixError(f"'{self.ann_file}' has no images.")
        classes = list(self.metainfo['classes'])
        names = [c['name'] for c in load(self.ann_file)['categories']]
        missing = [name for name in classes if name not in names]
        if missing:
            raise MmmixError(
                f"'{self.ann_file}' has {len(names)} categories, but lacks "
                f'{len(missing)} of the {len(classes)} classes of the data '
                f'set: {first_few(map(repr, missing))}. Set metainfo=dict('
                'classes=(...)) of the data set to the names of the '
                'categories, and num_classes of the heads to their number.')
        order = [name for name in names if name in classes]
        if order != classes:
            raise MmmixError(
                f"The categories of '{self.ann_file}', which labels follow, "
                'are in another order than the classes of the data set. Set '
                'metainfo=dict(classes=(...)) to the order of the file: '
                f'{first_few(map(repr, order))}.')
        return samples
