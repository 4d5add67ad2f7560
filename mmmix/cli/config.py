"""Configs as the tools load and complete them."""
import argparse
import os
from difflib import get_close_matches
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import Optional

import torch
from mmengine.config import Config, DictAction
from mmengine.hub import get_config
from mmengine.runner import FlexibleRunner, Runner
from mmengine.utils import import_modules_from_strings

from mmmix.checkpoint.unpickling import TRUST, trust_checkpoints
from mmmix.cli.toolboxes import register_toolboxes, toolbox_of
from mmmix.environment import find_config, silent_import
from mmmix.errors import MmmixError
from mmmix.progress import QUIET

# what a runner reads of a config, beside the arguments of its own
RUNNER_KEYS = {
    *signature(Runner).parameters, *signature(FlexibleRunner).parameters,
    'custom_imports', 'efficient_conv_bn_eval', 'find_unused_parameters',
    'activation_checkpointing', 'init_weights_for_test_or_val',
    'model_wrapper_cfg', 'runner_type', 'sync_bn', 'tta_model', 'tta_pipeline'
} - {'cfg'}


def command_parser(description: str) -> argparse.ArgumentParser:
    """A parser whose help shows the docstring of a tool as it is."""
    return argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter)


def add_config(parser: argparse.ArgumentParser) -> None:
    """The argument that names the config of a tool; see
    :func:`load_config`."""
    parser.add_argument(
        'config',
        help='a file, or a config of mmmix such as smmix/NAME.py, or one of '
        'an installed package such as mmpretrain::deit/NAME.py')


def add_cfg_options(parser: argparse.ArgumentParser,
                    name: str = '--cfg-options',
                    of: str = 'the config') -> None:
    """Add the option that overrides values of a config and, with the config
    of the tool, :func:`add_trust` and :func:`add_quiet`.

    Args:
        parser (ArgumentParser): The parser to add it to.
        name (str): The name of the option.
        of (str): Which config it overrides, for the help text.
    """
    parser.add_argument(
        name,
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help=f'override values of {of}, such as '
        'optim_wrapper.optimizer.lr=1e-4 or key="[a,b]"')
    if name == '--cfg-options':
        add_trust(parser)
        add_quiet(parser)


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add the option that loads whatever a checkpoint holds."""
    parser.add_argument(
        TRUST,
        nargs=0,
        action=_Trust,
        help='load checkpoints that hold more than tensors and plain data, '
        'which can run any code: only if you trust their author')


class _Trust(argparse.Action):

    def __call__(self, *args, **kwargs) -> None:
        trust_checkpoints()


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add the option that shows no progress, also of processes that the
    command starts."""
    parser.add_argument(
        '--quiet',
        nargs=0,
        action=_Quiet,
        help='show results, warnings and errors alone; logs are in the work '
        'directory as ever')


class _Quiet(argparse.Action):

    def __call__(self, *args, **kwargs) -> None:
        os.environ[QUIET] = '1'


def load_config(name: str, options: Optional[dict] = None) -> Config:
    """Load a config by its path or by its name.

    Args:
        name (str): See :func:`mmmix.environment.find_config`; with the name
            of another package and '::', such as
            'mmpretrain::deit/deit-small_4xb256_in1k.py', a config of that
            package.
        options (dict, optional): Values to override.

    Raises:
        FileNotFoundError: If the config or its package does not exist.
        MmmixError: If it uses a toolbox that cannot be imported, or an option
            is of a key that neither it nor a runner has.

    Example:
        >>> cfg = load_config('smmix/vit-xs_smmix_1xb64-10e_synthetic.py',
        ...                   {'train_cfg.max_epochs': 3})
        >>> cfg.train_cfg.max_epochs
        3
    """
    package, scope, _ = str(name).partition('::')
    if scope and package != 'mmmix':
        if find_spec(package) is None:  # MMEngine would install it
            raise FileNotFoundError(
                f'The config {name} belongs to {package}, which is not '
                'installed: bash tools/setup_env.sh full installs MMDetection '
                'and MMSegmentation.')
        cfg = get_config(name)
    else:
        # its custom imports may need a toolbox, which is checked first
        cfg = Config.fromfile(find_config(name), import_custom_modules=False)
    _check_options(cfg, options or {})
    cfg.merge_from_dict(options or {})
    register_toolboxes(cfg)
    if cfg.get('custom_imports'):
        with silent_import():
            import_modules_from_strings(**cfg.custom_imports)
    return cfg


def _check_options(cfg: Config, options: dict) -> None:
    """Check that options are of keys that are read; what stands in a config
    is not checked, because parts of it may have names there."""
    for key in options:
        first = key.split('.')[0]
        if first not in cfg and first not in RUNNER_KEYS:
            close = get_close_matches(first, {*cfg, *RUNNER_KEYS}, 1)
            hint = f'did you mean {close[0]}?' if close else (
                'if code of yours reads it, add it to the config.')
            raise MmmixError(f'The option {key} changes nothing, because the '
                             f'config {cfg.filename} has no {first}, and a '
                             f'runner takes none: {hint}')


def require_keys(cfg: Config, *keys: str) -> None:
    """Check that a config has the keys that a tool reads.

    Raises:
        MmmixError: Naming the keys that are missing.
    """
    missing = [key for key in keys if cfg.get(key) is None]
    if missing:
        raise MmmixError(
            f'The config {cfg.filename} has no {", ".join(missing)}: give '
            'the config of a whole run, not a part of one.')


def set_work_dir(cfg: Config, work_dir: Optional[str]) -> None:
    """Set where a run saves its files: the given directory, that of the
    config, or ``work_dirs/`` followed by the config's name."""
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = f'./work_dirs/{Path(cfg.filename).stem}'
    cfg.work_dir = os.path.expanduser(cfg.work_dir)


def set_loader_defaults(cfg: Config) -> None:
    """Set MMPretrain's defaults for data loaders where the config is silent:
    images are stacked, memory is pinned for a GPU, and workers persist if
    there are any.

    Segmentation and detection keep MMEngine's collate function because their
    images differ in size.
    """
    for split in ('train', 'val', 'test'):
        loader = cfg.get(f'{split}_dataloader')
        if loader is None:
            continue
        if toolbox_of(cfg) is None:
            loader.setdefault('collate_fn', dict(type='mmmix.collate'))
        loader.setdefault('pin_memory', torch.cuda.is_available())
        workers = loader.get('num_workers', 0) > 0
        loader.persistent_workers = workers and loader.get(
            'persistent_workers', True)
