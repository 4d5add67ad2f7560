"""Methods of mixing, compared outside of a training on the same pairs."""
import argparse
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import Config, DictAction
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from mmmix.analysis.trained_model import (
    SPLITS,
    Subject,
    batches,
    labels_of,
    open_dataset,
    short_names,
)
from mmmix.checkpoint import load_weights
from mmmix.cli.launch import add_cfg_options, build_model, load_config
from mmmix.cli.mixers import default_mixer, mixer_names
from mmmix.errors import MmmixError
from mmmix.models import BatchMixer, EMAGuide, FrozenGuide, MixClassifier
from mmmix.structures import MixedBatch

# heads of MMPretrain that ours take the place of, with the same parameters
HEADS = {
    'LinearClsHead': 'mmmix.MixLinearClsHead',
    'VisionTransformerClsHead': 'mmmix.MixVisionTransformerClsHead'
}
# what a guide can be replaced by, and what tables call it
CONTROLS = dict(oracle='the truth', chance='chance')


@dataclass
class Pairs:
    """A batch of images, and who is pasted into whom, for all methods alike.

    Attributes:
        inputs (Tensor): Normalised images ``(N, C, H, W)``.
        labels (Tensor): ``(N,)`` int64.
        samples (Sequence[BaseDataElement]): Their data samples.
        source (np.ndarray): ``(N,)``, the index of the image pasted in.
        valid (Tensor): ``(N,)`` bool: the two have different classes.
        key (tuple): Seed and number of the batch.
    """
    inputs: Tensor
    labels: Tensor
    samples: Sequence[BaseDataElement]
    source: np.ndarray
    valid: Tensor
    key: Tuple[int, ...] = field(default=(0, ))


@dataclass
class Method(Subject):
    """How a config mixes, with the weights of a checkpoint.

    Args:
        name, cfg, checkpoint, model: See :class:`Subject`; the model keeps
            its mixers, guide and label rule.
        mixer (BatchMixer): One of the model's.
        control (str, optional): Replaces the guide's maps: 'oracle' by the
            truth, 'chance' by noise.
    """
    mixer: BatchMixer = None
    control: Optional[str] = None

    @property
    def wants_attention(self) -> bool:
        """Whether the guide is asked where to look."""
        return 'attention' in self.model.data_preprocessor.wanted(self.mixer)

    @property
    def guided_by(self) -> str:
        """Who shows the mixer, or the label rule, where to look: 'nobody',
        the truth, or a checkpoint by its folder and name."""
        rule = self.model.label_rule
        if self.control:
            return CONTROLS[self.control]
        if self.wants_attention:
            part = self.model.data_preprocessor.guide.parts[0]
            if isinstance(part, FrozenGuide):
                return str(part.checkpoint or 'random weights')
        elif not (rule and rule.needs_class_attention):
            return 'nobody'
        return self.checkpoint

    @torch.no_grad()
    def mix(self, pairs: Pairs, maps: Optional[Tensor] = None) -> MixedBatch:
        """Mix a batch as a training would; ``lam`` is what it would use.

        Args:
            pairs (Pairs): What to mix; the same pairs and key give the same.
            maps (Tensor, optional): The truth ``(N, h, w)``, for the oracle.
        """
        scores = F.one_hot(pairs.labels, self.model.head.num_classes).float()
        if self.control == 'chance':
            n, _, *size = pairs.inputs.shape
            noise = np.random.default_rng([*pairs.key, 1]).random((n, *size))
            maps = torch.from_numpy(noise).to(pairs.inputs)
        if self.control and maps is None:
            raise MmmixError(f'{self.name} is led by maps, but has none.')
        mixed, guidance = self.model.data_preprocessor.mix(
            pairs.inputs, scores, self.mixer, np.random.default_rng(pairs.key),
            pairs.source, maps if self.control else None)
        return self.model.relabel(mixed, guidance)

    def controlled(self, control: str) -> 'Method':
        """The same method with another answer of its guide."""
        return replace(self, name=f'{self.name}, {control}', control=control)


