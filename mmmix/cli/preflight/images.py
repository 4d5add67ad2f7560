"""Checks of a few images: loaded, through the pipelines, put together."""
from typing import Any, Iterator, List, Tuple

import numpy as np
import torch
from mmcv.transforms import CenterCrop, LoadAnnotations, RandomFlip
from mmengine.dataset import BaseDataset
from mmengine.registry import MODELS
from mmpretrain.datasets import transforms

from mmmix.datasets import LoadLabelMap, RandomResizedCrop
from mmmix.datasets.collating import sides
from mmmix.errors import first_few
from mmmix.registry import as_list, class_of
from .entries import head_classes, steps_of
from .finding import Finding
from .run import Run, is_known

# steps after which nobody can tell where a pixel was
UNRECORDED = (CenterCrop, transforms.RandomResizedCrop, transforms.RandomCrop,
              transforms.EfficientNetCenterCrop, transforms.Rotate,
              transforms.Shear, transforms.Translate)
TURNED = 8  # images with an EXIF orientation that are loaded
MASKS = 100  # label maps of a set that are read


def check_samples(run: Run, split: str) -> Iterator[Finding]:
    """The pipeline gives an image and its annotation, and images that can be
    put together."""
    where = f'{split}_dataloader.dataset.pipeline'
    reads_inputs = is_known(class_of(run.cfg.model, MODELS))
    for sample in run.samples(split):
        if reads_inputs and (not isinstance(sample, dict)
                             or 'inputs' not in sample):
            steps = [
                type(step).__name__ for leaf in run.leaves(split)
                for step in steps_of(leaf)
            ]
            keys = ', '.join(sample) if isinstance(sample, dict) else sample
            yield Finding(
                f'The pipeline ({", ".join(steps)}) gives no image '
                f'(`inputs`), only {keys}: it must begin with a step that '
                "loads one, such as dict(type='mmmix.LoadImage'), and end "
                'with one that packs it, such as PackInputs.', where)
            return
    samples = run.samples(split)
    run.looked_at.append(
        f'{split}: {len(samples)} images through the pipeline' +
        _sizes_of(samples))
    run.batch(split, len(samples))


def _flat(step: Any) -> Iterator[Any]:
    """A step of a pipeline, or those inside it, as of RandAugment."""
    inside = getattr(step, 'transforms', None)
    if not inside:
        yield step
    for child in inside or ():
        yield from _flat(child)


def check_recorded_crops(run: Run, split: str) -> Iterator[Finding]:
    """What moves an image moves its stored label map, too."""
    where = f'{split}_dataloader.dataset.pipeline'
    for leaf in run.leaves(split):
        steps = [*_flat(leaf.pipeline)]
        if not any(isinstance(step, LoadLabelMap) for step in steps):
            continue
        moving = [
            type(step).__name__ for step in steps
            if isinstance(step, UNRECORDED)
            and not isinstance(step, RandomResizedCrop)
        ]
        if moving:
            yield Finding(
                f'{", ".join(moving)} moves pixels without a record, so the '
                'label maps would not lie where the image does: crop by '
                "dict(type='mmmix.RandomResizedCrop', ...) alone, and keep "
                'policies of RandAugment that rotate, shear or translate '
                'out.', where)
        if sum(isinstance(step, RandomFlip) for step in steps) > 1:
            yield Finding(
                'The record of a RandomFlip replaces that of the one before, '
                'so the label maps would not lie where the image does: flip '
                "in one step, such as dict(type='RandomFlip', prob=[.25, .25, "
                ".25], direction=['horizontal', 'vertical', 'diagonal']).",
                where)


def check_stored_classes(run: Run, split: str) -> Iterator[Finding]:
    """Stored label maps are of the classes of the head."""
    for leaf in run.leaves(split):
        for step in _flat(leaf.pipeline):
            if not isinstance(step, LoadLabelMap):
                continue
            for count, place in head_classes(run):
                if count != step.num_classes:
                    yield Finding(
                        f'LoadLabelMap has num_classes={step.num_classes}, '
                        f'but {place} {count}: store label maps of the '
                        'classes of the model, in its order.',
                        f'{split}_dataloader.dataset.pipeline')


