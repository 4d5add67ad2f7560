import warnings
from typing import List, Optional

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop

from mmmix.engine.hooks.checkpoint_hook import KEY as RANK_STATES
from mmmix.engine.hooks.exact_resume_hook import KEY as PLACE
from mmmix.engine.hooks.exact_resume_hook import consumed_batches
from mmmix.engine.lr_scaling import passes_per_step
from mmmix.errors import MmmixError
from mmmix.private import is_resuming

PROGRESS = ('last_step', '_global_step', '_last_value', 'verbose')


class ResumedScheduleHook(Hook):
    """Let a resumed run follow the schedule and the optimizer's options of
    its config.

    MMEngine takes both from the checkpoint: the schedule with its old end,
    milestones, steps per epoch and learning rate, and options such as the
    weight decay. Where the config has others, the schedulers and the optimizer
    get the values that a run of this config would have at that epoch, or
    iteration, which is logged.

    Schedules that depend on a metric, and those of several optimizers, are
    resumed as MMEngine does.

    Raises:
        MmmixError: If the optimizer is another one than the checkpoint's.
    """

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Change iteration and schedule in the checkpoint, where the config
        has others."""
        if not is_resuming(runner):
            return
        before = checkpoint['meta']['iter']
        _count_anew(runner, checkpoint)
        _drop_gradients(runner, checkpoint, before)
        saved = _saved_groups(checkpoint.get('optimizer', {}))
        # the config of an optimizer, before it is built, has none
        groups = getattr(runner.optim_wrapper, 'param_groups', None)
        if saved is None or groups is None:
            return
        _check_optimizer(groups, saved)
        changed = _follow_options(groups, saved)
        if changed:
            runner.logger.warning(
                'The config has other options of the optimizer than the '
                'checkpoint; they are followed from here on: '
                f'{", ".join(changed)}.')
        schedulers = runner.param_schedulers or []
        moved = checkpoint['meta']['iter'] != before and any(
            not s.by_epoch for s in schedulers)
        if (not moved and _described([s.state_dict()
                                      for s in schedulers], groups)
                == _described(checkpoint.get('param_schedulers', []), saved)
                or any(
                    getattr(s, 'need_step_args', False) for s in schedulers)):
            return
        _advance(runner, schedulers, checkpoint)
        old = saved[0]['lr']
        for theirs, ours in zip(saved, groups):
            theirs.update(_options(ours))
        checkpoint['param_schedulers'] = [s.state_dict() for s in schedulers]
        runner.logger.warning(
            'The config has another schedule than the checkpoint; it is '
            f'followed from here on: learning rate {old:g} -> '
            f'{saved[0]["lr"]:g}.')


def _count_anew(runner, checkpoint: dict) -> None:
    """Set the iteration at which a run of this config would be."""
    if isinstance(runner.train_loop, EpochBasedTrainLoop):
        meta, length = checkpoint['meta'], len(runner.train_dataloader)
        meta['iter'] = (
            meta['epoch'] * length + consumed_batches(checkpoint, length))


def _drop_gradients(runner, checkpoint: dict, before: int) -> None:
    """Drop the gradients of an incomplete accumulation, unless the next step
    of the optimizer waits for as many passes of as many."""
    passes = passes_per_step(runner.cfg)
    saved = checkpoint.get(PLACE, {}).get('accumulative_counts', passes)
    if (before % saved, saved) == (checkpoint['meta']['iter'] % passes,
                                   passes):
        return
    states = checkpoint.get(RANK_STATES) or []
    if any(state['gradients'] for state in states):
        runner.logger.warning(
            f'{before % saved} of {saved} passes were accumulated for the '
            'next step of the optimizer when the run was saved. It is resumed '
            'with other batches or accumulative_counts, so they are dropped.')
    for state in states:
        state['gradients'] = {}


def _saved_groups(state: dict) -> Optional[List[dict]]:
    """The groups of parameters in the state of an optimizer wrapper, in the
    order of its ``param_groups``."""
    groups, base = (
        state.get(key) for key in ('param_groups', 'base_param_settings'))
    # MMEngine adds what no parameter's own settings replace, for its log
    return [*groups, base] if groups and base else groups


def _options(group: dict) -> dict:
    return {
        key: value
        for key, value in group.items() if key not in ('params', 'param_names')
    }


def _is_scheduled(key: str, group: dict) -> bool:
    """Whether a schedule sets it, or has noted it for itself."""
    return (key == 'lr' or f'initial_{key}' in group
            or key == 'betas' and 'initial_momentum' in group
            or key.startswith(('initial_', 'max_', 'min_')))


def _follow_options(groups: List[dict], saved: List[dict]) -> List[str]:
    """Set what no schedule does in the saved groups, and tell what changed."""
    changed = {}
    for ours, theirs in zip(groups, saved):
        for key, value in _options(ours).items():
            before = theirs.get(key, value)
            # betas may be a list in one and a tuple in the other
            if not (_is_scheduled(key, theirs)
                    or np.array_equal(before, value)):
                changed[f'{key} {before} -> {value}'] = None
                theirs[key] = value
    return [*changed]


def _described(states: List[dict], groups: List[dict]) -> tuple:
    """Schedules without their progress, and the rates they start from."""
    return ([{
        k: v
        for k, v in state.items() if k not in PROGRESS
    } for state in states],
            [group.get('initial_lr', group['lr']) for group in groups])


def _advance(runner, schedulers: list, checkpoint: dict) -> None:
    """Step new schedulers as often as a run of these epochs would have done,
    and, in the epoch that it stopped in, of these batches."""
    meta = checkpoint['meta']
    by_epoch = [s for s in schedulers if s.by_epoch]
    by_iter = [s for s in schedulers if not s.by_epoch]
    if isinstance(runner.train_loop, EpochBasedTrainLoop):
        epochs, length = meta['epoch'], len(runner.train_dataloader)
        begun = consumed_batches(checkpoint, length)
    else:
        epochs, length, by_epoch, begun = 1, meta['iter'], [], 0
    with warnings.catch_warnings():  # there were steps of the optimizer
        warnings.simplefilter('ignore')
        for _ in range(epochs):
            for _ in range(length):
                for scheduler in by_iter:
                    scheduler.step()
            for scheduler in by_epoch:
                scheduler.step()
        for _ in range(begun):
            for scheduler in by_iter:
                scheduler.step()


def _check_optimizer(groups: List[dict], saved: List[dict]) -> None:
    foreign = [
        key for key in saved[0]
        if key not in groups[0] and not key.startswith('initial_')
    ]
    # FSDP saves the names of whole parameters, and has shards
    moved = any(
        len(ours['params']) != len(theirs['params'])
        for ours, theirs in zip(groups, saved)
        if not any(isinstance(each, str) for each in theirs['params']))
    if len(groups) != len(saved) or foreign or moved:
        raise MmmixError(
            'The checkpoint holds the state of another optimizer: '
            f'{len(saved)} groups of parameters, in the config {len(groups)}'
            f'{", with " + ", ".join(foreign) if foreign else ""}'
            f'{", of other sizes" if moved else ""}. Resume '
            'with the optim_wrapper that the run was started with, or start a '
            'new run from its weights with load_from.')
