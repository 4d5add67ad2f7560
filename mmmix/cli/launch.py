"""What the command line tools share: arguments, configs, processes, models."""
import argparse
import contextlib
import os
import sys
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Iterator, Optional, Tuple

import torch
from mmengine.config import Config, DictAction
from mmengine.device import get_device
from mmengine.hub import get_config
from mmengine.registry import RUNNERS, init_default_scope
from mmengine.runner import Runner
from mmengine.utils import import_modules_from_strings
from torch import nn

from mmmix.cli.toolboxes import register_toolboxes, toolbox_of
from mmmix.engine.fsdp import check_sharding
from mmmix.environment import find_config, silent_import
from mmmix.errors import MmmixError
from mmmix.registry import MODELS

PACKAGE = str(Path(__file__).parents[1])
# what a launcher tells its processes
LAUNCHERS = {
    'pytorch': ('RANK', 'tools/dist_train.sh CONFIG NUM_PROCESSES'),
    'slurm': ('SLURM_PROCID', 'tools/slurm_train.sh'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'mpirun'),
}
SYNC_BN = ('SyncBN', 'MMSyncBN')
DATALOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def load_config(name: str, options: Optional[dict] = None) -> Config:
    """Load a config by its path or by its name.

    Args:
        name (str): See :func:`mmmix.environment.find_config`; with the name
            of another package and '::', such as
            'mmpretrain::deit/deit-small_4xb256_in1k.py', one of its configs.
        options (dict, optional): Values to override.

    Raises:
        FileNotFoundError: If there is no such config, or no such package.
        ValueError: If it takes parts of a toolbox that cannot be imported.
    """
    package, scope, _ = str(name).partition('::')
    if scope and package != 'mmmix':
        if find_spec(package) is None:  # MMEngine would install it
            raise FileNotFoundError(
                f'The config {name} is one of {package}, which is not '
                'installed: bash tools/setup_env.sh full installs MMDetection '
                'and MMSegmentation.')
        cfg = get_config(name)
    else:
        # its custom imports may need a toolbox: first look whether it is there
        cfg = Config.fromfile(find_config(name), import_custom_modules=False)
    cfg.merge_from_dict(options or {})
    register_toolboxes(cfg)
    if cfg.get('custom_imports'):
        with silent_import():
            import_modules_from_strings(**cfg.custom_imports)
    return cfg


def set_work_dir(cfg: Config, work_dir: Optional[str]) -> None:
    """Where a run leaves its files: as asked, as the config says, or in
    ``work_dirs/`` under the config's name."""
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = f'./work_dirs/{Path(cfg.filename).stem}'


def set_loader_defaults(cfg: Config) -> None:
    """MMPretrain's defaults for data loaders, where they can be had: memory
    is pinned for a GPU, and workers persist if there are any.

    Segmentation and detection keep MMEngine's way to put a batch together:
    their images differ in size.
    """
    for name in DATALOADERS:
        loader = cfg.get(name)
        if loader is None:
            continue
        if toolbox_of(cfg) is None:
            loader.setdefault('collate_fn', dict(type='default_collate'))
        loader.setdefault('pin_memory', torch.cuda.is_available())
        workers = loader.get('num_workers', 0) > 0
        loader.persistent_workers = workers and loader.get(
            'persistent_workers', True)


def require_keys(cfg: Config, *keys: str) -> None:
    """Check that a config says what a tool is going to read.

    Raises:
        ValueError: Naming what it lacks.
    """
    missing = [key for key in keys if cfg.get(key) is None]
    if missing:
        raise MmmixError(
            f'The config {cfg.filename} has no {", ".join(missing)}: name '
            'one of a whole run, not a part of one.')


def drop_pretrained(node: Any) -> int:
    """Remove the pretrained files from a model's config, at any depth: for a
    model whose weights all come from a checkpoint.

    A guide (in ``train_cfg``) keeps its own: no checkpoint holds it.

    Args:
        node (dict | list): A model's config; changed in place.

    Returns:
        int: How many were there.
    """
    dropped = 0
    if isinstance(node, dict):
        if node.get('pretrained'):  # a file, or True in a timm backbone
            node['pretrained'] = None if isinstance(node['pretrained'],
                                                    str) else False
            dropped += 1
        inits = node.get('init_cfg')
        inits = [inits] if isinstance(inits, dict) else list(inits or [])
        kept = [init for init in inits if not _is_pretrained(init)]
        if len(kept) < len(inits):
            dropped += len(inits) - len(kept)
            node['init_cfg'] = kept or None
        node = [value for key, value in node.items() if key != 'train_cfg']
    return dropped + sum(
        drop_pretrained(child)
        for child in node if isinstance(child, (dict, list, tuple)))


