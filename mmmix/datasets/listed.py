"""Images and their classes in the lines of text files."""
from typing import Dict, List, Tuple, Union

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
        MmmixError: If it is not text in UTF-8, or has no such lines.
    """
    try:
        lines = list_from_file(path, encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise MmmixError(f"'{path}' is not text in UTF-8 ({error}): save it "
                         'as such.') from None
    # what a crash of the system leaves of a file
    if any('\0' in line for line in lines):
        raise MmmixError(f"'{path}' is not text: it has zeros as characters.")
    stripped = enumerate(map(str.strip, lines), 1)
    kept = [(number, line) for number, line in stripped if line]
    if not kept:
        raise MmmixError(f"'{path}' is empty.")
    return kept


def read_ids(path: str) -> Dict[str, str]:
    """What belongs to each id, from lines ``id value``; the value may have
    blanks.

    Args:
        path (str): See :func:`read_lines`.

    Raises:
        FileNotFoundError: If there is no such file.
        MmmixError: If a line cannot be read, or an id comes twice.
    """
    values: Dict[str, str] = {}
    for number, line in read_lines(path):
        key, *value = line.split(None, 1)
        if not (value and key.isdecimal()):
            raise MmmixError(f"'{path}', line {number}: expected an id and "
                             f"what belongs to it, but got '{line}'.")
        if key in values:
            raise MmmixError(f"'{path}', line {number}: the id {key} comes "
                             'twice.')
        values[key] = value[0]
    return values


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


def check_prefix(prefix: Union[str, dict], *names: str) -> None:
    """Raise a MmmixError where ``data_prefix`` is a dict that lacks a folder.

    Read lazily, MMPretrain's data sets would miss it long after they are
    built.

    Args:
        prefix (str | dict): What a data set is given.
        *names (str): The names that the dict must have.
    """
    if isinstance(prefix, dict) and not all(
            isinstance(prefix.get(name), str) for name in names):
        folders = ', '.join(f"{name}='...'" for name in names)
        raise MmmixError(f'`data_prefix` must name folders, dict({folders}), '
                         f'but is {prefix!r}.')


class _Listed:
    """A data set of MMPretrain whose ``ann_file`` is read line by line."""

    def __init__(self, data_root: str = '', **kwargs):
        check_prefix(kwargs.get('data_prefix', ''), 'img_path')
        super().__init__(data_root=data_root, **kwargs)

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


@DATASETS.register_module()
class CUB(stock.CUB):
    """:class:`mmpretrain.datasets.CUB`, with the lists read as in
    :class:`CustomDataset`, and an error that names what does not fit.

    Args:
        **kwargs: Arguments of :class:`mmpretrain.datasets.CUB`.

    Raises:
        FileNotFoundError: If a list does not exist.
        MmmixError: If a line cannot be read, or the lists have other ids.

    Example::

        dict(type='mmmix.CUB', data_root='data/CUB_200_2011', split='test')
    """

    def load_data_list(self) -> List[dict]:
        """Read the three lists."""
        paths = read_ids(self.ann_file)
        labels = _numbers(self.image_class_labels_file, paths)
        training = _numbers(self.train_test_split_file, paths)
        join = get_file_backend(
            self.img_prefix, enable_singleton=True).join_path
        return [
            dict(
                img_path=join(self.img_prefix, path), gt_label=labels[key] - 1)
            for key, path in paths.items()
            if training[key] == (self.split == 'train')
        ]


def _numbers(path: str, ids: Dict[str, str]) -> Dict[str, int]:
    """A number for each of some ids."""
    values = read_ids(path)
    other = next(iter(values.keys() ^ ids.keys()), None)
    if other is not None:
        raise MmmixError(f"'{path}' and the list of the images do not have "
                         f'the same ids: one lacks {other}.')
    for key, value in values.items():
        if not value.isdecimal():
            raise MmmixError(f"'{path}': the id {key} has {value!r}, but a "
                             'number is expected.')
    return {key: int(value) for key, value in values.items()}
