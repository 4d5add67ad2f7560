"""Mixers and methods of mixing that are named on a command line."""
import argparse
import inspect
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from mmengine.config import Config

from mmmix.analysis import Method, methods_of, with_controls
from mmmix.analysis.methods import tell_apart
from mmmix.analysis.truth import TRUTHS
from mmmix.cli.config import add_cfg_options, load_config
from mmmix.cli.models import (add_images, add_out, add_split, choose_names,
                              load_trained, short_names, split_pairs)
from mmmix.errors import MmmixError
from mmmix.models import BatchMixer, ImageGuide
from mmmix.private import parse_option_value
from mmmix.registry import (BATCH_AUGMENTS, TASK_UTILS, as_list, is_of,
                            type_name)

# heads of MMPretrain that ours take the place of, with the same parameters
HEADS = {
    'LinearClsHead': 'mmmix.MixLinearClsHead',
    'VisionTransformerClsHead': 'mmmix.MixVisionTransformerClsHead'
}
METHOD_HELP = (
    'a config, such as smmix/NAME.py, of which mixer, label rule and '
    'attention map are taken, or the name of a mixer, such as CutMix, with '
    'the area as label; followed by +KEY=VALUE for each option to change, of '
    'the config or of the mixer, such as MaskMix+scale=2')


def mixer_names() -> List[str]:
    """Names of the registered mixers that have defaults for all arguments."""
    return [
        name for name, kind in BATCH_AUGMENTS.module_dict.items()
        if issubclass(kind, BatchMixer) and all(
            parameter.default is not parameter.empty
            for parameter in inspect.signature(kind).parameters.values())
    ]


def default_mixer(name: str) -> dict:
    """Config of a registered mixer with its defaults.

    Args:
        name (str): With or without the prefix ``mmmix.``.

    Raises:
        MmmixError: If there is no such mixer.
    """
    name = name.removeprefix('mmmix.')
    if name not in mixer_names():
        raise MmmixError(f'There is no mixer {name!r}; there are '
                         f'{", ".join(mixer_names())}.')
    return dict(type=f'mmmix.{name}')


def config_mixers(cfg: Config) -> Dict[str, dict]:
    """The mixers that a config trains with, by name without prefix."""
    train_cfg = cfg.model.get('train_cfg') or {}
    augments = as_list(train_cfg.get('augments'))
    names = tell_apart(map(type_name, augments))
    return dict(zip(names, augments))


def choose_mixers(cfg: Config,
                  names: Optional[Sequence[str]] = None) -> Dict[str, dict]:
    """Configs of mixers by name, with the arguments that a config gives them
    where it does; without names all of the config. A name may be followed by
    +KEY=VALUE for each argument to change."""
    own = config_mixers(cfg)
    mixers = {}
    for text in names or own:
        name, options = _name_and_options(text)
        mixers[text] = dict(own.get(name) or default_mixer(name), **options)
    return mixers


def _name_and_options(text: str) -> Tuple[str, dict]:
    """The parts of NAME+KEY=VALUE+..."""
    name, *given = text.split('+')
    options = {}
    for option in given:
        key, equals, value = option.partition('=')
        if not (key and equals):
            raise MmmixError('An option of a method is +KEY=VALUE, not '
                             f'+{option}.')
        options[key] = parse_option_value(value)
    return name, options


def with_mixers(host: Config,
                mixers: Sequence[dict],
                guide: Optional[dict] = None,
                label_rule: Optional[dict] = None) -> Config:
    """The config of a model, which may be a stock one, that mixes with other
    mixers, guide and label rule and has no mix losses; without a guide it
    guides itself."""
    cfg = Config(host.to_dict())
    cfg.model.type = 'mmmix.MixClassifier'
    cfg.model.train_cfg = dict(augments=list(mixers))
    if guide:
        cfg.model.train_cfg.guide = guide
    head = cfg.model.head
    head.type = HEADS.get(type_name(head), head.type)
    head.pop('mix_losses', None)
    head.pop('label_rule', None)
    if label_rule:
        head.label_rule = label_rule
    return cfg


def with_mixing_of(text: str, host: Config) -> Config:
    """The config of a model that mixes as a method says, guided by itself
    or, if the method's guide is, by the pixels.

    Args:
        text (str): A config's name or a mixer's, with +KEY=VALUE options.
        host (Config): The config of the model, which may be a stock one.

    Raises:
        FileNotFoundError: If there is no such config.
        MmmixError: If an option is not KEY=VALUE.
    """
    name, options = _name_and_options(text)
    if name.removeprefix('mmmix.') in mixer_names():
        return with_mixers(host, [{**default_mixer(name), **options}])
    cfg = load_config(name, options)
    mixers = config_mixers(cfg)
    if not mixers:
        raise MmmixError(f'The config {name} mixes nothing: give one with a '
                         'mixer in model.train_cfg, or the name of a mixer.')
    guide = cfg.model.train_cfg.get('guide') or {}
    attention = guide.get('attention') or guide
    attention_map = attention.get('attention_map')
    if is_of(attention, TASK_UTILS, ImageGuide):
        guide = dict(attention=attention)
    else:
        guide = attention_map and dict(
            type='mmmix.SelfGuide', attention_map=attention_map)
    return with_mixers(host, mixers.values(), guide,
                       cfg.model.head.get('label_rule'))