def _is_pretrained(init: dict) -> bool:
    kind = init.get('type')
    kind = kind if isinstance(kind, str) else getattr(kind, '__name__', '')
    return kind.split('.')[-1] in ('Pretrained', 'PretrainedInit')


def replace_sync_bn(node: Any) -> int:
    """Turn SyncBN into BN in a config, at any depth and in place: SyncBN runs
    on GPUs only.

    Returns:
        int: How many there were.
    """
    replaced = 0
    if isinstance(node, dict):
        if node.get('type') in SYNC_BN:
            node['type'], replaced = 'BN', 1
        node = node.values()
    return replaced + sum(
        replace_sync_bn(child)
        for child in node if isinstance(child, (dict, list, tuple)))


def start_processes(cfg: Config) -> None:
    """Join the processes of a distributed run without GPUs.

    With GPUs MMEngine does it (NCCL). Without them it does not: it sets a
    CUDA device before it joins, and passes device ids to the model wrapper.

    Raises:
        ValueError: If the environment is not that of the launcher, or the
            launcher starts no processes on CPUs.
    """
    launcher = cfg.get('launcher', 'none')
    if launcher == 'none':
        return
    variable, remedy = LAUNCHERS[launcher]
    if variable not in os.environ:
        raise MmmixError(
            f'launcher {launcher!r} sets {variable} for each process, but '
            f'this one has none: start it by {remedy}, or without '
            '--launcher.')
    if get_device() != 'cpu':
        return
    if launcher != 'pytorch':
        raise MmmixError(f'launcher {launcher!r} needs GPUs; several CPU '
                         "processes are started by launcher 'pytorch'.")
    torch.distributed.init_process_group('gloo')
    # what MMEngine would choose, less the device
    wrapper = dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False))
    wrapper.update(cfg.get('model_wrapper_cfg') or {})
    cfg.model_wrapper_cfg = dict(wrapper, device_ids=None)


def build_runner(cfg: Config, trained: bool = False) -> Runner:
    """The runner of a config, on as many processes as were launched.

    Args:
        cfg (Config): Of the run.
        trained (bool): Whether all weights will come from a checkpoint:
            pretrained files are then not wanted.

    Raises:
        ValueError: If a toolbox or a launcher that the config names is not
            there.
    """
    register_toolboxes(cfg)
    check_sharding(cfg)
    start_processes(cfg)
    replaced = replace_sync_bn(cfg.model) if get_device() == 'cpu' else 0
    whole = cfg.model
    if trained:
        cfg.model = deepcopy(whole)
        drop_pretrained(cfg.model)
    if 'runner_type' in cfg:
        runner = RUNNERS.build(cfg)
    else:
        runner = Runner.from_cfg(cfg)
    if trained:  # the files of the run still tell where it began
        runner.cfg.model = whole
        runner.dump_config()
    if replaced:
        runner.logger.info(
            f'{replaced} norm layer configs say SyncBN, which needs GPUs: '
            'they are BN here, and each process has statistics of its own.')
    return runner


def build_model(cfg: Config) -> nn.Module:
    """The initialised model of a config, as a runner builds it."""
    register_toolboxes(cfg)
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    model = cfg.model.copy()
    if cfg.get('data_preprocessor') is not None:
        model.setdefault('data_preprocessor', cfg.data_preprocessor)
    model = MODELS.build(model)
    model.init_weights()
    return model


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """The option that overrides values of a config."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override values of the config, such as '
        'optim_wrapper.optimizer.lr=1e-4 or key="[a,b]"')


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """The options that tell who started the processes."""
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='who started the processes')
    # torch.distributed.launch passes either; the environment says it, too
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


@contextlib.contextmanager
def short_errors(*kinds: type) -> Iterator[None]:
    """End the process with the message alone, and exit code 1, on a missing
    file, a loss that is not finite, a ValueError that mmmix itself raises, and
    what else is named.

    A ValueError of another library may be a fault in a program, and keeps its
    trace.

    Args:
        *kinds (type): More exceptions whose message says it all.
    """
    try:
        yield
    except Exception as error:
        message, file = _message_and_file(error)
        told = (FileNotFoundError, FloatingPointError, *kinds)
        ours = isinstance(error, ValueError) and file.startswith(PACKAGE)
        if isinstance(error, told) or ours:
            sys.exit(f'error: {message}')
        raise


def _message_and_file(error: Exception) -> Tuple[str, str]:
    """What an error says, and the file that raised it; an error from a data
    loader's worker brings both as text."""
    message, trace = str(error), error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename
    if 'Original Traceback (most recent call last)' in message:
        file, _, tail = message.rpartition('\n  File "')[2].partition('"')
        said = tail.partition(f'\n{type(error).__name__}: ')[2]
        message = said.strip() or message
    return message, file
