"""Methods of mixing outside of a training."""
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import Callable, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dataset import BaseDataset
from mmengine.runner import set_random_seed
from torch import Tensor

from mmmix.analysis.pairs import Pairs
from mmmix.analysis.trained_model import TrainedModel, load_batch, to_image
from mmmix.errors import MmmixError
from mmmix.models import BatchMixer, FrozenGuide, ImageGuide, MixClassifier
from mmmix.models.guides import words_by_guide
from mmmix.structures import MixedBatch
from mmmix.visualization import MixedPairs

# what can replace a guide, and what tables call it
CONTROLS = dict(oracle='the truth', chance='chance')


@dataclass
class Method(TrainedModel):
    """How a config mixes, with the weights of a checkpoint.

    Args:
        name, cfg, checkpoint, model: See :class:`TrainedModel`; the model
            keeps its mixers, guide and label rule.
        mixer (BatchMixer): One of the model's.
        control (str, optional): Replaces the guide's maps: 'oracle' by the
            truth, 'chance' by noise.
    """
    mixer: BatchMixer = None
    control: Optional[str] = None

    @property
    def requires_attention(self) -> bool:
        """Whether the guide is asked for attention."""
        return 'attention' in self.model.data_preprocessor.requires(
            self.model, self.mixer)

    @property
    def guided_by(self) -> str:
        """What guides the mixer or the label rule: 'nobody', the truth,
        chance, the pixels, or a checkpoint by its folder and name."""
        if self.control:
            return CONTROLS[self.control]
        preprocessor = self.model.data_preprocessor
        words = preprocessor.requires(self.model, self.mixer)
        guides = words_by_guide(preprocessor.guides,
                                words & {'attention', 'saliency'})
        for guide in guides:
            if isinstance(guide, FrozenGuide):
                return str(guide.checkpoint or 'random weights')
            if isinstance(guide, ImageGuide):
                return 'the pixels'
        if not guides and 'class_attention' not in getattr(
                self.model.label_rule, 'requires', ()):
            return 'nobody'
        return self.short_checkpoint

    @torch.no_grad()
    def mix(self, pairs: Pairs, maps: Optional[Tensor] = None) -> MixedBatch:
        """Mix a batch as a training would; ``lam`` is what it would use, and
        the same pairs and key give the same.

        Args:
            pairs (Pairs): What to mix.
            maps (Tensor, optional): The truth ``(N, h, w)``, for the oracle.
        """
        if self.control == 'chance':
            n, _, *size = pairs.inputs.shape
            noise = np.random.default_rng([*pairs.key, 1]).random((n, *size))
            maps = torch.from_numpy(noise).to(pairs.inputs)
        if self.control and maps is None:
            raise MmmixError(f'{self.name} takes the truth instead of a '
                             'guide, but got no `maps`.')
        mixed, guidance = self.model.data_preprocessor.mix_by(
            self.model, self.mixer, pairs.inputs, self._one_hot(pairs),
            np.random.default_rng(pairs.key), pairs.source,
            maps if self.control else None)
        return self.model.relabel(mixed, guidance)

    @torch.no_grad()
    def attention(self, pairs: Pairs) -> Optional[Tensor]:
        """The guide's maps of the unmixed images ``(N, h, w)``; None where
        its backbone yields none."""
        guide = self.model.data_preprocessor.guides['attention']
        required = frozenset({'attention'})
        try:
            guide.check(self.model, required)
        except MmmixError:
            return None
        return guide(self.model, pairs.inputs, required,
                     self._one_hot(pairs)).attention

    def _one_hot(self, pairs: Pairs) -> Tensor:
        return F.one_hot(pairs.labels, self.model.head.num_classes).float()

    def controlled(self, control: str) -> 'Method':
        """The same method, its guide replaced by a control."""
        return replace(self, name=f'{self.name}, {control}', control=control)


def methods_of(trained: TrainedModel) -> List[Method]:
    """A method for each mixer of a model.

    Raises:
        MmmixError: If it is not a :class:`mmmix.models.MixClassifier` that
            mixes, or its mixers do not say what they mixed.
    """
    model, name = trained.model, trained.name
    mixers = getattr(model.data_preprocessor, 'batch_augments', None)
    if not isinstance(model, MixClassifier) or mixers is None:
        raise MmmixError(f'The config of {name} mixes nothing: give one with '
                         'a mixer in model.train_cfg, or name a mixer with '
                         '--methods.')
    for mixer in mixers.augments:
        if not isinstance(mixer, BatchMixer):
            raise MmmixError(
                f'{type(mixer).__module__}.{type(mixer).__name__} of {name} '
                'does not say what it mixed: use the one of mmmix.')
    names = [
        f'{name}: {own}' for own in tell_apart(
            type(mixer).__name__ for mixer in mixers.augments)
    ]
    return [
        Method(own, trained.cfg, trained.checkpoint, model, mixer=mixer)
        for own, mixer in zip(
            names if len(names) > 1 else [name], mixers.augments)
    ]


def tell_apart(names: Iterable[str]) -> List[str]:
    """Names of mixers, with a prime for each that came before: the same mixer
    with other arguments.

    >>> tell_apart(['CutMix', 'Mixup', 'CutMix'])
    ['CutMix', 'Mixup', "CutMix'"]
    """
    apart: List[str] = []
    for name in names:
        while name in apart:
            name += "'"
        apart.append(name)
    return apart


