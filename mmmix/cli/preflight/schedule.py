"""Checks of batch size, epochs and schedules against the number of steps."""
import math
from inspect import Parameter, signature
from typing import Iterator, List, Optional, Tuple

from mmengine.dataset import InfiniteSampler
from mmengine.registry import DATA_SAMPLERS, LOOPS, PARAM_SCHEDULERS
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop

from mmmix.registry import class_of, is_of, type_name
from .finding import Finding
from .run import Run, is_known

WARM_UP = ('LinearLR', 'ConstantLR', 'QuadraticWarmupLR')


def check_batches(run: Run, split: str) -> Iterator[Finding]:
    """Every process has at least one batch."""
    where = f'{split}_dataloader'
    loader, size = run.loader(split), run.batch_size(split)
    images = images_per_process(run, split)
    if loader.drop_last and images < size and not _infinite(loader.sampler):
        share = f', {images} for each of {run.processes} processes' \
            if run.processes > 1 else ''
        yield Finding(
            f'batch_size={size} with drop_last=True leaves no batch of '
            f'{len(loader.sampler)} images{share}: set batch_size to at most '
            f'{images}, or drop_last=False.', where)


def check_loop(run: Run) -> Iterator[Finding]:
    """The keys of train_cfg are read, and the loop ends."""
    cfg = run.cfg.train_cfg
    kind = _loop(run)
    if kind is None:
        return
    parameters = signature(kind).parameters.values()
    read = [
        p.name for p in parameters if p.name not in ('runner', 'dataloader')
    ]
    unknown = set(cfg) - {*read, 'type' if 'type' in cfg else 'by_epoch'}
    if unknown and all(p.kind is not Parameter.VAR_KEYWORD
                       for p in parameters):
        yield Finding(
            f'{kind.__name__} does not read {", ".join(sorted(unknown))}; it '
            f'reads {", ".join(read)}.', 'train_cfg')
    sampler = run.cfg.train_dataloader.get('sampler') or {}
    if issubclass(kind, EpochBasedTrainLoop) and is_of(sampler, DATA_SAMPLERS,
                                                       InfiniteSampler):
        yield Finding(
            f'An epoch of {type_name(sampler)} never ends: use '
            "sampler=dict(type='DefaultSampler', shuffle=True), or "
            "train_cfg=dict(type='IterBasedTrainLoop', max_iters=...).",
            'train_dataloader.sampler')


def check_schedules(run: Run) -> Iterator[Finding]:
    """Warm-up, schedules and evaluations lie within the training."""
    kind, cfg = _loop(run), run.cfg.train_cfg
    by_epoch = kind is not None and issubclass(kind, EpochBasedTrainLoop)
    if not by_epoch and not (kind and issubclass(kind, IterBasedTrainLoop)):
        return
    images, size = images_per_process(run, 'train'), run.batch_size('train')
    epoch = images // size if run.loader('train').drop_last else math.ceil(
        images / size)
    if not epoch:
        return  # check_batches says why
    total = cfg.get('max_epochs' if by_epoch else 'max_iters')
    if total is None:
        return  # a loop of the user's own, or one that says so
    steps = total * epoch if by_epoch else total
    run.looked_at.append(
        f'schedule: {steps} steps of {size} images x {run.processes} '
        f'process{"es" * (run.processes > 1)}' +
        (f' ({cfg.max_epochs} epochs of {epoch})' if by_epoch else ''))
    unit = 'epochs' if by_epoch else 'iterations'
    interval = cfg.get('val_interval', 1)
    if run.cfg.get('val_dataloader') and interval > total:
        yield Finding(
            f'val_interval={interval}, but there are only {total} {unit}: '
            'nothing is evaluated during training.', 'train_cfg', False)
    for place, item in _schedules(run):
        in_epochs = item.get('by_epoch', True)
        converted = item.get('convert_to_iter_based', False)
        if in_epochs and not by_epoch and not converted and is_known(
                class_of(item, PARAM_SCHEDULERS)):
            yield Finding(
                f'{type_name(item)} counts epochs (by_epoch=True), which '
                f'{kind.__name__} does not have: it never acts. Set '
                'by_epoch=False and its numbers in iterations.', place)
            continue
        end = steps / epoch if in_epochs else steps
        yield from _outside(item, end, 'epochs' if in_epochs else 'steps',
                            place)


def _outside(item, total: float, unit: str, place: str) -> Iterator[Finding]:
    begin, end = item.get('begin', 0), item.get('end', math.inf)
    name = type_name(item)
    length = f'the training has {total:g} {unit}'
    if begin >= total:
        yield Finding(
            f'{name} begins at {begin}, but {length}: it never '
            'acts.', place, False)
    elif name in WARM_UP and not begin and total < end < math.inf:
        yield Finding(
            f'The warm-up ends at {end}, but {length}: the full learning '
            'rate is never reached.', place, False)
    elif name == 'CosineAnnealingLR' or name == 'PolyLR':
        last = item.get('T_max') and begin + item.T_max
        last = min(end, last) if last else end
        if last < math.inf and abs(last - total) > 0.01 * total:
            yield Finding(
                f'{name} ends at {last}, but {length}: ' +
                ('it is cut off before its end.' if last > total else
                 'the rate stays as it is after that.'), place, False)
    elif name == 'MultiStepLR' and min(item.milestones) >= total:
        yield Finding(
            f'The milestones {list(item.milestones)} lie behind '
            f'the end: {length}.', place, False)


def images_per_process(run: Run, split: str) -> int:
    """Images that a process takes in one epoch."""
    return math.ceil(len(run.loader(split).sampler) / run.processes)


def images_in_last_batch(run: Run, split: str) -> Optional[int]:
    """Images in the last batch of an epoch, None if it is as the others."""
    loader, size = run.loader(split), run.batch_size(split)
    if getattr(loader.batch_sampler, 'drop_last', True) or _infinite(
            loader.sampler):
        return None
    return images_per_process(run, split) % size or None


def _infinite(sampler) -> bool:
    name = type(sampler).__name__
    return 'Infinite' in name or 'MultiSource' in name


def _loop(run: Run) -> Optional[type]:
    cfg = run.cfg.get('train_cfg') or {}
    if 'type' not in cfg:
        return EpochBasedTrainLoop if cfg.get(
            'by_epoch') else IterBasedTrainLoop
    return class_of(cfg, LOOPS)


def _schedules(run: Run) -> List[Tuple[str, dict]]:
    """The parameter schedules and their places in the config."""
    cfg = run.cfg.get('param_scheduler') or []
    if isinstance(cfg, dict):
        cfg = [cfg] if 'type' in cfg else [
            item for items in cfg.values()
            for item in (items if isinstance(items, list) else [items])
        ]
    return [(f'param_scheduler.{i}', item) for i, item in enumerate(cfg)
            if isinstance(item, dict)]