def check_turned(run: Run, split: str) -> Iterator[Finding]:
    """Images are loaded in the size that their boxes and masks are for."""
    leaves = run.leaves(split)
    if len(leaves) != 1 or leaves[0] is not run.dataset(split):
        return
    dataset, suspects, masks = leaves[0], [], []
    for index, _, height, width, turn in run.headers(split):
        info = dataset.get_data_info(index)
        if 'height' in info and 'width' in info:
            said = info['height'], info['width']
            if turn != 1 or said != (height, width):
                suspects.append((index, said, 'annotation file'))
        elif info.get('seg_map_path'):
            (masks if turn == 1 else suspects).append(
                (index, None, 'label map'))
    for index, said, by in suspects[:TURNED] + masks[:TURNED]:
        info = dataset.get_data_info(index)
        run.looking_at = f"'{info['img_path']}' as it is loaded"
        loaded, label_map = _load(dataset, info)
        if said is None and label_map and loaded and abs(
                label_map[0] * loaded[1] - label_map[1] * loaded[0]) < max(
                    *label_map, *loaded):
            continue  # smaller or larger, which a resizing step mends
        said = label_map if said is None else said
        if said is not None and loaded is not None and said != loaded:
            yield Finding(
                f'It is {loaded[0]} x {loaded[1]} pixels (height x width) as '
                f'loaded, but {said[0]} x {said[1]} in its {by}, so the '
                'annotations lie in the wrong places. If its EXIF orientation '
                'turns it, load it with imdecode_backend and color_type='
                "'color_ignore_orientation', or save it turned.",
                f"'{info['img_path']}'")
            return


def _load(dataset: BaseDataset, info: dict) -> Tuple:
    """Height and width of the image and of the label map, as loaded."""
    results = info
    for step in steps_of(dataset):
        results = step(results)
        if results is None:
            return None, None
        if 'img' in results and ('gt_seg_map' in results
                                 or not info.get('seg_map_path')):
            break
    label_map = results.get('gt_seg_map')
    return (tuple(results['ori_shape']) if 'ori_shape' in results else None,
            None if label_map is None else label_map.shape[:2])


def check_label_maps(run: Run, split: str) -> Iterator[Finding]:
    """The label maps hold the classes, from the first to the last."""
    if run.task != 'mmseg':
        return
    count = next((n for n, _ in head_classes(run)), None)
    ignored = {
        head.get('ignore_index', 255)
        for key in ('decode_head', 'auxiliary_head')
        for head in as_list(run.cfg.model.get(key))
    }
    for leaf, rows in zip(run.leaves(split), run.entries(split)):
        step = next(
            (step
             for step in steps_of(leaf) if isinstance(step, LoadAnnotations)),
            None)
        rows = [row for row in rows if row.get('seg_map_path')]
        if not (count and rows and step
                and all(map(is_known, map(type, steps_of(leaf))))):
            continue
        where = f"'{leaf.data_prefix.get('seg_map_path')}'"
        some = np.random.default_rng(0).permutation(len(rows))[:MASKS]
        seen = set()
        for i in some:
            path = rows[i]['seg_map_path']
            run.looking_at = f"the label map '{path}'"
            info = dict(rows[i], seg_fields=[])
            labels = np.unique(step(info)['gt_seg_map'])
            seen |= {*labels.tolist()}
            beyond = labels[(labels >= count) & ~np.isin(labels, [*ignored])]
            if len(beyond):
                yield Finding(
                    f"'{path}' has the label {beyond[-1]}, but the head has "
                    f'num_classes={count}: labels 0 to {count - 1}, and '
                    f'{min(ignored)} for pixels that do not count. If labels '
                    'begin with 1, set reduce_zero_label=True.', where)
                return
        absent = [i for i in range(count) if i not in seen]
        run.looked_at.append(f'{split}: {len(some)} label maps with '
                             f'{count - len(absent)} of {count} classes')
        if absent:
            yield _absent(leaf, absent, count, len(some), len(rows), where)


def _absent(leaf: BaseDataset, absent: List[int], count: int, seen: int,
            total: int, where: str) -> Finding:
    names = leaf.metainfo.get('classes') or range(count)
    which = first_few([names[i] for i in absent if i < len(names)])
    amount = f'all {total}' if seen == total else f'{seen} of {total}'
    # labels from 0 that reduce_zero_label has moved by one
    moved = getattr(leaf, 'reduce_zero_label',
                    False) and absent == [count - 1] and seen == total
    remedy = (' reduce_zero_label=True takes away 1 from each label and '
              'leaves out 0; if labels begin with 0, set it to False.'
              if moved else '')
    kind = 'The last class' if moved else 'Some classes'
    return Finding(
        f'{kind} ({which}) occur{"s" * moved} in none of the label maps '
        f'({amount} were read).{remedy}', where, moved)


def _sizes_of(samples: List[dict]) -> str:
    shapes = {
        tuple(s['inputs'].shape)
        for s in samples
        if isinstance(s, dict) and isinstance(s.get('inputs'), torch.Tensor)
    }
    return f' ({", ".join(map(sides, sorted(shapes)[:3]))})' if shapes else ''
