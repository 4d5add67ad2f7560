import os.path as osp
from typing import Iterator, List, Sequence, Tuple, Union

import numpy as np
from mmengine.fileio import exists, list_from_file
from mmpretrain.datasets import BaseDataset

from mmmix.errors import MmmixError
from mmmix.registry import DATASETS

from .layout import check_layout


@DATASETS.register_module()
class TinyImageNet(BaseDataset):
    """Tiny-ImageNet: 200 classes, 64x64 pixels, one object box an image.

    It is read from the folders of the original archive, see ``LAYOUT``. The
    label is the place of the image's wnid among the chosen ones in sorted
    order (``wnids.txt`` itself is not sorted).

    A sample holds ``img_path``, ``gt_label``, ``gt_bboxes_labels`` (int64
    ``(1,)``, the label once more) and ``gt_bboxes``: float32 ``(1, 4)``,
    ``(x1, y1, x2, y2)`` in pixels, half open. The files count column x2 and
    row y2 as part of the box, so 1 is added to both.

    Args:
        data_root (str): The folder ``tiny-imagenet-200``.
        split (str): 'train' or 'val'. Defaults to 'train'.
        wnids (str | int | Sequence[str]): The classes to take: 'all';
            'available', those with a folder in ``train`` (for both splits);
            a number, to take as many from the start of the sorted list; or a
            list of wnids. Defaults to 'all'.
        **kwargs: Other arguments of
            :class:`mmpretrain.datasets.BaseDataset`, such as ``pipeline``.

    Raises:
        FileNotFoundError: If the layout is another one, or if there is no
            training data of a class that was asked for.
        ValueError: If ``split`` or ``wnids`` is none of the above, or a line
            of a list cannot be read.
    """

    LAYOUT = """\
data_root
├── train
│   ├── n01443537
│   │   ├── images
│   │   │   └── n01443537_0.JPEG ...
│   │   └── n01443537_boxes.txt
│   └── ...
├── val
│   ├── images
│   │   └── val_0.JPEG ...
│   └── val_annotations.txt
├── wnids.txt
└── words.txt
which is the unpacked tiny-imagenet-200.zip."""

    def __init__(self,
                 data_root: str,
                 split: str = 'train',
                 wnids: Union[str, int, Sequence[str]] = 'all',
                 **kwargs):
        if split not in ('train', 'val'):
            raise MmmixError(
                f"split must be 'train' or 'val', but got '{split}'.")
        data_root = osp.expanduser(data_root)
        check_layout([
            osp.join(data_root, name)
            for name in ('wnids.txt', 'words.txt', 'train',
                         'val/val_annotations.txt')
        ], self.LAYOUT)
        self.split = split
        self.wnids = _choose(wnids, data_root)
        words = dict(
            line.split('\t', 1)
            for line in list_from_file(osp.join(data_root, 'words.txt')))
        super().__init__(
            ann_file='',
            data_root=data_root,
            metainfo=dict(
                classes=tuple(words.get(wnid, wnid) for wnid in self.wnids),
                wnids=self.wnids),
            **kwargs)

    def load_data_list(self) -> List[dict]:
        """Read labels and boxes; the images are not looked at."""
        rows = self._train() if self.split == 'train' else self._val()
        return [
            dict(
                img_path=path,
                gt_label=label,
                gt_bboxes=np.float32([[x1, y1, x2 + 1, y2 + 1]]),
                gt_bboxes_labels=np.array([label]))
            for path, label, (x1, y1, x2, y2) in rows
        ]

    def extra_repr(self) -> List[str]:
        """What tells this data set from others of its class."""
        return [
            f'Root of dataset: \t{self.data_root}', f'Split: \t{self.split}'
        ]

    def _train(self) -> Iterator[Tuple[str, int, List[int]]]:
        train = osp.join(self.data_root, 'train')
        lists = [osp.join(train, w, f'{w}_boxes.txt') for w in self.wnids]
        missing = [w for w, path in zip(self.wnids, lists) if not exists(path)]
        if missing:
            raise FileNotFoundError(
                f"'{train}' holds no data of {len(missing)} of {len(lists)} "
                f"classes: {', '.join(missing)}. Unpack them, or leave them "
                "out of all splits with `wnids='available'`.")
        for label, (wnid, path) in enumerate(zip(self.wnids, lists)):
            for (name, ), box in _rows(path, 1):
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
    everything = sorted(list_from_file(osp.join(data_root, 'wnids.txt')))
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
            f'and {len(everything)}, or a list of different wnids out of '
            f"'{data_root}/wnids.txt', but got {wnids!r}, which leaves none.")
    return tuple(chosen)


def _rows(path: str, columns: int) -> Iterator[Tuple[List[str], List[int]]]:
    """The rows of a table: as many columns of text, then a box."""
    for number, line in enumerate(list_from_file(path), 1):
        row = line.split('\t')
        box = [int(value) for value in row[columns:] if value.isdigit()]
        if len(row) != columns + 4 or len(box) != 4:
            raise MmmixError(
                f"'{path}', line {number}: expected {columns} names and 4 "
                f"integers with tabs between, but got '{line}'.")
        yield row[:columns], box