def add_methods(parser: argparse.ArgumentParser, host: str,
                host_help: str) -> None:
    """The arguments that name methods and how many images they mix.

    Args:
        host (str): Name of the option with the model for ``--methods``.
        host_help (str): What that model is for.
    """
    parser.add_argument(
        'pairs',
        nargs='*',
        metavar='CONFIG CHECKPOINT',
        help='in turn: a config that mixes, such as smmix/NAME.py, and '
        'weights of its model, which then guide it')
    parser.add_argument(
        f'--{host}', nargs=2, metavar=('CONFIG', 'CHECKPOINT'), help=host_help)
    parser.add_argument(
        '--methods',
        nargs='+',
        default=[],
        metavar='METHOD',
        help=f'more methods, guided by the model of --{host}: a config, of '
        'which mixer, label rule and view are taken, or the name of a mixer '
        f'({", ".join(mixer_names())}) with the area as label; followed by '
        '+KEY=VALUE for each option to change, of the config or of the '
        'mixer, such as MaskMix+scale=2')
    parser.add_argument(
        '--names',
        nargs='+',
        metavar='NAME',
        help='what to call each pair and then each of --methods')
    parser.add_argument(
        '--controls',
        action='store_true',
        help='each way of asking a guide where to look twice more: with the '
        'truth as answer (oracle), and with noise (chance)')
    parser.add_argument(
        '--data',
        metavar='CONFIG',
        help='mix images of the data set of this config; by default of the '
        "first method's, or the judge's")
    parser.add_argument(
        '--split', choices=SPLITS, default='val', help='default: %(default)s')
    parser.add_argument(
        '--batch-size',
        type=int,
        default=25,
        help='images at a time; some mixers draw one region for all of them '
        '(default: %(default)s)')
    parser.add_argument(
        '--num-images',
        type=int,
        help='mix so many images, drawn by a fixed seed; by default all of '
        'them')
    parser.add_argument(
        '--rounds',
        type=int,
        default=1,
        help='how often each image is a target, with other partners and '
        'regions each time (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--out',
        help='write OUT.json, OUT.md and OUT.png; by default the table is '
        'only printed')
    add_cfg_options(parser)


def open_images(args: argparse.Namespace, subject: Subject) -> BaseDataset:
    """The data set that :func:`add_methods` asked for.

    Args:
        args (argparse.Namespace): The arguments.
        subject (Subject): Whose data set it is if none was named.

    Raises:
        FileNotFoundError: If the config or the data is missing.
        ValueError: If it has no such split, or that is empty.
    """
    if args.data:
        subject = replace(subject, name=args.data, cfg=load_config(args.data))
    return open_dataset(subject, args.split)


def read_methods(args: argparse.Namespace,
                 host: Optional[Sequence[str]] = None) -> List[Method]:
    """Load the methods that :func:`add_methods` asked for.

    Args:
        args (argparse.Namespace): The arguments.
        host (Sequence[str], optional): Config and checkpoint of the model
            that guides ``args.methods``.

    Raises:
        FileNotFoundError: If a config or a checkpoint is missing.
        ValueError: If names and methods differ in number, a config mixes
            nothing or by mixers that do not say what they mixed, or a
            checkpoint does not fit.
    """
    if len(args.pairs) % 2:
        raise MmmixError('Every CONFIG needs its CHECKPOINT, but '
                         f'{len(args.pairs)} names were given.')
    configs, checkpoints = args.pairs[::2], args.pairs[1::2]
    if not (configs or args.methods):
        raise MmmixError('There is nothing to compare: give CONFIG CHECKPOINT '
                         'pairs or --methods.')
    if args.methods and not host:
        raise MmmixError('--methods are guided by a trained model: name its '
                         'config and checkpoint.')
    names = args.names or _names(configs, checkpoints, args.methods)
    wanted = len(configs) + len(args.methods)
    if len(names) != wanted or len(set(names)) != wanted:
        raise MmmixError(f'--names must give {wanted} different names, one '
                         'for each pair and then each of --methods, not '
                         f'{" ".join(names)}.')
    methods = []
    for name, config, checkpoint in zip(names, configs, checkpoints):
        cfg = load_config(config, args.cfg_options)
        methods += _read(name, cfg, checkpoint)
    for name, text in zip(names[len(configs):], args.methods):
        cfg = with_mixing_of(text, load_config(host[0], args.cfg_options))
        methods += _read(name, cfg, host[1])
    return methods


