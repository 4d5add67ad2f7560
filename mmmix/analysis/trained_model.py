"""What the analysis tools share: the models they look at, and their data."""
import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset, pseudo_collate
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.structures import BaseDataElement
from rich.progress import track
from torch import Tensor, nn

from mmmix.checkpoint import load_weights
from mmmix.cli.launch import add_cfg_options, build_model, load_config
from mmmix.errors import MmmixError
from mmmix.registry import DATASETS

SPLITS = ('train', 'val', 'test')


@dataclass
class Subject:
    """A trained classifier that is looked at.

    Args:
        name (str): What tables and figures call it.
        cfg (Config): Its config.
        checkpoint (str): Where its weights came from.
        model (nn.Module): In eval mode, on the device that MMEngine chooses.
    """
    name: str
    cfg: Config
    checkpoint: str
    model: nn.Module

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device


def add_subjects(parser: argparse.ArgumentParser) -> None:
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
    parser.add_argument(
        '--batch-size', type=int, default=100, help='default: %(default)s')
    parser.add_argument(
        '--num-images',
        type=int,
        help='look at so many images, drawn by a fixed seed; by default at '
        'all of them')
    add_cfg_options(parser)


def read_subjects(args: argparse.Namespace) -> List[Subject]:
    """Load the models that :func:`add_subjects` asked for.

    Raises:
        FileNotFoundError: If a config or a checkpoint is missing.
        ValueError: If their number is odd, if names and pairs differ in
            number, or if a checkpoint does not fit its config.
    """
    if len(args.pairs) % 2:
        raise MmmixError('Every CONFIG needs its CHECKPOINT, but '
                         f'{len(args.pairs)} names were given.')
    configs, checkpoints = args.pairs[::2], args.pairs[1::2]
    names = args.names or short_names(configs, checkpoints)
    if len(names) != len(configs) or len(set(names)) != len(names):
        raise MmmixError(f'--names must give {len(configs)} different names, '
                         f'one for each pair, not {" ".join(names)}.')
    return [
        read_subject(name, config, path, args.cfg_options)
        for name, config, path in zip(names, configs, checkpoints)
    ]


def read_subject(name: str,
                 config: str,
                 checkpoint: str,
                 options: Optional[dict] = None) -> Subject:
    """Load one model, all of its weights or none.

    Args:
        name (str): What tables and figures call it.
        config (str): See :func:`mmmix.cli.launch.load_config`.
        checkpoint (str): A file or an address.
        options (dict, optional): Values of the config to override.

    Raises:
        FileNotFoundError: If the config or the checkpoint is missing.
        ValueError: If the checkpoint does not fit the config.
    """
    cfg = load_config(config, options)
    cfg.model.train_cfg = None  # nothing is mixed while training
    model = build_model(cfg)
    load_weights(model, checkpoint)
    return Subject(name, cfg, str(checkpoint), model.to(get_device()).eval())


def short_names(configs: Sequence[str],
                checkpoints: Sequence[str]) -> List[str]:
    """What tells the configs apart; where that is nothing, the checkpoints'
    folders and at last their numbers are added."""
    names = _distinct([Path(config).stem.split('_') for config in configs])
    if len(set(names)) < len(names):
        folders = _distinct([Path(path).parts[-2:] for path in checkpoints])
        names = [' '.join(pair) for pair in zip(names, folders)]
    if len(set(names)) < len(names):
        names = [f'{name} ({i})' for i, name in enumerate(names, 1)]
    return names


def _distinct(parts: Sequence[Sequence[str]]) -> List[str]:
    """Each joined without the parts that all of them have."""
    if len(parts) == 1:
        return ['_'.join(parts[0])]
    common = set(parts[0]).intersection(*parts[1:])
    return [
        '_'.join(part for part in own if part not in common) or '_'.join(own)
        for own in parts
    ]