def with_controls(methods: Sequence[Method]) -> List[Method]:
    """The methods, and those that ask a guide for attention once more led by
    the truth, and by chance.

    Once for each mixer and label rule: which guide it was no longer matters.
    """
    asking = {}
    for method in methods:
        if method.requires_attention:
            rule = method.cfg.model.head.get('label_rule')
            key = (type(method.mixer), str(vars(method.mixer)), str(rule))
            asking.setdefault(key, method)
    return [*methods] + [
        method.controlled(control) for method in asking.values()
        for control in CONTROLS
    ]


def check_regions(methods: Sequence[Method]) -> None:
    """Raise a MmmixError if a mixer gives all places one weight, or mixes
    several sources, as one pasted region cannot be measured then."""
    for method in methods:
        if method.mixer.kind not in ('regions', 'soft'):
            raise MmmixError(
                f'{method.name} has no regions of one source (its mixes are '
                f'of the kind {method.mixer.kind!r}), so there is nothing to '
                'measure. Choose methods that cut and paste one source.')


def check_mixing(method: Method) -> None:
    """Raise a MmmixError if a method leaves images as they are."""
    if method.mixer.kind == 'unmixed':
        raise MmmixError(
            f'{method.name} only gives labels and mixes nothing, so there is '
            'nothing to measure: choose methods that mix, or give it a mixer, '
            "such as mixer=dict(type='mmmix.CutMix').")


def check_images(methods: Sequence[Method]) -> None:
    """Raise a MmmixError if there is no mixed image to look at, as a mixer
    mixes inside of the network, or not at all."""
    for method in methods:
        check_mixing(method)
        modules = method.mixer.modules
        if modules:
            raise MmmixError(
                f'{method.name} mixes inside of the network, at '
                f'{" or ".join(modules)}, so that there is no mixed image to '
                'look at: choose methods that mix the images.')


def check_names(methods: Sequence[Method]) -> None:
    """Raise a MmmixError if methods have the same name, by which their values
    are kept."""
    counts = Counter(method.name for method in methods)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise MmmixError(f'{len(methods)} methods must have {len(methods)} '
                         f'different names, but {counts[twice[0]]} are called '
                         f'{twice[0]!r}: give them others, with --names.')


def measure_pairs(
    methods: Sequence[Method], batches: Iterable[Pairs],
    values_of: Callable[[Pairs], Iterable[Dict[str, Tensor]]]
) -> Tuple[Dict[str, Dict[str, np.ndarray]], int]:
    """Measure the pairs of different classes, mixed by several methods.

    Args:
        methods (Sequence[Method]): See :func:`methods_of`.
        batches (Iterable[Pairs]): See :func:`mmmix.analysis.pair_batches`.
        values_of (Callable): Returns for each method in turn the values
            ``(N,)`` of a batch, by what they are.

    Returns:
        tuple[dict, int]: Of each method by its name an array of each kind of
        values and ``batch``, the number of each one's batch; and how many
        pairs were left out because both images have one class.

    Raises:
        MmmixError: If no pair has different classes, or methods have the same
            name.
    """
    check_names(methods)
    found = {method.name: defaultdict(list) for method in methods}
    same_class = 0
    for pairs in batches:
        same_class += int((~pairs.valid).sum())
        number = torch.full_like(pairs.labels, pairs.key[-1])
        for own, values in zip(found.values(), values_of(pairs)):
            for name, value in dict(values, batch=number).items():
                own[name] += value[pairs.valid].tolist()
    if not any(own['batch'] for own in found.values()):
        raise MmmixError('No pair has different classes.')
    for own in found.values():
        for name, values in own.items():
            own[name] = np.array(values, np.float64)
    return found, same_class


def mix_pairs(methods: Sequence[Method],
              dataset: BaseDataset,
              num: int = 6,
              seed: int = 0) -> MixedPairs:
    """Mix some images of a data set, the same pairs with every method.

    What mixes inside of the network mixes the images here as it does there,
    by its mask.

    Args:
        methods (Sequence[Method]): Of one model.
        dataset (BaseDataset): Labelled images, of which some are drawn.
        num (int): Number of pairs, at least 2. Defaults to 6.
        seed (int): Seed of the images and of the mixes. Defaults to 0.
    """
    if not 2 <= num <= len(dataset):
        raise MmmixError(f'`num` must be between 2 and the {len(dataset)} '
                         f'images of the data set, not {num}.')
    set_random_seed(seed)  # the data pipeline draws from the global states
    chosen = np.random.default_rng(seed).choice(
        len(dataset), num, replace=False)
    first = methods[0]
    guided = [method.requires_attention for method in methods]
    inputs, samples = load_batch(first, dataset, chosen)
    pairs = Pairs(inputs, samples, np.roll(np.arange(num), 1), (seed, ))
    mixes = [method.mix(pairs) for method in methods]
    for mixed in mixes:
        shown = mixed.inputs if mixed.site is None else mixed.paste(inputs)
        mixed.inputs = to_image(first, shown)
    return MixedPairs(
        images=to_image(first, inputs),
        labels=class_names(dataset, pairs.labels.tolist()),
        # the map in which the regions of a guided mixer are framed
        attention=methods[guided.index(True) if any(guided) else 0].attention(
            pairs),
        mixes=mixes,
        guided=guided)


def class_names(dataset: BaseDataset, labels: Sequence[int]) -> List[str]:
    """Names of classes, which not every data set knows."""
    classes = dataset.metainfo.get('classes')
    return [classes[i] if classes else f'class {i}' for i in labels]
