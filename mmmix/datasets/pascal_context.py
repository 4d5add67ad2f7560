"""Pascal Context for mmseg:
``custom_imports = dict(imports=['mmmix.datasets.pascal_context'])``."""
from mmseg import datasets as stock

from mmmix.registry import DATASETS

from .segmentation import CheckedSegmentation


@DATASETS.register_module()
class PascalContextDataset(CheckedSegmentation, stock.PascalContextDataset):
    """:class:`mmseg.datasets.PascalContextDataset`, 59 classes and the
    background, but a missing folder or list is reported with the expected
    layout, and an empty one, too.

    Raises:
        FileNotFoundError: If a folder or a list is missing.
        ValueError: If there are no images.
    """

    LAYOUT = """\
data_root
├── JPEGImages
│   └── *.jpg
├── SegmentationClassContext
│   └── *.png, labels 0 (background) to 59
└── ImageSets
    └── SegmentationContext
        ├── train.txt
        └── val.txt
which is VOC2010 with the label maps that MMSegmentation's
tools/dataset_converters/pascal_context.py makes."""
