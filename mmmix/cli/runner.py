"""Processes, runners and models of a config."""
import argparse
import gc
import io
import logging
import os
import sys
from contextlib import contextmanager, nullcontext, redirect_stdout
from copy import deepcopy
from inspect import signature
from typing import Any, Iterator, List, Optional, Tuple, Type, Union

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import (broadcast_object_list, get_rank, init_dist,
                           is_distributed)
from mmengine.hooks import CheckpointHook as StockCheckpointHook
from mmengine.hooks import EMAHook
from mmengine.logging import print_log
from mmengine.registry import RUNNERS, init_default_scope
from mmengine.runner import CheckpointLoader, FlexibleRunner, Runner
from mmengine.utils.dl_utils import set_multi_processing
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mmmix.checkpoint import check_checkpoint, checkpoint_to_resume
from mmmix.cli.toolboxes import register_toolboxes, toolbox_of
from mmmix.engine.fsdp import check_sharding
from mmmix.engine.hooks import (CheckpointHook, ExactResumeHook,
                                PlainGroupsHook, ResumedScheduleHook,
                                StrictLoadingHook)
from mmmix.errors import MmmixError
from mmmix.private import train_on
from mmmix.progress import is_quiet
from mmmix.registry import HOOKS, MODELS, as_list, class_of, type_name

