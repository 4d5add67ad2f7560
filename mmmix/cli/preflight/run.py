"""What the checks look at, each part made once."""
import math
from copy import deepcopy
from functools import wraps
from inspect import Parameter, signature
from itertools import chain, islice
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np
from mmengine.config import Config
from mmengine.dataset import BaseDataset, DefaultSampler, InfiniteSampler
from mmengine.device import get_device
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DATASETS
from mmengine.runner import Runner
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader

from mmmix.cli.runner import build_model, drop_pretrained, replace_sync_bn
from mmmix.cli.toolboxes import toolbox_of
from mmmix.datasets.watched_pipeline import leaves
from mmmix.registry import class_of
from .files import explain_coco, read_class_folders

SPLITS = ('train', 'val', 'test')
HEADERS = 300  # images of a set whose sizes are read
SAMPLES = dict(train=8, val=4, test=4)  # that go through the pipelines
STEP = 2  # images of a batch that the model takes
ORIENTATION = 0x0112  # the EXIF tag
# of batches that may hold any images
PLAIN = ('BatchSampler', 'AspectRatioBatchSampler')
# packages whose parts the checks know; of others they say nothing
KNOWN = ('mmcv', 'mmengine', 'mmpretrain', 'mmseg', 'mmdet', 'mmmix')


def is_known(kind: Optional[type]) -> bool:
    """Whether a class is of a package that the checks know."""
    return isinstance(kind, type) and kind.__module__.split('.')[0] in KNOWN


def once(make: Callable) -> Callable:
    """Keep what a method returns, or raises: an error that several checks
    run into is then the same one, and reported once."""

    @wraps(make)
    def get(self, *key):
        kept = self._kept
        key = (make.__name__, *key)
        if key not in kept:
            try:
                kept[key] = (make(self, *key[1:]), None)
            except Exception as error:
                kept[key] = (None, error)
        value, error = kept[key]
        if error is not None:
            raise error
        return value

    return get


