"""Checks of all annotation entries and class folders."""
import os.path as osp
from collections import Counter
from typing import Iterable, Iterator, List, Optional

import numpy as np
from mmcv.transforms import LoadAnnotations, LoadImageFromFile
from mmengine.dataset import BaseDataset
from mmengine.fileio import exists, load
from mmengine.registry import MODELS
from mmpretrain.datasets import CustomDataset
from mmpretrain.models import ImageToImageRetriever

from mmmix.cli.errors import layout_of
from mmmix.errors import first_few
from mmmix.registry import as_list, class_of, is_of, type_name
from .files import by_extension, files_in
from .finding import Finding
from .run import Run, is_known

PATHS = 500  # files of a set whose existence is checked
# of boundaries, or of words, and one that has no class for the background
OTHER_CLASSES = ('STDCHead', 'GroundingDINOHead', 'ATSSVLFusionHead',
                 'SideAdapterCLIPHead')


def check_labels(run: Run, split: str) -> Iterator[Finding]:
    """All labels are those of a class, and every class is trained."""
    where = f'{split}_dataloader.dataset'
    entries = run.entries(split)
    dataset = run.dataset(split)
    total = sum(map(len, entries)) or len(dataset)
    names = {
        type(leaf).__name__: None
        for leaf in run.leaves(split) or [dataset]
    }
    classes = _classes(run, split)
    run.looked_at.append(f'{split}: {total} images' +
                         (f' of {len(classes)} classes' if classes else '') +
                         f' ({", ".join(names)})')
    if not total:
        yield Finding('It has no images.', where)
    heads = head_classes(run)
    if run.task is None:
        count = heads[0][0] if heads else None
        yield from _check_range(run, split, count, classes)
    elif classes:
        things = run.metainfo(split).get('thing_classes', classes)
        for count, head in heads:
            if count not in (len(classes), len(things)):
                yield Finding(
                    f'{head} has num_classes={count}, but the data set has '
                    f'{len(classes)} classes ({first_few(classes)}): set '
                    'num_classes of the head to that number, or '
                    'metainfo=dict(classes=...) of the data set.', where)


def _check_range(run: Run, split: str, count: Optional[int],
                 classes: Optional[list]) -> Iterator[Finding]:
    """Labels of classification."""
    where = f'{split}_dataloader.dataset'
    seen = set()
    for leaf, rows in zip(run.leaves(split), run.entries(split)):
        if not all(map(is_known, map(type, steps_of(leaf)))):
            continue  # a step of the user's own may change labels
        # -1 is an image of none of the head's classes
        lowest = -1 if 'subset' in leaf.metainfo else 0
        labels = {label for row in rows for label in _labels(row)}
        seen |= labels
        if count and labels and not (lowest <= min(labels)
                                     and max(labels) < count):
            wrong = next(
                row for row in rows for label in _labels(row)
                if not lowest <= label < count)
            named = f', and the data set {len(classes)} classes' \
                if classes else ''
            yield Finding(
                f"'{wrong.get('img_path', 'an image')}' has the label "
                f"{wrong['gt_label']}, but the head has num_classes={count}"
                f'{named}: labels must be 0 to {count - 1}. Set num_classes '
                'of head and data_preprocessor to the number of classes, or '
                'mend the label.', leaf.ann_file or where)
            return
    if split == 'train' and seen and classes:
        untrained = [n for i, n in enumerate(classes) if i not in seen]
        if untrained:
            yield Finding(
                f'{len(untrained)} of the {len(classes)} classes have no '
                f'image: {first_few(untrained)}.', where, False)
    if classes and count and count > len(classes):
        yield Finding(
            f'The head has num_classes={count}, but the data set only '
            f'{len(classes)} classes.', where, False)


def _labels(row: dict) -> Iterable[int]:
    """The labels of an image, which may have several or none."""
    label = row.get('gt_label', ())
    return label if isinstance(label, (list, tuple)) else np.ravel(label) \
        if isinstance(label, np.ndarray) else (label, )


def check_same_classes(run: Run, split: str) -> Iterator[Finding]:
    """All sets have the same classes in the same order, by name."""
    if split == 'train' or 'train' not in run.splits or is_of(
            run.cfg.model, MODELS, ImageToImageRetriever):
        return
    for key, of in (('folders', _folders), ('classes', _classes)):
        ours, theirs = of(run, 'train'), of(run, split)
        if not (ours and theirs):
            continue
        if 'subset' in run.metainfo(split) or ours == theirs:
            return
        lacks = [name for name in ours if name not in theirs]
        more = [name for name in theirs if name not in ours]
        how = '; '.join(
            filter(None, [
                f'without {first_few(lacks)}' if lacks else '',
                f'with {first_few(more)}' if more else ''
            ])
        ) or f'in another order: {first_few(theirs)}, not {first_few(ours)}'
        yield Finding(
            f'The {key} differ from those of the training set: {how}. Labels '
            'are positions among them, so both sets must have the same ones '
            'in the same order.',
            f'{split}_dataloader.dataset',
            # the same classes may have been given other names
            key == 'folders' or len(ours) != len(theirs)
            or not (lacks or more))
        return


