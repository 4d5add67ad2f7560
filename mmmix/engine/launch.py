"""What the command line tools share: arguments, configs, processes, models."""
import argparse
import contextlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Iterator, Optional

import torch
from mmengine.config import Config, DictAction
from mmengine.device import get_device
from mmengine.hub import get_config
from mmengine.registry import RUNNERS, init_default_scope
from mmengine.runner import Runner
from torch import nn

from mmmix.environment import find_config
from mmmix.registry import MODELS

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
        cfg = Config.fromfile(find_config(name))
    cfg.merge_from_dict(options or {})
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
    is pinned for a GPU, and workers persist if there are any."""
    for name in DATALOADERS:
        loader = cfg.get(name)
        if loader is not None:
            loader.setdefault('collate_fn', dict(type='default_collate'))
            loader.setdefault('pin_memory', torch.cuda.is_available())
            loader.setdefault('persistent_workers',
                              loader.get('num_workers', 0) > 0)


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
    if launcher == 'pytorch' and 'RANK' not in os.environ:
        raise ValueError(
            "launcher 'pytorch' expects to be started by torch.distributed: "
            'use tools/dist_train.sh CONFIG NUM_PROCESSES.')
    if get_device() != 'cpu':
        return
    if launcher != 'pytorch':
        raise ValueError(f'launcher {launcher!r} needs GPUs; several CPU '
                         "processes are started by launcher 'pytorch'.")
    torch.distributed.init_process_group('gloo')
    if cfg.get('model_wrapper_cfg') is None:
        # what MMEngine would choose, less the device
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel',
            device_ids=None,
            broadcast_buffers=False,
            find_unused_parameters=cfg.get('find_unused_parameters', False))


def build_runner(cfg: Config) -> Runner:
    """The runner of a config, on as many processes as were launched."""
    start_processes(cfg)
    if 'runner_type' in cfg:
        return RUNNERS.build(cfg)
    return Runner.from_cfg(cfg)


def build_model(cfg: Config) -> nn.Module:
    """The initialised model of a config, as a runner builds it."""
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
    file, a loss that is not finite, and what else is named.

    Args:
        *kinds (type): More exceptions whose message says it all.
    """
    try:
        yield
    except (FileNotFoundError, FloatingPointError, *kinds) as error:
        sys.exit(f'error: {error}')
