"""Pascal VOC 2012 for classifiers."""
import os.path as osp
from typing import List

from mmengine.fileio import list_dir_or_file
from mmpretrain.datasets import BaseDataset
from mmpretrain.datasets.categories import VOC2007_CATEGORIES

from mmmix.errors import check_name
from mmmix.registry import DATASETS
from .listed import read_lines


@DATASETS.register_module()
class VOCSegmentation(BaseDataset):
    """The images of Pascal VOC 2012 that have masks, for classifiers.

    It measures where a classifier looks, so a sample has a mask and no
    ``gt_label``: an image shows objects of several classes, and the
    classifier need not have any of them.

    A sample holds ``img_path`` and ``seg_map_path``, which
    :class:`mmmix.datasets.LoadMask` reads as ``gt_seg_map``: 0 is the
    background, 1 to 20 are the classes and 255 is void.

    Args:
        data_root (str): The folder ``VOC2012``.
        split (str): 'train' (1464 images), 'val' (1449) or 'trainval'.
            Defaults to 'val'.
        **kwargs: Other arguments of
            :class:`mmpretrain.datasets.BaseDataset`, such as ``pipeline``.

    Raises:
        FileNotFoundError: If the list, a folder, or images or masks of the
            list are missing; it says how many were found and expected.
        MmmixError: If ``split`` is not one of these, or the list is empty.

    Example::

        dict(
            type='mmmix.VOCSegmentation',
            data_root='data/VOCdevkit/VOC2012',
            split='val')
    """

    METAINFO = {'classes': VOC2007_CATEGORIES}

    def __init__(self, data_root: str, split: str = 'val', **kwargs):
        check_name('split', split, ('train', 'val', 'trainval'))
        super().__init__(
            ann_file=f'ImageSets/Segmentation/{split}.txt',
            data_root=data_root,
            data_prefix=dict(
                img_path='JPEGImages', seg_map_path='SegmentationClass'),
            **kwargs)

    def load_data_list(self) -> List[dict]:
        """Read the list, and check that every file it names exists."""
        folders = self.data_prefix
        names = [name for _, name in read_lines(self.ann_file)]
        self._check_files(names, folders['img_path'], '.jpg')
        self._check_files(names, folders['seg_map_path'], '.png')
        return [
            dict(
                img_path=osp.join(folders['img_path'], f'{name}.jpg'),
                seg_map_path=osp.join(folders['seg_map_path'], f'{name}.png'))
            for name in names
        ]

    def _check_files(self, names: List[str], folder: str, suffix: str) -> None:
        found = set(list_dir_or_file(folder, list_dir=False))
        missing = [name for name in names if f'{name}{suffix}' not in found]
        if missing:
            raise FileNotFoundError(
                f"'{folder}' has {len(names) - len(missing)} of the "
                f"{len(names)} files that '{self.ann_file}' lists, not "
                f'{missing[0]}{suffix}. Unpack all of them.')
