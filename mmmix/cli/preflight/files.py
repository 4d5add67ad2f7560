"""What is wrong with the files of a data set."""
import os
import os.path as osp
from collections import Counter
from typing import Iterator, List, Optional

from mmengine.fileio import load
from mmengine.registry import DATASETS
from mmpretrain.datasets import CustomDataset

from mmmix.errors import MmmixError, first_few
from mmmix.private import set_entries
from mmmix.registry import class_of

# where class folders are read as MMPretrain reads them
LISTING = (CustomDataset.__module__, 'mmmix.datasets.listed')
# what mmdet's CocoDataset reads of each entry
COCO_FIELDS = dict(
    images=('id', 'file_name', 'height', 'width'),
    annotations=('id', 'image_id', 'category_id', 'bbox', 'area'))


def read_class_folders(cfg: dict) -> Optional[CustomDataset]:
    """Build a data set of class folders without MMPretrain's slow listing.

    Args:
        cfg (dict): Config of a data set.

    Returns:
        CustomDataset, optional: None if it is of another kind.

    Raises:
        MmmixError: If the folders do not fit the classes, or hold no image.
    """
    kind = class_of(cfg, DATASETS)
    if not (isinstance(kind, type) and issubclass(kind, CustomDataset)
            and kind.load_data_list.__module__ in LISTING
            and not {'indices', 'filter_cfg'} & set(cfg)):
        return None
    dataset = DATASETS.build(dict(cfg, lazy_init=True, serialize_data=False))
    root = dataset.img_prefix
    if dataset.ann_file or not dataset.with_label or not osp.isdir(root):
        return None
    folders = sorted(
        entry.name for entry in os.scandir(root) if entry.is_dir())
    check_class_folders(dataset, folders)
    entries = [
        dict(img_path=osp.join(root, name, file), gt_label=label)
        for label, name in enumerate(folders)
        for file in sorted(files_in(osp.join(root, name)))
        if dataset.is_valid_file(file)
    ]
    if entries:
        set_entries(dataset, folders, entries)
        return dataset
    left_out = Counter(
        osp.splitext(file)[1] for name in folders
        for file in files_in(osp.join(root, name)))
    raise MmmixError(
        f"The class folders of '{root}' have no image that {kind.__name__} "
        f'reads: it reads {", ".join(sorted(dataset.extensions))} and found '
        f'{by_extension(left_out)}. Convert the files, or name their '
        'extensions in `extensions` of the data set if the image decoder '
        'knows them.')


def check_class_folders(dataset: CustomDataset, folders: List[str]) -> None:
    """Raise a MmmixError unless there is a folder for each class."""
    root, kind = dataset.img_prefix, type(dataset).__name__
    if not folders:
        raise MmmixError(f"'{root}' has no folders, but {kind} without "
                         '`ann_file` expects one for each class.')
    if dataset.CLASSES and len(dataset.CLASSES) != len(folders):
        hidden = [name for name in folders if name.startswith('.')]
        remove = f' Remove the hidden {", ".join(hidden)}.' if hidden else ''
        raise MmmixError(
            f"'{root}' has {len(folders)} class folders "
            f'({first_few(folders)}), but {kind} has the names of '
            f'{len(dataset.CLASSES)} classes.{remove} To use your own '
            "classes, set type='CustomDataset', which takes the names of the "
            'folders, or '
            'metainfo=dict(classes=[...]) with a name for each folder in '
            'sorted order.')


def files_in(folder: str, inside: str = '') -> Iterator[str]:
    """The files of a class folder that MMPretrain looks at, at any depth."""
    for entry in os.scandir(folder):
        if entry.is_dir():
            yield from files_in(entry.path, f'{inside}{entry.name}/')
        elif not entry.name.startswith('.'):
            yield inside + entry.name


def by_extension(counts: Counter) -> str:
    """Numbers of files by extension, as text."""
    return ', '.join(f'{n} {suffix or "without extension"}'
                     for suffix, n in counts.most_common(5)) or 'no files'


def explain_coco(cfg: dict, error: Exception) -> None:
    """Name the entry of an annotation file that mmdet could not read.

    Args:
        cfg (dict): Config of a data set without wrapper.
        error (Exception): What building it raised.

    Raises:
        MmmixError: If an entry explains the error.
    """
    if not (isinstance(error, (MmmixError, FileNotFoundError))
            or not hasattr(class_of(cfg, DATASETS), 'COCOAPI')):
        path = DATASETS.build(dict(cfg, lazy_init=True)).ann_file
        for problem in coco_problems(path):
            raise MmmixError(problem) from error


def coco_problems(path: str) -> List[str]:
    """The first entry of each kind in an annotation file that lacks a field
    that mmdet reads."""
    try:
        content = load(path)
    except ValueError as error:
        return [f"'{path}' cannot be read: {error}."]
    problems = []
    missing = [
        key for key in (*COCO_FIELDS, 'categories') if key not in content
    ]
    if missing:
        return [
            f"'{path}' is not in the format of COCO: it has no "
            f'{", ".join(missing)}.'
        ]
    for kind, fields in COCO_FIELDS.items():
        for place, entry in enumerate(content[kind]):
            known = entry if isinstance(entry, dict) else {}
            lacks = [key for key in fields if key not in known]
            if 'bbox' in known and len(known['bbox'] or []) != 4:
                lacks.append('bbox (x, y, width, height)')
            if lacks:
                name = known.get('file_name') or f'id {known.get("id")}'
                problems.append(
                    f"'{path}': entry {place} of `{kind}` ({name}) has no "
                    f'{", ".join(lacks)}, which mmdet reads: add it.')
                break
    return problems