# the variables in which a launcher tells each process its rank and how many
# there are, and how to start it
LAUNCHERS = {
    'pytorch':
    ('RANK', 'WORLD_SIZE', 'tools/dist_train.sh CONFIG NUM_PROCESSES'),
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'tools/slurm_train.sh'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'mpirun'),
}


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which launcher started the processes."""
    parser.add_argument(
        '--launcher',
        choices=['none', *LAUNCHERS],
        default='none',
        help='which launcher started the processes')
    # torch.distributed.launch passes one of them, but the environment has the
    # rank, too
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def build_runner(cfg: Config,
                 trained: bool = False,
                 kind: Type[Runner] = Runner) -> Runner:
    """Build the runner of a config, on as many processes as were launched.

    It loads all weights of the checkpoint that it starts from, or stops.

    Args:
        cfg (Config): The config of the run.
        trained (bool): Whether all weights will come from a checkpoint, so
            that pretrained files are not loaded; so it is if the run is
            resumed. Defaults to False.
        kind (type): The runner of a config without ``runner_type``.

    Raises:
        FileNotFoundError, MmmixError: See :func:`check_start`.
        MmmixError: If a toolbox or a launcher of the config is not available.
    """
    given = cfg.get('load_from')
    start = cfg.load_from = check_start(cfg)
    set_default_hooks(cfg)
    training = bool(cfg.get('train_cfg')) and not trained
    if start and cfg.get('resume'):
        keep_seed(cfg, start)
    trained = trained or bool(start and cfg.get('resume'))
    register_toolboxes(cfg)
    check_sharding(cfg)
    start_processes(cfg)
    replaced = replace_sync_bn(cfg.model) if get_device() == 'cpu' else 0
    whole = cfg.model
    if trained:
        cfg.model = deepcopy(whole)
        drop_pretrained(cfg.model)
    with _quiet_log() as loggers:
        if 'runner_type' in cfg:
            runner = RUNNERS.build(cfg)
        else:
            runner = kind.from_cfg(cfg)
        loggers.append(runner.logger)
    if trained:  # the saved config still says where the training began
        runner.cfg.model, runner.cfg.load_from = whole, given
        runner.dump_config()
    if training:
        derive_randomness(runner)
    if start:  # before the hooks that copy the weights
        check_average(runner)
        runner.register_hook(StrictLoadingHook(start), priority='VERY_HIGH')
        runner.register_hook(ResumedScheduleHook())
    if cfg.get('compile'):
        runner.register_hook(PlainGroupsHook())
    if replaced:
        runner.logger.info(
            f'{replaced} norm layer configs say SyncBN, which needs GPUs: '
            'they are BN here, and each process has its own statistics.')
    return runner


@contextmanager
def _quiet_log() -> Iterator[List[logging.Logger]]:
    """If ``--quiet`` was given, let the loggers that are appended, which are
    made inside of the context, write no more than warnings to the terminal;
    their files are complete."""
    loggers: List[logging.Logger] = []
    if not is_quiet():
        yield loggers
        return
    # a handler keeps the stream that it finds
    with redirect_stdout(io.StringIO()) as sink:
        yield loggers
    for handler in (h for log in loggers for h in log.handlers):
        if getattr(handler, 'stream', None) is sink:
            handler.setStream(sys.stdout)
            handler.setLevel(max(handler.level, logging.WARNING))


@contextmanager
def prints_hidden_if_quiet() -> Iterator[None]:
    """If ``--quiet`` was given, hide what libraries print during a run; what
    its logger writes is not touched."""
    with redirect_stdout(io.StringIO()) if is_quiet() else nullcontext():
        yield


def keep_seed(cfg: Config, checkpoint: str) -> None:
    """Let a resumed run have the seed of its checkpoint.

    MMEngine reads it after it has made the samplers, whose order is then
    another.
    """
    saved = CheckpointLoader.load_checkpoint(checkpoint, 'cpu')
    seed = saved.get('meta', {}).get('seed')
    randomness = cfg.setdefault('randomness', dict(seed=None))
    if seed is None or randomness.get('seed') == seed:
        return
    if randomness.get('seed') is not None:
        print_log(
            f'The run is resumed with the seed of its checkpoint, {seed}, not '
            f'with that of the config, {randomness.seed}.', 'current',
            logging.WARNING)
    randomness.seed = seed


def derive_randomness(runner: Runner) -> None:
    """Derive all random numbers of a training from its seed: see
    :class:`mmmix.engine.hooks.ExactResumeHook`."""
    seeds = [runner.seed]  # MMEngine can give every rank one of its own
    broadcast_object_list(seeds)
    seed, = seeds
    runner.register_hook(ExactResumeHook(seed))
    loader = runner.cfg.train_dataloader.to_dict()
    if runner.cfg.get('randomness', {}).get('diff_rank_seed'):
        # MMEngine draws one
        loader['sampler'].setdefault('seed', seed)
    loader['batch_sampler'] = dict(
        type='mmmix.SeededBatchSampler',
        seed=seed,
        rank=get_rank(),
        batch_sampler=loader.get('batch_sampler'),
        drop_last=loader.pop('drop_last', False))
    train_on(runner, loader)


def set_default_hooks(cfg: Config) -> None:
    """Let the default checkpoint hook be that of mmmix, and watch the loading,
    whatever the scope of the config."""
    cfg.default_hooks = cfg.get('default_hooks') or {}
    hooks = cfg.default_hooks  # a copy of what was set
    hooks.setdefault('checkpoint', dict(type='CheckpointHook'))
    hooks.setdefault('loading', dict(type='mmmix.LoadingHook'))
    hook = hooks.checkpoint
    if isinstance(hook, dict) and class_of(
            hook, HOOKS) in (StockCheckpointHook, CheckpointHook):
        hook.type = 'mmmix.CheckpointHook'
    if hooks.loading is None:  # which MMEngine takes for its own hooks only
        del hooks['loading']


def check_average(runner: Union[Runner, FlexibleRunner]) -> None:
    """Check that a runner can give the weights of a checkpoint to its
    ``EMAHook``.

    Raises:
        MmmixError: If it loads them before the hook has its average.
    """
    if isinstance(runner, FlexibleRunner) and any(
            isinstance(hook, EMAHook) for hook in runner.hooks):
        raise MmmixError(
            "MMEngine's FlexibleRunner cannot start from a checkpoint with an "
            'EMAHook, which makes its average only after that. Set '
            "runner_type='Runner', which resumes its checkpoints, too.")


def check_start(cfg: Config) -> Optional[str]:
    """Check the checkpoint that a run starts from, and return its path.

    Args:
        cfg (Config): The config of the run, with its work directory.

    Returns:
        str, optional: None if there is none.

    Raises:
        FileNotFoundError, MmmixError: See
            :func:`mmmix.checkpoint.checkpoint_to_resume`.
    """
    start = cfg.get('load_from')
    if cfg.get('resume'):
        return checkpoint_to_resume(cfg.work_dir, start)
    return check_checkpoint(start) if start else None


def build_model(cfg: Config) -> nn.Module:
    """Build and initialise the model of a config, as a runner does."""
    register_toolboxes(cfg)
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    model = cfg.model.copy()
    if cfg.get('data_preprocessor') is not None:
        model.setdefault('data_preprocessor', cfg.data_preprocessor)
    model = MODELS.build(model)
    model.init_weights()
    return model


def launched(cfg: Config) -> Tuple[int, int]:
    """The rank of this process and the number of processes, as the launcher
    tells them, before they join.

    Raises:
        MmmixError: If the environment is not that of the launcher.
    """
    launcher = cfg.get('launcher', 'none')
    if launcher == 'none':
        return 0, 1
    rank, size, remedy = LAUNCHERS[launcher]
    if rank not in os.environ:
        raise MmmixError(
            f'launcher {launcher!r} sets {rank} for each process, but it '
            f'is not set here: start the run with {remedy}, or without '
            '--launcher.')
    return int(os.environ[rank]), int(os.environ.get(size, 1))


def start_processes(cfg: Config) -> None:
    """Join the processes of a distributed run, if they have not yet.

    Without GPUs MMEngine fails: it sets a CUDA device first, and passes
    device ids to the model wrapper.

    Raises:
        MmmixError: If the environment is not that of the launcher, or the
            launcher does not start processes on CPUs.
    """
    launched(cfg)
    launcher = cfg.get('launcher', 'none')
    if launcher == 'none' or is_distributed():
        return
    if get_device() != 'cpu':
        # as MMEngine's runner does; strategies other than FSDP do it their way
        if 'FSDP' in str((cfg.get('strategy') or dict(type='FSDP'))['type']):
            env = cfg.get('env_cfg') or {}
            set_multi_processing(**env.get('mp_cfg', {}), distributed=True)
            init_dist(launcher, **env.get('dist_cfg', {}))
        return
    if launcher != 'pytorch':
        raise MmmixError(f'launcher {launcher!r} needs GPUs; several CPU '
                         "processes are started by launcher 'pytorch'.")
    # DistributedDataParallel imports it, and functions there would take a
    # group that exists by then as a default, and keep its threads alive
    from torch import _dynamo  # noqa: F401
    torch.distributed.init_process_group('gloo')
    # MMEngine's default wrapper, without the device; torch 2.13 renamed the
    # argument
    known = signature(DistributedDataParallel).parameters
    sync = next(
        name for name in ('forward_sync_buffers', 'broadcast_buffers')
        if name in known)
    wrapper = {
        'type': 'MMDistributedDataParallel',
        sync: False,
        'find_unused_parameters': cfg.get('find_unused_parameters', False)
    }
    wrapper.update(cfg.get('model_wrapper_cfg') or {})
    cfg.model_wrapper_cfg = dict(wrapper, device_ids=None)


def end_processes() -> None:
    """Leave the processes of a distributed run whose work is done.

    A process that ends while the threads of its group are alive may be
    aborted, and the launcher then takes a finished run for a failed one. They
    end with the group, which a wrapped model holds: the caller must have
    deleted its runner.
    """
    if is_distributed():
        gc.collect()
        torch.distributed.destroy_process_group()


def drop_pretrained(model: dict) -> None:
    """Remove the pretrained files from a model's config, at any depth and in
    place, for a model whose weights all come from a checkpoint.

    A guide (in ``train_cfg``) keeps its own, because no checkpoint holds it.
    """
    for node in _dicts_in(model, skipped='train_cfg'):
        if node.get('pretrained'):  # a file, or True in a timm backbone
            node['pretrained'] = None if isinstance(node['pretrained'],
                                                    str) else False
        inits = as_list(node.get('init_cfg'))
        kept = [
            init for init in inits
            if type_name(init) not in ('Pretrained', 'PretrainedInit')
        ]
        if len(kept) < len(inits):
            node['init_cfg'] = kept or None


def drop_mixing(cfg: Config) -> None:
    """Remove mixers and guides from the config of a classifier, in place, for
    a model that is not trained: what training asks of them is then not
    checked, and a guide's checkpoint not needed.

    A segmenter or a detector is left alone: it does not mix, and reads other
    things from ``train_cfg``.
    """
    if toolbox_of(cfg) is not None:
        return
    if cfg.model.get('train_cfg'):
        cfg.model.train_cfg = None
    for part in (cfg, cfg.model):
        preprocessor = part.get('data_preprocessor')
        if isinstance(preprocessor, dict):
            preprocessor.pop('batch_augments', None)


def replace_sync_bn(model: dict) -> int:
    """Replace SyncBN, which runs on GPUs only, by BN in a config, at any
    depth and in place.

    Returns:
        int: How many were replaced.
    """
    found = [
        node for node in _dicts_in(model)
        if type_name(node) in ('SyncBN', 'MMSyncBN', 'SyncBatchNorm')
    ]
    for node in found:
        node['type'] = 'BN'
    return len(found)


def _dicts_in(node: Any, skipped: str = '') -> Iterator[dict]:
    """All dicts of a config, at any depth, but not below a key."""
    if isinstance(node, dict):
        yield node
        node = [value for key, value in node.items() if key != skipped]
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from _dicts_in(child, skipped)