def check_folders(run: Run, split: str) -> Iterator[Finding]:
    """Class folders: names and order, hidden ones, files left out."""
    for leaf in run.leaves(split):
        folders = sorted(getattr(leaf, 'folder_to_idx', None) or ())
        if not (folders and isinstance(leaf, CustomDataset)):
            continue
        where = f"'{leaf.img_prefix}'"
        hidden = [name for name in folders if name.startswith('.')]
        if hidden:
            yield Finding(
                f'The hidden folder{"s" * (len(hidden) > 1)} '
                f'{first_few(hidden)} count as classes, and shift the labels '
                'of the others: remove them.', where)
        classes = list(leaf.CLASSES or ())
        if classes != folders and sorted(classes) == folders:
            yield Finding(
                'The classes have the names of the folders in another order: '
                f'{first_few(classes)}. Labels follow the sorted folders '
                f'({first_few(folders)}), so predictions would carry wrong '
                'names: give metainfo=dict(classes=[...]) in sorted order, '
                'or leave it out.', where)
        left_out = Counter(
            osp.splitext(file)[1] for name in folders
            for file in files_in(osp.join(leaf.img_prefix, name))
            if not leaf.is_valid_file(file))
        if left_out:
            yield Finding(
                f'{sum(left_out.values())} files are left out by their '
                f'extensions ({by_extension(left_out)}); {type(leaf).__name__}'
                f' reads {", ".join(sorted(leaf.extensions))}.', where, False)


def check_files(run: Run, split: str) -> Iterator[Finding]:
    """Files that are listed twice, or missing."""
    where = f'{split}_dataloader.dataset'
    paths: List[str] = []
    for leaf, rows in zip(run.leaves(split), run.entries(split)):
        paths += [row['img_path'] for row in rows if 'img_path' in row]
        own = [
            row[key] for step in steps_of(leaf)
            for key in _read_from_disk(step) for row in rows if row.get(key)
        ]
        some = np.random.default_rng(0).permutation(len(own))[:PATHS]
        missing = [own[i] for i in sorted(some) if not exists(own[i])]
        if missing:
            yield Finding(
                f'{len(missing)} of {len(some)} files that were looked for '
                f"are missing, such as '{missing[0]}'." +
                layout_of([type(leaf)]), leaf.ann_file or where)
    twice = [path for path, n in Counter(paths).items() if n > 1]
    if twice:
        yield Finding(
            f'{len(twice)} images are listed more than once: '
            f'{first_few(twice)}.', where, False)
    if split != 'train' and 'train' in run.splits:
        trained = {
            row.get('img_path')
            for rows in run.entries('train')
            for row in rows
        }
        shared = [path for path in paths if path in trained]
        if shared:
            yield Finding(
                f'{len(shared)} of the {len(paths)} images are training '
                f'images, too: {first_few(shared, 2)}.', where, False)


def check_masks_of_objects(run: Run, split: str) -> Iterator[Finding]:
    """Objects have masks where the pipeline reads masks."""
    for leaf, rows in zip(run.leaves(split), run.entries(split)):
        if not any(
                getattr(step, 'with_mask', False) and is_known(type(step))
                for step in steps_of(leaf)):
            continue
        bare = [
            row for row in rows
            if any('mask' not in obj for obj in row.get('instances', ()))
        ]
        if bare:
            yield Finding(
                f'{len(bare)} of {len(rows)} images have objects without '
                f"`segmentation`, such as '{bare[0].get('img_path')}'"
                f'{_maskless(leaf)}, but the pipeline loads masks: '
                'add it, or train a detector without masks '
                '(with_mask=False).', leaf.ann_file
                or f'{split}_dataloader.dataset')


def head_classes(run: Run) -> List[tuple]:
    """Number of classes and place in the config of each head that says it."""
    heads = ('head', 'decode_head', 'auxiliary_head', 'bbox_head', 'mask_head')
    found = []

    def visit(node, place, inside):
        if isinstance(node, (list, tuple)):
            for i, child in enumerate(node):
                visit(child, f'{place}.{i}', inside)
        elif isinstance(node, dict):
            count = node.get('num_classes')
            if (inside and isinstance(count, int)
                    and is_known(class_of(node, MODELS))
                    and type_name(node) not in OTHER_CLASSES
                    and (run.task != 'mmseg' or _by_softmax(node))):
                found.append((count, place))
            for key, child in node.items():
                if key == 'roi_head' or key in heads:
                    visit(child, f'{place}.{key}', key in heads)

    visit(run.cfg.model, 'model', False)
    return found


def _by_softmax(head: dict) -> bool:
    """Whether a loss of a segmentation head takes labels of its classes
    alone; those for a sigmoid may be 0 and 1 of one class."""
    losses = as_list(head.get('loss_decode') or dict(type='CrossEntropyLoss'))
    return any(
        type_name(loss) in ('CrossEntropyLoss',
                            'OhemCrossEntropy') and not loss.get('use_sigmoid')
        for loss in losses)


def steps_of(leaf: BaseDataset) -> list:
    """The steps of the pipeline of a data set."""
    return getattr(leaf.pipeline, 'transforms', [leaf.pipeline])


def _read_from_disk(step) -> Iterator[str]:
    """The paths of an entry at which a step reads local files."""
    if any(
            getattr(step, key, None)
            for key in ('backend_args', 'file_client_args')):
        return
    if isinstance(step, LoadImageFromFile) and is_known(type(step)):
        yield 'img_path'
    if isinstance(step, LoadAnnotations) and step.with_seg:
        yield 'seg_map_path'


def _classes(run: Run, split: str) -> Optional[list]:
    classes = run.metainfo(split).get('classes')
    return list(classes) if classes else None


def _folders(run: Run, split: str) -> Optional[list]:
    """The class folders, where labels are positions among them."""
    folders = getattr(run.dataset(split), 'folder_to_idx', None)
    return sorted(folders) if folders else None


def _maskless(leaf: BaseDataset) -> str:
    """The ids of annotations without masks, as text."""
    if not hasattr(leaf, 'COCOAPI'):
        return ''
    ids = [
        ann['id'] for ann in load(leaf.ann_file)['annotations']
        if not ann.get('segmentation')
    ]
    return f' (annotations {first_few(ids)})'