def guided_methods(methods: Sequence[str],
                   host: Sequence[str],
                   options: Optional[dict] = None) -> List[Method]:
    """Load methods that one model guides.

    Args:
        methods (Sequence[str]): As ``--methods`` of :func:`add_methods`.
        host (Sequence[str]): Config and checkpoint of the model.
        options (dict, optional): Values of its config to override.

    Raises:
        FileNotFoundError, ValueError: See :func:`read_methods`.
    """
    return read_methods(
        argparse.Namespace(
            pairs=[], methods=methods, names=None, cfg_options=options), host)


def with_controls(methods: Sequence[Method]) -> List[Method]:
    """And those that ask a guide where to look, led by the truth and by
    chance.

    Once for each mixer and label rule: who the guide was matters no more.
    """
    asking = {}
    for method in methods:
        if method.wants_attention:
            rule = method.cfg.model.head.get('label_rule')
            key = (type(method.mixer), str(vars(method.mixer)), str(rule))
            asking.setdefault(key, method)
    return [*methods] + [
        method.controlled(control) for method in asking.values()
        for control in CONTROLS
    ]


def _names(configs: Sequence[str], checkpoints: Sequence[str],
           methods: Sequence[str]) -> List[str]:
    """What tells methods apart; of an option the last part of its key."""
    names = short_names(configs, checkpoints) if configs else []
    for text in methods:
        name, *options = text.split('+')
        pairs = [option.partition('=') for option in options]
        names.append('+'.join([Path(name).stem] + [
            key.split('.')[-1] + equals + value for key, equals, value in pairs
        ]))
    return [
        name if names.count(name) == 1 else f'{name} ({i})'
        for i, name in enumerate(names, 1)
    ]


def with_mixing_of(text: str, host: Config) -> Config:
    """The config of a model that mixes as a method says.

    Args:
        text (str): A config's name or a mixer's, with +KEY=VALUE options.
        host (Config): The config of the model, which may be a stock one.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If an option is not KEY=VALUE.
    """
    name, *options = text.split('+')
    options = dict(_option(option) for option in options)
    if name.removeprefix('mmmix.') in mixer_names():
        train_cfg = dict(augments=[{**default_mixer(name), **options}])
        rule = None
    else:
        method = load_config(name, options).model
        train_cfg = dict(method.get('train_cfg') or {})
        rule = method.head.get('label_rule')
        guide = train_cfg.pop('guide', None)
        if guide and guide.get('attention_map'):
            train_cfg['guide'] = dict(
                type='mmmix.SelfGuide', attention_map=guide['attention_map'])
    cfg = Config(host.to_dict())
    cfg.model.type = 'mmmix.MixClassifier'
    cfg.model.train_cfg = train_cfg
    head = cfg.model.head
    head.type = HEADS.get(head.type.split('.')[-1], head.type)
    head.pop('mix_losses', None)
    head.pop('label_rule', None)
    if rule:
        head.label_rule = rule
    return cfg


def _option(text: str) -> Tuple[str, object]:
    key, equals, value = text.partition('=')
    if not (key and equals):
        raise MmmixError(f'An option of a method is +KEY=VALUE, not +{text}.')
    return key, DictAction._parse_iterable(value)


def _read(name: str, cfg: Config, checkpoint: str) -> List[Method]:
    """A method for each mixer of a config."""
    model = build_model(cfg)
    mixers = getattr(model.data_preprocessor, 'choice', None)
    if not isinstance(model, MixClassifier) or mixers is None:
        raise MmmixError(f'The config of {name} mixes nothing: give one with '
                         'a mixer in model.train_cfg, or name a mixer with '
                         '--methods.')
    for mixer in mixers.augments:
        if not isinstance(mixer, BatchMixer):
            raise MmmixError(
                f'{type(mixer).__module__}.{type(mixer).__name__} of {name} '
                'does not say what it mixed: use the one of mmmix.')
    load_weights(model, checkpoint)
    model = model.to(get_device()).eval()
    for part in model.data_preprocessor.guide.parts:
        if isinstance(part, EMAGuide):
            # a checkpoint holds the averaged weights as the model's
            part.bind_average(model)
    several = len(mixers.augments) > 1
    return [
        Method(
            f'{name}: {type(mixer).__name__}' if several else name,
            cfg,
            _place(checkpoint),
            model,
            mixer=mixer) for mixer in mixers.augments
    ]


