"""Trained models, maps and data sets that are named on a command line."""
import argparse
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

import torch
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmengine.logging import MMLogger

from mmmix.analysis import MAP_KINDS, ModelMap, TrainedModel, open_dataset
from mmmix.checkpoint import load_weights
from mmmix.cli.config import add_cfg_options, load_config
from mmmix.cli.errors import user_errors
from mmmix.cli.runner import build_model, drop_mixing
from mmmix.errors import MmmixError


@contextmanager
def analysis_run(args: argparse.Namespace) -> Iterator[None]:
    """Run an analysis without a log, seeded by ``args.seed`` if there is one;
    wrong input and missing libraries end it with the message alone."""
    MMLogger.get_current_instance().setLevel('ERROR')
    torch.manual_seed(getattr(args, 'seed', 0))
    with user_errors(ImportError):
        yield


def add_out(parser: argparse.ArgumentParser,
            default: Optional[str] = None) -> None:
    """The argument that names the files of a report."""
    parser.add_argument(
        '--out',
        default=default,
        help='write OUT.json, OUT.md and OUT.png; default: ' +
        (default or 'only print the table'))


def add_models(parser: argparse.ArgumentParser, batch_size: int = 100) -> None:
    """The arguments that name models, and how many images they are shown."""
    parser.add_argument(
        'pairs',
        nargs='+',
        metavar='CONFIG CHECKPOINT',
        help='in turn: a config, of mmmix (such as smmix/NAME.py), of '
        'MMPretrain (mmpretrain::deit/NAME.py) or a file, and its weights')
    parser.add_argument(
        '--names',
        nargs='+',
        metavar='NAME',
        help='what to call each pair; by default what tells the configs '
        'apart')
    add_images(parser, batch_size)
    add_cfg_options(parser)


def add_images(parser: argparse.ArgumentParser, batch_size: int) -> None:
    """The arguments that say how many images are looked at."""
    parser.add_argument(
        '--batch-size',
        type=int,
        default=batch_size,
        help='images at a time; some mixers draw one region for all of them '
        '(default: %(default)s)')
    parser.add_argument(
        '--num-images',
        type=int,
        help='so many images, drawn with a fixed seed; by default all of them')


def add_maps(parser: argparse.ArgumentParser,
             default: str = 'BottomUp',
             option: str = '--maps') -> None:
    """The argument that says which maps the models make."""
    parser.add_argument(
        option,
        dest='maps',
        nargs=1 if option == '--map' else '+',
        choices=MAP_KINDS,
        default=[default],
        metavar='KIND',
        help='attention (BottomUp: SMMix, Eq. 6; ClassAttention: MixPro, '
        'Eq. 4; TopDown, for the true label: TdAttenMix, Eq. 3-5) or class '
        'activation (GradCAM and other methods of its library); default: '
        f'{default}')


def add_split(parser: argparse.ArgumentParser, default: str = 'val') -> None:
    """The argument that names a part of a data set."""
    parser.add_argument(
        '--split',
        choices=('train', 'val', 'test'),
        default=default,
        help='whose images (default: %(default)s)')


def read_models(args: argparse.Namespace) -> List[TrainedModel]:
    """Load the models that :func:`add_models` asked for; see
    :func:`split_pairs`, :func:`choose_names` and :func:`read_model` for what
    is refused."""
    pairs = split_pairs(args.pairs)
    names = choose_names(args.names, short_names(*pairs))
    return [
        read_model(*named, args.cfg_options) for named in zip(names, *pairs)
    ]


def read_map_kinds(args: argparse.Namespace,
                   models: Sequence[TrainedModel]) -> List[ModelMap]:
    """The maps that :func:`add_maps` asked for.

    Raises:
        MmmixError, ModuleNotFoundError: If one of the models has no such
            maps.
    """
    maps = [ModelMap(kind) for kind in dict.fromkeys(args.maps)]
    for kind in maps:
        for trained in models:
            kind.check(trained.model)
    return maps


def split_pairs(pairs: Sequence[str]) -> Tuple[Sequence[str], Sequence[str]]:
    """Configs and checkpoints, which are given in turn.

    Raises:
        MmmixError: If one lacks its checkpoint.
    """
    if len(pairs) % 2:
        raise MmmixError('Every CONFIG needs its CHECKPOINT, but '
                         f'{len(pairs)} names were given.')
    return pairs[::2], pairs[1::2]


def choose_names(given: Optional[Sequence[str]],
                 default: Sequence[str]) -> Sequence[str]:
    """The names of --names, or else the default ones, of which those that
    occur several times get a number.

    Raises:
        MmmixError: If they are not as many, or not different.
    """
    names = given or [
        name if default.count(name) == 1 else f'{name} ({i})'
        for i, name in enumerate(default, 1)
    ]
    if not len(set(names)) == len(names) == len(default):
        raise MmmixError(f'--names must give {len(default)} different names, '
                         f'in the order of the help, not {" ".join(names)}.')
    return names


def read_model(name: str,
               config: str,
               checkpoint: str,
               options: Optional[dict] = None) -> TrainedModel:
    """Load one model, which mixes nothing, with all of its weights or none.

    Args:
        name (str): What tables and figures call it.
        config (str): See :func:`mmmix.cli.load_config`.
        checkpoint (str): A file or an address.
        options (dict, optional): Values of the config to override.

    Raises:
        FileNotFoundError: If the config or the checkpoint is missing.
        MmmixError: If the checkpoint does not fit the config.
    """
    cfg = load_config(config, options)
    drop_mixing(cfg)
    return load_trained(name, cfg, checkpoint)


def load_trained(name: str, cfg, checkpoint: Optional[str]) -> TrainedModel:
    """Build the model of a config, and load its weights if a checkpoint is
    given; see :func:`read_model`."""
    model = build_model(cfg)
    if checkpoint is not None:
        load_weights(model, checkpoint)
    return TrainedModel(name, cfg, str(checkpoint),
                        model.to(get_device()).eval())


def open_images(args: argparse.Namespace,
                trained: TrainedModel) -> BaseDataset:
    """The data set of ``args.data``, the name of a config, or else that of a
    model; see :func:`mmmix.analysis.open_dataset`."""
    if args.data:
        trained = replace(trained, name=args.data, cfg=load_config(args.data))
    return open_dataset(trained, getattr(args, 'split', 'val'))


def short_names(configs: Sequence[str],
                checkpoints: Sequence[str]) -> List[str]:
    """What tells configs apart; where that is not enough, the folders of the
    checkpoints are added."""
    names = _distinct([Path(config).stem.split('_') for config in configs])
    if len(set(names)) < len(names):
        folders = _distinct([Path(path).parts[-2:] for path in checkpoints])
        names = [' '.join(pair) for pair in zip(names, folders)]
    return names


def _distinct(parts: Sequence[Sequence[str]]) -> List[str]:
    """Each joined without the parts that all of them have."""
    common = set(parts[0]).intersection(*parts[1:]) if len(parts) > 1 else ()
    return [
        '_'.join(part for part in own if part not in common) or '_'.join(own)
        for own in parts
    ]
