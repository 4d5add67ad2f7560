"""Trained classifiers, and their data sets as the classifiers see them."""
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Sized, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset, pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from mmmix.errors import MmmixError, check_least
from mmmix.models.channels import normalisation, seen_channels, stored_channels
from mmmix.progress import Progress
from mmmix.registry import DATASETS


@dataclass
class TrainedModel:
    """A classifier with trained weights.

    Args:
        name (str): What tables and figures call it.
        cfg (Config): Its config.
        checkpoint (str): Where its weights came from.
        model (nn.Module): In eval mode, on the device where it is to run.
    """
    name: str
    cfg: Config
    checkpoint: str
    model: nn.Module

    @property
    def short_checkpoint(self) -> str:
        """The checkpoint by its folder and name, or its address."""
        if '://' in self.checkpoint:
            return self.checkpoint
        return '/'.join(Path(self.checkpoint).parts[-2:])


def open_dataset(trained: TrainedModel, split: str = 'val') -> BaseDataset:
    """The data set of a model's config.

    Args:
        trained (TrainedModel): Whose config.
        split (str): 'train', 'val' or 'test'. Defaults to 'val'.

    Raises:
        FileNotFoundError: If the data is not where the config says.
        MmmixError: If the config has no such split, or it is empty.
    """
    loader = trained.cfg.get(f'{split}_dataloader')
    if loader is None:
        raise MmmixError(f'The config of {trained.name} has no '
                         f'{split}_dataloader.')
    init_default_scope(trained.cfg.get('default_scope', 'mmpretrain'))
    dataset = DATASETS.build(loader.dataset)
    if not len(dataset):
        raise MmmixError(f'The {split} data set of {trained.name} has no '
                         'images.')
    return dataset


def choose_images(dataset: Sized,
                  num_images: Optional[int] = None) -> List[int]:
    """Indices of some images, by default of all, drawn with a fixed seed, in
    the order of the data set. Every tenth would be a single class where the
    labels cycle.

    Raises:
        MmmixError: If there are fewer images.
    """
    total = len(dataset)
    if num_images is None:
        return list(range(total))
    if not 1 <= num_images <= total:
        raise MmmixError(f'The data set has {total} images, so `num_images` '
                         f'must be between 1 and {total}, not {num_images}.')
    drawn = np.random.default_rng(0).choice(total, num_images, replace=False)
    return sorted(drawn.tolist())


def check_same_images(models: Sequence[TrainedModel],
                      datasets: Sequence[BaseDataset]) -> None:
    """Raise a MmmixError unless all models are shown the same images in the
    same order, by number, file names and labels."""
    first, *others = [[
        (Path(info.get('img_path', '')).name, info.get('gt_label'))
        for info in map(dataset.get_data_info, range(len(dataset)))
    ] for dataset in datasets]
    for trained, listed in zip(models[1:], others):
        if listed != first:
            alike = sum(a == b for a, b in zip(first, listed))
            raise MmmixError(
                f'{models[0].name} is shown {len(first)} images and '
                f'{trained.name} {len(listed)}, of which only {alike} are the '
                'same: give configs of one data set, or make them alike with '
                '--cfg-options.')


def load_batch(trained: TrainedModel,
               dataset: BaseDataset,
               indices: Sequence[int],
               alike: bool = False) -> Tuple[Tensor, List[BaseDataElement]]:
    """Images of a data set as a classifier sees them.

    In the order of channels that it was trained on, also where the data set
    is not that of its config.

    Args:
        trained (TrainedModel): Whose data preprocessor is used.
        dataset (BaseDataset): See :func:`open_dataset`.
        indices (Sequence[int]): N of its images.
        alike (bool): An image is the same each time that it is loaded, also
            by a pipeline that draws, which is seeded by the image's index.
            Defaults to False.

    Returns:
        tuple: Normalised images ``(N, C, H, W)`` on the model's device, and
        their N data samples.
    """
    loaded = []
    for i in indices:
        if alike:  # the data pipeline draws from the global states
            set_random_seed(int(i))
        loaded.append(dataset[int(i)])
    data = pseudo_collate(loaded)
    preprocessor = trained.model.data_preprocessor
    pipeline = getattr(dataset, 'pipeline', None)
    if pipeline is not None:
        turned = stored_channels(pipeline) != seen_channels(trained.cfg)
        if turned != preprocessor.to_rgb:
            data['inputs'] = [image.flip(0) for image in data['inputs']]
    data = preprocessor(data, False)
    return data['inputs'], data['data_samples']


def batches(
        trained: TrainedModel,
        dataset: BaseDataset,
        indices: Sequence[int],
        batch_size: int = 100,
        description: str = '',
        alike: bool = False) -> Iterator[Tuple[Tensor, List[BaseDataElement]]]:
    """Load images batch by batch, see :func:`load_batch`, with
    :class:`~mmmix.progress.Progress`.

    Args:
        trained, dataset, indices, alike: See :func:`load_batch`.
        batch_size (int): Images at a time, positive. Defaults to 100.
        description (str): The title of the progress. Defaults to the name
            of the model.
    """
    check_least('batch_size', batch_size, 1)
    with Progress(description or trained.name, len(indices)) as progress:
        for start in range(0, len(indices), batch_size):
            shown = indices[start:start + batch_size]
            yield load_batch(trained, dataset, shown, alike)
            progress.advance(len(shown))


def labels_of(samples: Sequence[BaseDataElement]) -> Tensor:
    """The true labels ``(N,)`` of data samples, int64.

    Raises:
        MmmixError: If one has no label, or several.
    """
    if not all('gt_label' in sample for sample in samples):
        raise MmmixError('The images of this data set have no labels, which '
                         'this analysis needs: name the data set of a '
                         'classification config or, if it is the maps that '
                         'depend on the label, choose others, such as '
                         'BottomUp.')
    several = [s.gt_label.tolist() for s in samples if s.gt_label.numel() != 1]
    if several:
        raise MmmixError('This analysis needs one class for each image, but '
                         f'one of this data set has the classes {several[0]}: '
                         'it is a set of several labels an image.')
    return torch.cat([sample.gt_label for sample in samples])


def to_image(trained: TrainedModel, inputs: Tensor) -> Tensor:
    """Undo the normalisation of images ``(N, C, H, W)``, to RGB in [0, 1]."""
    mean, std = normalisation(trained.model.data_preprocessor, inputs)
    inputs = inputs * std + mean
    if seen_channels(trained.cfg) == 'bgr':
        inputs = inputs.flip(1)
    return (inputs / 255).clamp(0, 1)