def _place(checkpoint: str) -> str:
    """A checkpoint by its folder and name."""
    return '/'.join(Path(checkpoint).parts[-2:])


def check_alike(subjects: Sequence[Subject], dataset: BaseDataset) -> None:
    """Refuse models that cannot be shown the same batch.

    Raises:
        ValueError: If they normalise images differently, or know another
            number of classes than the data set.
    """
    first = subjects[0]
    classes = len(dataset.metainfo.get('classes') or ())
    for subject in subjects:
        ours, theirs = (_eyes(s.model) for s in (first, subject))
        if ours != theirs:
            raise MmmixError(
                f'{first.name} and {subject.name} normalise images '
                f'differently ({ours} and {theirs}), so they cannot be '
                'shown the same mixed image.')
        known = subject.model.head.num_classes
        if classes and known != classes:
            raise MmmixError(f'{subject.name} knows {known} classes, but the '
                             f'data set has {classes}.')


def _eyes(model: nn.Module) -> Tuple:
    """Mean, standard deviation and channel order of a preprocessor."""
    eyes = model.data_preprocessor
    mean, std = (
        getattr(eyes, name).flatten().tolist()
        if eyes._enable_normalize else None for name in ('mean', 'std'))
    return mean, std, eyes.to_rgb


def pair_classes(labels: np.ndarray,
                 rng: np.random.Generator) -> Tuple[np.ndarray, np.ndarray]:
    """Pair images of different classes at random.

    Args:
        labels (np.ndarray): ``(N,)`` integers.
        rng (np.random.Generator): The only source of randomness.

    Returns:
        tuple[np.ndarray, np.ndarray]: A permutation ``(N,)``: the index of
        each image's source; and whether the two have different classes, which
        holds for all unless one class has more than half of the images.
    """
    n = len(labels)
    _, classes = np.unique(labels, return_inverse=True)
    most = np.bincount(classes).max()
    # classes in a random order, images of a class in a random order; a turn
    # by at least the largest class then leads to another class
    ranks = rng.permutation(classes.max() + 1)[classes]
    order = np.lexsort((rng.random(n), ranks))
    turn = rng.integers(most, max(n - most, most), endpoint=True)
    source = np.empty(n, np.int64)
    source[order] = np.roll(order, -turn)
    return source, labels[source] != labels


def draw_pairs(subject: Subject,
               dataset: BaseDataset,
               indices: Sequence[int],
               batch_size: int = 25,
               rounds: int = 1,
               seed: int = 0) -> Iterator[Pairs]:
    """Show a data set's images in pairs, each image once a round.

    Args:
        subject (Subject): Whose data preprocessor is used.
        dataset (BaseDataset): Labelled images.
        indices (Sequence[int]): Which of them.
        batch_size (int): Images at a time, at least 2.
        rounds (int): How often, each time in another order.
        seed (int): Not negative.

    Yields:
        Pairs: A batch of pairs.

    Raises:
        ValueError: If a number is out of its range.
    """
    for name, value, least in (('--batch-size', batch_size, 2),
                               ('--rounds', rounds, 1), ('--seed', seed, 0),
                               ('--num-images', len(indices), 2)):
        if value < least:
            raise MmmixError(f'{name} must be at least {least}, not {value}.')
    number = 0
    for turn in range(rounds):
        rng = np.random.default_rng([seed, turn])
        order = rng.permutation(indices).tolist()
        shown = batches(subject, dataset, order, batch_size,
                        f'round {turn + 1} of {rounds}')
        for inputs, samples in shown:
            labels = labels_of(samples).to(inputs.device)
            source, valid = pair_classes(labels.cpu().numpy(), rng)
            yield Pairs(inputs, labels, samples, source,
                        torch.from_numpy(valid).to(inputs.device),
                        (seed, number))
            number += 1
