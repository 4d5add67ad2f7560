"""Tiny-ImageNet with its boxes."""
import os.path as osp
from typing import Iterator, List, Sequence, Tuple, Union

import numpy as np
from mmengine.fileio import exists
from mmpretrain.datasets import BaseDataset

from mmmix.errors import MmmixError, check_name, first_few
from mmmix.registry import DATASETS
from .listed import read_lines


@DATASETS.register_module()
class TinyImageNet(BaseDataset):
    """Tiny-ImageNet: 200 classes, 64 x 64 pixels, one object box per image.

    It is read from the folders of the original archive. The label is the
    position of the image's wnid among the chosen ones in sorted order
    (``wnids.txt`` itself is not sorted).

    A sample holds ``img_path``, ``gt_label``, ``gt_bboxes_labels`` (int64
    ``(1,)``, the same label) and ``gt_bboxes``: float32 ``(1, 4)``,
    ``(x1, y1, x2, y2)`` in pixels, half open. In the files, column x2 and row
    y2 belong to the box, so 1 is added to both.

    Args:
        data_root (str): The folder ``tiny-imagenet-200``.
        split (str): 'train' or 'val'. Defaults to 'train'.
        wnids (str | int | Sequence[str]): The classes to use: 'all';
            'available', those with a folder in ``train`` (for both splits);
            a number, to use as many from the start of the sorted list; or a
            list of wnids. Defaults to 'all'.
        images_per_class (int | Sequence[int], optional): Of the training
            images, only this many of each class, the first, or those from a
            first to before a last, in the order of the class's list. Defaults
            to None, all.
        **kwargs: Other arguments of
            :class:`mmpretrain.datasets.BaseDataset`, such as ``pipeline``.

    Raises:
        FileNotFoundError: If a list, or the training data of a chosen class,
            is missing.
        MmmixError: If ``split`` or ``wnids`` is not one of these, a class has
            too few images, or a line of a list cannot be read.

    Example::

        dict(
            type='mmmix.TinyImageNet',
            data_root='data/tiny-imagenet-200',
            split='val',
            wnids=25)
    """

    def __init__(self,
                 data_root: str,
                 split: str = 'train',
                 wnids: Union[str, int, Sequence[str]] = 'all',
                 images_per_class: Union[int, Sequence[int], None] = None,
                 **kwargs):
        check_name('split', split, ('train', 'val'))
        self.split = split
        if isinstance(images_per_class, int):
            images_per_class = 0, images_per_class
        self.images_per_class = images_per_class
        self.wnids = _choose(wnids, data_root)
        words = dict(
            line.partition('\t')[::2]
            for _, line in read_lines(osp.join(data_root, 'words.txt')))
        super().__init__(
            ann_file='',
            data_root=data_root,
            metainfo=dict(
                classes=tuple(words.get(wnid, wnid) for wnid in self.wnids),
                wnids=self.wnids),
            **kwargs)

    def load_data_list(self) -> List[dict]:
        """Read labels and boxes; the images are not opened."""
        rows = self._train() if self.split == 'train' else self._val()
        return [
            dict(
                img_path=path,
                gt_label=label,
                gt_bboxes=np.float32([[x1, y1, x2 + 1, y2 + 1]]),
                gt_bboxes_labels=np.array([label]))
            for path, label, (x1, y1, x2, y2) in rows
        ]

    def _train(self) -> Iterator[Tuple[str, int, List[int]]]:
        train = osp.join(self.data_root, 'train')
        lists = [osp.join(train, w, f'{w}_boxes.txt') for w in self.wnids]
        missing = [w for w, path in zip(self.wnids, lists) if not exists(path)]
        if missing:
            raise FileNotFoundError(
                f"'{train}' has no data of {len(missing)} of {len(lists)} "
                f'classes: {first_few(missing)}. Unpack them, or leave them '
                "out of all splits with `wnids='available'`.")
        first, last = self.images_per_class or (0, None)
        for label, (wnid, path) in enumerate(zip(self.wnids, lists)):
            rows = [*_rows(path, 1)]
            if last is not None and not 0 <= first < last <= len(rows):
                raise MmmixError(
                    f'`images_per_class` asks for images {first} to {last} '
                    f"of each class, but '{path}' lists {len(rows)}.")
            for (name, ), box in rows[first:last]:
                yield osp.join(train, wnid, 'images', name), label, box

    def _val(self) -> Iterator[Tuple[str, int, List[int]]]:
        labels = {wnid: label for label, wnid in enumerate(self.wnids)}
        folder = osp.join(self.data_root, 'val')
        path = osp.join(folder, 'val_annotations.txt')
        for (name, wnid), box in _rows(path, 2):
            if wnid in labels:
                yield osp.join(folder, 'images', name), labels[wnid], box


def _choose(wnids: Union[str, int, Sequence[str]],
            data_root: str) -> Tuple[str, ...]:
    """The chosen wnids, sorted."""
    everything = sorted(
        line for _, line in read_lines(osp.join(data_root, 'wnids.txt')))
    if wnids == 'all':
        chosen = everything
    elif wnids == 'available':
        chosen = [
            wnid for wnid in everything
            if exists(osp.join(data_root, 'train', wnid))
        ]
    elif isinstance(wnids, int) and wnids <= len(everything):
        chosen = everything[:max(wnids, 0)]
    elif isinstance(wnids, (list, tuple)) and len(
            set(wnids).intersection(everything)) == len(wnids):
        chosen = sorted(wnids)
    else:
        chosen = []
    if not chosen:
        raise MmmixError(
            "wnids must be 'all', 'available', a number of classes between 1 "
            f'and {len(everything)}, or a list of different wnids of '
            f"'{data_root}/wnids.txt', but got {wnids!r}, which selects none.")
    return tuple(chosen)


def _rows(path: str, columns: int) -> Iterator[Tuple[List[str], List[int]]]:
    """The rows of a table: ``columns`` names, then the 4 sides of a box."""
    for number, line in read_lines(path):
        row = line.split('\t')
        box = [int(value) for value in row[columns:] if value.isdigit()]
        if len(row) != columns + 4 or len(box) != 4:
            raise MmmixError(
                f"'{path}', line {number}: expected {columns} names and 4 "
                f"integers, separated by tabs, but got '{line}'.")
        yield row[:columns], box
