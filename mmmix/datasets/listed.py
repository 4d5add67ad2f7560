"""Images and their classes in the lines of a text file."""
import os.path as osp
from typing import List, Tuple

from mmengine.fileio import get_file_backend, list_from_file
from mmpretrain import datasets as stock

from mmmix.errors import MmmixError
from mmmix.registry import DATASETS


def read_lines(path: str) -> List[Tuple[int, str]]:
    """The lines of a text file that are not empty, with their numbers from 1.

    A byte order mark, blanks at the ends and the kind of line ends do not
    matter.

    Args:
        path (str): A file or an address that MMEngine reads.

    Raises:
        FileNotFoundError: If there is no such file.
        MmmixError: If it is not text in UTF-8.
    """
    try:
        lines = list_from_file(path, encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise MmmixError(f"'{path}' is not text in UTF-8 ({error}): save it "
                         'as such.') from None
    stripped = enumerate(map(str.strip, lines), 1)
    return [(number, line) for number, line in stripped if line]


def read_labels(path: str) -> List[Tuple[str, int]]:
    """Paths and labels from lines ``path label``, with blanks or tabs between
    them; the path may have blanks, too.

    Args:
        path (str): See :func:`read_lines`.

    Raises:
        FileNotFoundError: If there is no such file.
        MmmixError: If a line cannot be read, or the file gives an image
            different labels; the message has the numbers of the lines.
    """
    rows, first = [], {}
    for number, line in read_lines(path):
        name, *label = line.rsplit(None, 1)
        if not (label and label[0].isdecimal()):
            raise MmmixError(
                f"'{path}', line {number}: expected `path label`, a label "
                'from 0 after a blank or a tab and no header, but got '
                f"'{line}'.")
        row = name, int(label[0])
        before, label_before = first.setdefault(name, (number, row[1]))
        if label_before != row[1]:
            raise MmmixError(
                f"'{path}', line {number}: '{name}' has the label {row[1]}, "
                f'but in line {before} it has {label_before}.')
        rows.append(row)
    return rows


class _Listed:
    """A data set of MMPretrain whose ``ann_file`` is read line by line."""

    def __init__(self, data_root: str = '', **kwargs):
        super().__init__(data_root=osp.expanduser(data_root), **kwargs)

    def load_data_list(self) -> List[dict]:
        """Read ``ann_file``, or find the images in the folders."""
        if not self.ann_file:
            return super().load_data_list()
        join = get_file_backend(
            self.img_prefix, enable_singleton=True).join_path
        if not self.with_label:
            return [
                dict(img_path=join(self.img_prefix, path))
                for _, path in read_lines(self.ann_file)
            ]
        return [
            dict(img_path=join(self.img_prefix, path), gt_label=label)
            for path, label in read_labels(self.ann_file)
        ]


@DATASETS.register_module()
class CustomDataset(_Listed, stock.CustomDataset):
    """:class:`mmpretrain.datasets.CustomDataset`, but a line of ``ann_file``
    that cannot be read is named.

    Args:
        **kwargs: Arguments of :class:`mmpretrain.datasets.CustomDataset`.

    Raises:
        FileNotFoundError: If the folder or the file does not exist.
        MmmixError: See :func:`read_labels`.

    Example::

        dict(
            type='mmmix.CustomDataset',
            data_root='data/pets',
            ann_file='train.txt')  # lines such as `cat/0.jpg 0`
    """


@DATASETS.register_module()
class ImageNet(_Listed, stock.ImageNet):
    """:class:`mmpretrain.datasets.ImageNet`, with ``ann_file`` read as in
    :class:`CustomDataset`."""
