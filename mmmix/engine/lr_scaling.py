"""The number of images per optimizer step, and the learning rate for it."""
from typing import List

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import Runner

from mmmix.errors import MmmixError
from mmmix.private import set_auto_scale_lr


def enable_lr_scaling(cfg: Config) -> None:
    """Let the runner scale the learning rate to the global batch.

    Raises:
        MmmixError: If the config does not say which batch size its learning
            rate is for.
    """
    if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
        raise MmmixError(
            '--auto-scale-lr requires auto_scale_lr=dict(base_batch_size=N) '
            'in the config, the batch size that its learning rate is for.')
    cfg.auto_scale_lr.enable = True


def apply_lr_scaling(runner: Runner) -> None:
    """Log the global batch size and the learning rate for it.

    Scaling the rate takes accumulated passes into account: MMEngine itself
    counts the images of all processes, but of one pass only.

    Args:
        runner (Runner | FlexibleRunner): Before it trains.
    """
    for line in describe_batch(runner.cfg, runner.world_size):
        runner.logger.info(line)
    scaling = runner.cfg.get('auto_scale_lr') or {}
    if scaling.get('enable'):
        scaling = dict(
            scaling,
            base_batch_size=scaling['base_batch_size'] /
            passes_per_step(runner.cfg))
        # its config stays as it is: it may start another run
        if isinstance(runner, Runner):
            runner.auto_scale_lr = scaling
        else:
            set_auto_scale_lr(runner, scaling)


def describe_batch(cfg: Config, processes: int) -> List[str]:
    """Describe global batch size and learning rate.

    Args:
        cfg (Config): Config of the run.
        processes (int): Number of processes that train together.

    Returns:
        List[str]: One line each; none for what the config does not say.
    """
    batch, passes = cfg.train_dataloader.get('batch_size'), passes_per_step(
        cfg)
    if not batch:  # a batch sampler decides
        return []
    total = batch * processes * passes
    lines = [
        f'Global batch: {batch} images x {processes} '
        f'process{"es" * (processes > 1)} ({get_device()}) x {passes} '
        f'pass{"es" * (passes > 1)} a step = {total}.'
    ]
    iterations = cfg.train_cfg.get('max_iters')
    if passes > 1 and iterations:
        lines.append(
            f'Iterations count passes, also in schedules: {iterations} are '
            f'{-(-iterations // passes)} steps of the optimizer.')
    rate = (cfg.optim_wrapper.get('optimizer') or {}).get('lr')
    scaling = cfg.get('auto_scale_lr') or {}
    base = scaling.get('base_batch_size')
    if rate is None:
        return lines
    if scaling.get('enable'):
        lines.append(f'Learning rate: {rate:g} for a batch of {base} -> '
                     f'{rate * total / base:g} for {total}.')
    elif base:
        lines.append(f'Learning rate: {rate:g}, not scaled; it is for a '
                     f'batch of {base}, and --auto-scale-lr scales it.')
    else:
        lines.append(f'Learning rate: {rate:g}, not scaled.')
    return lines


def passes_per_step(cfg: Config) -> int:
    """Number of forward and backward passes per optimizer step."""
    return cfg.optim_wrapper.get('accumulative_counts', 1)