def add_methods(parser: argparse.ArgumentParser, host: str,
                host_help: str) -> None:
    """The arguments that name methods and how many images they mix.

    Args:
        parser (argparse.ArgumentParser): Gets them.
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
        help=f'more methods, guided by the model of --{host}: {METHOD_HELP}')
    parser.add_argument(
        '--names',
        nargs='+',
        metavar='NAME',
        help='what to call each pair and then each of --methods')
    parser.add_argument(
        '--controls',
        action='store_true',
        help='each method that asks a guide for attention twice more: led by '
        'the truth (oracle), and by noise (chance)')
    parser.add_argument(
        '--data',
        metavar='CONFIG',
        help='mix images of the data set of this config; by default of the '
        "first method's, or the judge's")
    parser.add_argument(
        '--truth',
        choices=TRUTHS,
        default='boxes',
        help='where an object is: its box (the default), or the map that the '
        'data set loads: its mask, or gaze by mmmix.LoadGaze; leads the '
        'oracle of --controls')
    add_split(parser)
    add_images(parser, 25)
    add_rounds(parser)
    add_out(parser)
    add_cfg_options(parser)


def add_guided(parser: argparse.ArgumentParser, option: str, **kwargs) -> None:
    """The option that names what mixes, with more arguments of
    ``add_argument``, and that of the model which guides it."""
    parser.add_argument(
        option,
        metavar='METHOD',
        help=f'what mixes: {METHOD_HELP} (default: CutMix)',
        **kwargs)
    parser.add_argument(
        '--guide',
        nargs=2,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='the model that guides the mixing; by default the first pair')


def add_rounds(parser: argparse.ArgumentParser) -> None:
    """The arguments that say how often images are paired."""
    parser.add_argument(
        '--rounds',
        type=int,
        default=1,
        help='how often each image is a target, with other partners and '
        'regions each time (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0)


def sampling_note(args: argparse.Namespace, indices: Sequence[int]) -> str:
    """What was mixed, for the readers of a table."""
    return (f'{len(indices)} images, {args.rounds} rounds, batches of '
            f'{args.batch_size}, seed {args.seed}; a batch is the unit of the '
            'standard errors.')


def read_methods(args: argparse.Namespace,
                 host: Optional[Sequence[str]] = None) -> List[Method]:
    """Load the methods that :func:`add_methods` asked for.

    Args:
        args (argparse.Namespace): The arguments.
        host (Sequence[str], optional): Config and checkpoint of the model
            that guides ``args.methods``.

    Raises:
        FileNotFoundError: If a config or a checkpoint is missing.
        MmmixError: If names and methods differ in number, a config mixes
            nothing or by mixers that do not say what they mixed, or a
            checkpoint does not fit.
    """
    configs, checkpoints = split_pairs(args.pairs)
    if not (configs or args.methods):
        raise MmmixError('There is nothing to compare: give CONFIG CHECKPOINT '
                         'pairs or --methods.')
    if args.methods and not host:
        raise MmmixError('--methods are guided by a trained model: name its '
                         'config and checkpoint.')
    names = choose_names(
        args.names,
        short_names(configs, checkpoints) + _names(args.methods))
    methods = []
    for name, config, checkpoint in zip(names, configs, checkpoints):
        cfg = load_config(config, args.cfg_options)
        methods += methods_of(load_trained(name, cfg, checkpoint))
    methods += guided_methods(args.methods, host, args.cfg_options,
                              names[len(configs):])
    return with_controls(methods) if args.controls else methods


def guided_methods(texts: Sequence[str],
                   host: Sequence[str],
                   options: Optional[dict] = None,
                   names: Optional[Sequence[str]] = None) -> List[Method]:
    """Load methods that one model guides.

    Args:
        texts (Sequence[str]): See :func:`with_mixing_of`.
        host (Sequence[str]): Config and checkpoint of the model.
        options (dict, optional): Values of its config to override.
        names (Sequence[str], optional): What to call the methods.

    Raises:
        FileNotFoundError, MmmixError: See :func:`read_methods`.
    """
    methods = []
    for name, text in zip(choose_names(names, _names(texts)), texts):
        cfg = with_mixing_of(text, load_config(host[0], options))
        methods += methods_of(load_trained(name, cfg, host[1]))
    return methods


def _names(methods: Sequence[str]) -> List[str]:
    """Short names of methods; of an option the last part of its key."""
    names = []
    for text in methods:
        name, *options = text.split('+')
        pairs = [option.partition('=') for option in options]
        names.append('+'.join([Path(name).stem] + [
            key.split('.')[-1] + equals + value for key, equals, value in pairs
        ]))
    return names
