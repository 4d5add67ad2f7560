"""MMPretrain's data sets, with one thing added: where data is missing, the
error names the path and the layout that is expected."""
from typing import List

from mmengine.fileio import join_path
from mmpretrain import datasets as stock

from mmmix.registry import DATASETS

from .layout import Checked


@DATASETS.register_module()
class CIFAR10(Checked, stock.CIFAR10):
    """:class:`mmpretrain.datasets.CIFAR10`, but with ``download=False`` (not
    the default) a missing folder is reported with the expected layout.

    Raises:
        FileNotFoundError: If the folder is missing and not to be downloaded.
    """

    LAYOUT = """\
data_root
└── cifar-10-batches-py
    ├── batches.meta
    ├── data_batch_1 ... data_batch_5
    └── test_batch
which is the unpacked cifar-10-python.tar.gz; `download=True` fetches it."""

    def required(self) -> List[str]:
        """The folder of the archive, unless it is to be downloaded."""
        folder = join_path(self.data_prefix['root'], self.base_folder)
        return [] if self.download else [folder]


@DATASETS.register_module()
class CIFAR100(CIFAR10, stock.CIFAR100):
    """:class:`mmpretrain.datasets.CIFAR100`, but with ``download=False`` (not
    the default) a missing folder is reported with the expected layout.

    Raises:
        FileNotFoundError: If the folder is missing and not to be downloaded.
    """

    LAYOUT = """\
data_root
└── cifar-100-python
    ├── meta
    ├── test
    └── train
which is the unpacked cifar-100-python.tar.gz; `download=True` fetches it."""


@DATASETS.register_module()
class CUB(Checked, stock.CUB):
    """:class:`mmpretrain.datasets.CUB`, but missing files are reported with
    the expected layout.

    Raises:
        FileNotFoundError: If a file or folder is missing.
    """

    LAYOUT = """\
data_root
├── images
│   ├── 001.Black_footed_Albatross
│   │   └── *.jpg
│   └── ...
├── images.txt
├── image_class_labels.txt
└── train_test_split.txt
which is the unpacked CUB_200_2011.tgz."""

    def required(self) -> List[str]:
        """The three lists and the images."""
        return [
            self.ann_file, self.image_class_labels_file,
            self.train_test_split_file, self.img_prefix
        ]


@DATASETS.register_module()
class CustomDataset(Checked, stock.CustomDataset):
    """:class:`mmpretrain.datasets.CustomDataset`, but a missing folder or
    annotation file is reported with the expected layout.

    Raises:
        FileNotFoundError: If the folder or the annotation file is missing.
    """

    LAYOUT = """\
data_root
└── data_prefix
    ├── first_class
    │   └── *.jpg
    └── ...
or, with `ann_file`, any folders and a text file of lines `path label`."""

    def required(self) -> List[str]:
        """The folder of the images, and the annotation file if one is set."""
        return [path for path in (self.img_prefix, self.ann_file) if path]


@DATASETS.register_module()
class ImageNet(CustomDataset, stock.ImageNet):
    """:class:`mmpretrain.datasets.ImageNet`, but a missing folder is reported
    with the expected layout.

    Raises:
        FileNotFoundError: If the folder or the annotation file is missing.
    """

    LAYOUT = """\
data_root
├── train
│   ├── n01440764
│   │   └── *.JPEG
│   └── ...
├── val
│   └── as in train, or all images in one folder with meta/val.txt
└── meta (optional)
    ├── train.txt: lines `n01440764/n01440764_10026.JPEG 0`
    └── val.txt"""