class Run:
    """The data sets, samples, batches and the model of a config.

    Nothing of it is that of the run itself: weights and data sets are its
    own.

    Args:
        cfg (Config): The complete config; it is copied.
        splits (Sequence[str]): The data sets to look at. One that equals
            another is looked at once.
        optional (Sequence[str]): Those of them that this run does not use:
            what is wrong with them does not stop it.
        trained (bool): Whether all weights will come from a checkpoint.
        processes (int): Number of processes of the run.

    Attributes:
        synchronised (bool): Whether processes share the statistics of their
            batches.
        looking_at (str): What a check looks at, for the finding that an
            exception becomes.
        looked_at (List[str]): A line for each thing that was looked at.
    """

    def __init__(self,
                 cfg: Config,
                 splits=SPLITS,
                 optional=(),
                 trained: bool = False,
                 processes: int = 1):
        self.cfg = deepcopy(cfg)
        self.optional = optional
        self.trained = trained
        self.processes = processes
        self.task = toolbox_of(cfg)
        self.splits: List[str] = []
        for split in splits:
            same = [
                other for other in self.splits if all(
                    cfg.get(f'{split}_{part}') == cfg.get(f'{other}_{part}')
                    for part in ('dataloader', 'evaluator'))
            ]
            if cfg.get(f'{split}_dataloader') and not same:
                self.splits.append(split)
        # the model of a preflight has no other to synchronise with
        replaced = replace_sync_bn(self.cfg.get('model') or {})
        self.synchronised = bool(replaced and processes > 1
                                 and get_device() != 'cpu')
        self.looking_at = ''
        self.looked_at: List[str] = []
        self._kept: Dict[tuple, Tuple[Any, Optional[Exception]]] = {}

    @once
    def dataset(self, split: str):
        """A data set, whose entries are not serialised."""
        cfg = self.cfg[f'{split}_dataloader'].dataset
        dataset = read_class_folders(cfg)
        if dataset is not None:
            return dataset
        parts = [*leaves(cfg, lambda node, key: node.get(key))]
        for leaf in parts:
            if _takes(leaf, 'serialize_data'):
                leaf.serialize_data = False
        try:
            dataset = DATASETS.build(cfg)
            if hasattr(dataset, 'full_init'):
                dataset.full_init()
        except Exception as error:
            for leaf in parts:
                read_class_folders(leaf)
                explain_coco(leaf, error)
            raise
        return dataset

    def leaves(self, split: str) -> List[BaseDataset]:
        """The data sets inside all wrappers."""
        return [
            leaf for leaf in leaves(
                self.dataset(split),
                lambda node, key: getattr(node, key, None))
            if isinstance(leaf, BaseDataset)
        ]

    def metainfo(self, split: str) -> dict:
        """What a data set says of itself, which a plain one does not."""
        return getattr(self.dataset(split), 'metainfo', None) or {}

    @once
    def entries(self, split: str) -> List[List[dict]]:
        """The annotations of each of the data sets inside all wrappers."""
        return [
            leaf.data_list
            or [leaf.get_data_info(i) for i in range(len(leaf))]
            for leaf in self.leaves(split)
        ]

    @once
    def loader(self, split: str) -> DataLoader:
        """The data loader of a single process, without workers."""
        cfg = dict(self.cfg[f'{split}_dataloader'])
        dataset = self.dataset(split)
        dataset.__deepcopy__ = lambda memo: dataset  # the runner copies all
        cfg.update(dataset=dataset, num_workers=0, persistent_workers=False)
        for key in ('prefetch_factor', 'multiprocessing_context', 'timeout'):
            cfg.pop(key, None)
        return Runner.build_dataloader(cfg, seed=0)

    @once
    def headers(self, split: str) -> List[tuple]:
        """Index, path, height, width and EXIF orientation of images of a
        data set, as far as they are local files."""
        dataset = self.dataset(split)
        if not hasattr(dataset, 'get_data_info'):
            return []
        rng = np.random.default_rng(0)
        n = len(dataset)
        found = []
        for index in rng.permutation(n)[:HEADERS].tolist():
            path = dataset.get_data_info(index).get('img_path')
            try:
                with Image.open(path) as image:
                    turn = image.getexif().get(ORIENTATION, 1)
                    found.append((index, path, *image.size[::-1], turn))
            except Exception:  # its loading step says what is wrong
                continue
        return found

    @once
    def indices(self, split: str) -> List[int]:
        """Samples to look at: the images that differ most in size, the first,
        the last, and some between; or the first batch of a sampler that may
        choose which images go together."""
        together = self.loader(split).batch_sampler
        if type(together).__name__ not in PLAIN or not isinstance(
                together.sampler, (DefaultSampler, InfiniteSampler)):
            return [*islice(chain.from_iterable(together), SAMPLES[split])]
        headers = self.headers(split)
        found = []
        for key in (lambda h: h[2] / h[3], lambda h: h[2] * h[3]):
            if headers:
                found += [min(headers, key=key)[0], max(headers, key=key)[0]]
        n, count = len(self.dataset(split)), SAMPLES[split]
        found += np.linspace(0, n - 1, min(n, count)).astype(int).tolist()
        return list(dict.fromkeys(found))[:count]

    @once
    def samples(self, split: str) -> List[dict]:
        """Samples that went through the pipeline."""
        samples = []
        dataset = self.dataset(split)
        for index in self.indices(split):
            info = getattr(dataset, 'get_data_info', lambda i: {})(index)
            path = info.get('img_path', f'image {index}')
            self.looking_at = f'the pipeline of the {split} set on {path}'
            samples.append(dataset[index])
        return samples

    def batch_size(self, split: str) -> int:
        """Images a process takes in one step."""
        loader = self.loader(split)
        return loader.batch_size or getattr(loader.batch_sampler, 'batch_size',
                                            1)

    def mixes_sources(self, split: str) -> bool:
        """Whether a batch has branches, as in semi-supervised detection: then
        a few samples are none."""
        return any(
            isinstance(sample, dict)
            and isinstance(sample.get('inputs'), dict)
            for sample in self.samples(split))

    @once
    def batch(self, split: str, count: int = STEP, first: int = 0) -> Any:
        """Some of the samples put together, from one of them on, at most as
        many as a batch has; where many are asked for, the same ones again."""
        most = self.batch_size(split)
        if self.synchronised and split == 'train':
            most *= self.processes
        samples, count = self.samples(split), min(count, most)
        samples = samples[first:] + samples[:first]
        repeats = math.ceil(count / len(samples)) if count > STEP else 1
        samples = [
            deepcopy(sample) for _ in range(repeats) for sample in samples
        ][:count]
        self.looking_at = (f'{len(samples)} samples of the {split} set put '
                           'together')
        return self.loader(split).collate_fn(samples)

    @once
    def model(self) -> nn.Module:
        """A model of its own, on the device of the run."""
        self.looking_at = 'the model as the config describes it'
        if self.trained:
            drop_pretrained(self.cfg.model)
        model = revert_sync_batchnorm(build_model(self.cfg))
        for weight in model.parameters():
            if not weight.any():  # a last layer of zeros passes nothing back
                nn.init.normal_(weight, std=0.01)
        return model.to(get_device())


def _takes(cfg: dict, name: str) -> bool:
    """Whether the class that a config names has an argument."""
    kind = class_of(cfg, DATASETS)
    if not (isinstance(kind, type) and issubclass(kind, BaseDataset)):
        return False
    parameters = signature(kind).parameters
    return name in parameters or any(p.kind is Parameter.VAR_KEYWORD
                                     for p in parameters.values())
