"""What is wrong with the files of a data set that could not be read."""
from collections import Counter
from pathlib import Path
from typing import List, Optional

from mmengine.fileio import load
from mmengine.registry import DATASETS
from mmpretrain.datasets import CustomDataset

from mmmix.errors import MmmixError

# what mmdet's CocoDataset reads of each entry
COCO_FIELDS = dict(
    images=('id', 'file_name', 'height', 'width'),
    annotations=('id', 'image_id', 'category_id', 'bbox', 'area'))


def kind_of(cfg: dict) -> Optional[type]:
    """The class that the config of a data set names, None if unknown."""
    kind = cfg.get('type')
    if not isinstance(kind, str):
        return kind
    with DATASETS.switch_scope_and_registry(None) as registry:
        return registry.get(kind)


def explain(cfg: dict, error: Exception) -> None:
    """Raise an error that names files in place of one that does not.

    Args:
        cfg (dict): Config of a data set without wrapper.
        error (Exception): What building it raised.

    Raises:
        MmmixError: If the folders of its classes or an entry of its
            annotation file explain the error.
    """
    kind = kind_of(cfg)
    if isinstance(error, (MmmixError, FileNotFoundError)) or kind is None:
        return
    if issubclass(kind, CustomDataset):
        dataset = DATASETS.build(dict(cfg, lazy_init=True))
        if not dataset.ann_file and dataset.with_label:
            _explain_folders(dataset)
    elif hasattr(kind, 'COCOAPI'):
        path = DATASETS.build(dict(cfg, lazy_init=True)).ann_file
        for problem in coco_problems(path):
            raise MmmixError(problem) from error


def _explain_folders(dataset: CustomDataset) -> None:
    root = Path(dataset.img_prefix)
    folders = sorted(path.name for path in root.iterdir() if path.is_dir())
    kind = type(dataset).__name__
    if not folders:
        raise MmmixError(f"'{root}' has no folders, but {kind} without "
                         '`ann_file` expects one for each class.')
    if dataset.CLASSES and len(dataset.CLASSES) != len(folders):
        hidden = [name for name in folders if name.startswith('.')]
        remove = f' Remove the hidden {", ".join(hidden)}.' if hidden else ''
        raise MmmixError(
            f"'{root}' has {len(folders)} class folders ({first(folders)}), "
            f'but {kind} has the names of {len(dataset.CLASSES)} classes.'
            f"{remove} To use your own classes, set type='CustomDataset', "
            'which takes the names of the folders, or '
            'metainfo=dict(classes=[...]) with a name for each folder in '
            'sorted order.')
    suffixes = Counter(
        path.suffix for path in root.rglob('*') if path.is_file())
    if not any(name.lower().endswith(dataset.extensions) for name in suffixes):
        found = ', '.join(f'{count} {suffix or "without extension"}'
                          for suffix, count in suffixes.most_common(5))
        raise MmmixError(
            f"The class folders of '{root}' have no image that {kind} reads: "
            f'it reads {", ".join(sorted(dataset.extensions))} and found '
            f'{found or "no files"}. Convert the files, or name their '
            'extensions in `extensions` of the data set if the image decoder '
            'knows them.')


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
            lacks = [key for key in fields if key not in entry]
            if 'bbox' in entry and len(entry['bbox']) != 4:
                lacks.append('bbox (x, y, width, height)')
            if lacks:
                name = entry.get('file_name') or f'id {entry.get("id")}'
                problems.append(
                    f"'{path}': entry {place} of `{kind}` ({name}) has no "
                    f'{", ".join(lacks)}, which mmdet reads: add it.')
                break
    return problems


def first(names, count: int = 5) -> str:
    """The first few names, and how many more there are."""
    names = [str(name) for name in names]
    more = f', ... ({len(names)} in all)' if names[count:] else ''
    return ', '.join(names[:count]) + more