def open_dataset(subject: Subject, split: str = 'val') -> BaseDataset:
    """The data set of a subject's config.

    Args:
        subject (Subject): Whose config.
        split (str): 'train', 'val' or 'test'.

    Raises:
        FileNotFoundError: If the data is not where the config says.
        ValueError: If the config has no such split, or it is empty.
    """
    loader = subject.cfg.get(f'{split}_dataloader')
    if loader is None:
        raise MmmixError(f'The config of {subject.name} has no '
                         f'{split}_dataloader.')
    init_default_scope(subject.cfg.get('default_scope', 'mmpretrain'))
    dataset = DATASETS.build(loader.dataset)
    if not len(dataset):
        raise MmmixError(f'The {split} data set of {subject.name} has no '
                         'images.')
    return dataset


def choose_images(dataset: BaseDataset,
                  num_images: Optional[int] = None) -> List[int]:
    """Indices of so many images, drawn once and for all by a fixed seed, in
    the order of the data set. (Every tenth would be one class of a set whose
    labels go round.)

    Raises:
        ValueError: If there are not so many.
    """
    total = len(dataset)
    if num_images is None:
        return list(range(total))
    if not 1 <= num_images <= total:
        raise MmmixError(f'The data set has {total} images, so '
                         f'--num-images must be between 1 and {total}, not '
                         f'{num_images}.')
    drawn = np.random.default_rng(0).choice(total, num_images, replace=False)
    return sorted(drawn.tolist())


def check_same_images(subjects: Sequence[Subject],
                      datasets: Sequence[BaseDataset]) -> None:
    """Look that all subjects are shown the same images in the same order.

    Raises:
        ValueError: If the data sets differ in their images' number, file
            names or labels.
    """
    first = [_what_is_shown(datasets[0], i) for i in range(len(datasets[0]))]
    for subject, dataset in zip(subjects[1:], datasets[1:]):
        listed = [_what_is_shown(dataset, i) for i in range(len(dataset))]
        if listed != first:
            alike = sum(a == b for a, b in zip(first, listed))
            raise MmmixError(
                f'{subjects[0].name} is shown {len(first)} images and '
                f'{subject.name} {len(listed)}, of which only {alike} are the '
                'same: give configs of one data set, or make them alike with '
                '--cfg-options.')


def _what_is_shown(dataset: BaseDataset, index: int) -> Tuple:
    info = dataset.get_data_info(index)
    return Path(info.get('img_path', '')).name, info.get('gt_label')


def batches(
        subject: Subject,
        dataset: BaseDataset,
        indices: Sequence[int],
        batch_size: int = 100,
        description: str = ''
) -> Iterator[Tuple[Tensor, List[BaseDataElement]]]:
    """Show a data set's images as the subject's classifier sees them.

    Args:
        subject (Subject): Whose data preprocessor is used.
        dataset (BaseDataset): See :func:`open_dataset`.
        indices (Sequence[int]): See :func:`choose_images`.
        batch_size (int): Images at a time.
        description (str): What the progress bar says.

    Yields:
        tuple: Normalised images ``(N, C, H, W)`` on the subject's device, and
        their N data samples.
    """
    if batch_size < 1:
        raise MmmixError(f'--batch-size must be at least 1, not {batch_size}.')
    for start in track(
            range(0, len(indices), batch_size),
            description=description or subject.name):
        samples = [dataset[i] for i in indices[start:start + batch_size]]
        data = subject.model.data_preprocessor(pseudo_collate(samples), False)
        yield data['inputs'], data['data_samples']


def labels_of(samples: Sequence[BaseDataElement]) -> Tensor:
    """The true labels ``(N,)`` of data samples.

    Raises:
        ValueError: If one has no label.
    """
    if not all('gt_label' in sample for sample in samples):
        raise MmmixError('The images of this data set have no labels, which '
                         'this analysis needs: name the data set of a '
                         'classification config.')
    return torch.cat([sample.gt_label for sample in samples])
