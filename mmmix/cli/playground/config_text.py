"""The choices of the playground as a config."""
from pathlib import Path
from typing import Any, FrozenSet

from mmmix.cli.methods import HEADS
from mmmix.models import ImageGuide
from mmmix.registry import TASK_UTILS, is_of, type_name
from .mixing import Choices
from .networks import Network

WIDTH = 79
NO_DATA = '# Its base has no training data: to train, add a data set and a ' \
    'schedule.\n'


def config_text(network: Network, choices: Choices,
                requires: FrozenSet[str]) -> str:
    """The config of a training of the network that mixes as was chosen, and
    guides itself.

    Args:
        network (Network): Of whose config it is a variant.
        choices (Choices): What was chosen.
        requires (frozenset[str]): What is required from the guide; without it
            none is named.
    """
    base = network.cfg.model
    model: dict = {}
    if type_name(base) != 'MixClassifier':
        model['type'] = 'mmmix.MixClassifier'
    head = _head(base.head, choices)
    if head:
        model['head'] = head
    mixing = dict(augments=[choices.mixer])
    if requires:
        mixing['guide'] = choices.guide
    if base.get('train_cfg') is not None:
        mixing = dict(_delete_=True, **mixing)
    model['train_cfg'] = mixing
    cfg: dict = dict(_base_=_address(network.config), model=model)
    if network.checkpoint:
        cfg['load_from'] = network.checkpoint
    no_data = network.cfg.get('train_dataloader') is None
    return NO_DATA * no_data + _printed(cfg)


def guided_config_text(network: Network, choices: Choices,
                       requires: FrozenSet[str]) -> str:
    """What to put into the config of another network, which the chosen one
    then guides; see :func:`config_text`."""
    mixing = dict(augments=[choices.mixer])
    if requires:
        guide = dict(
            type='mmmix.FrozenGuide',
            config=_address(network.config),
            checkpoint=network.checkpoint,
            input_size=network.size)
        if is_of(choices.attention, TASK_UTILS, ImageGuide):
            guide = dict(attention=choices.attention) if requires == {
                'attention'
            } else dict(
                guide, attention=choices.attention)
        else:
            guide['attention_map'] = choices.attention
        mixing['guide'] = guide
    model = dict(train_cfg=mixing)
    if choices.label_rule:
        model['head'] = dict(label_rule=choices.label_rule)
    return _printed(dict(model=model))


def _head(base: dict, choices: Choices) -> dict:
    """What is to be changed in a head."""
    head: dict = {}
    kind = type_name(base)
    if kind in HEADS:
        head['type'] = HEADS[kind]
    if base.get('mix_losses') is not None:
        head['mix_losses'] = None
    if choices.label_rule:
        inherits = base.get('label_rule') is not None
        head['label_rule'] = dict(
            dict(_delete_=True) if inherits else {}, **choices.label_rule)
    elif base.get('label_rule') is not None:
        head['label_rule'] = None
    return head


def _address(config: str) -> str:
    """How another config names a config as its base."""
    if '::' in config:
        return config
    if Path(config).is_file():
        return Path(config).resolve().as_posix()
    return f'mmmix::{config}'


def _printed(cfg: dict) -> str:
    return ''.join(f'{key} = {_source(value, len(key) + 3)}\n'
                   for key, value in cfg.items())


def _source(value: Any, column: int = 0, depth: int = 0) -> str:
    """A value as it is written in a config, broken where it is too long to
    begin at a column."""
    if isinstance(value, dict):
        opening, closing = 'dict(', ')'
        parts = [(f'{key}=', one) for key, one in value.items()]
    elif isinstance(value, list):
        opening, closing = '[', ']'
        parts = [('', one) for one in value]
    else:
        return repr(value)
    line = opening + ', '.join(name + _source(one)
                               for name, one in parts) + closing
    if not column or column + len(line) < WIDTH:
        return line
    inner = ' ' * 4 * (depth + 1)
    return opening + ','.join(
        f'\n{inner}{name}'
        f'{_source(one, len(inner) + len(name) + 1, depth + 1)}'
        for name, one in parts) + closing
