"""Mixers by name, for tools that compare them."""
import inspect
from typing import Dict, List

from mmengine.config import Config

from mmmix.errors import MmmixError
from mmmix.models import BatchMixer
from mmmix.registry import BATCH_AUGMENTS


def mixer_names() -> List[str]:
    """Names of all registered mixers."""
    return [
        name for name, kind in BATCH_AUGMENTS.module_dict.items()
        if issubclass(kind, BatchMixer)
    ]


def default_mixer(name: str) -> dict:
    """Config of a registered mixer; ``alpha`` is 1 where it has no default.

    Args:
        name (str): With or without the prefix ``mmmix.``.

    Raises:
        ValueError: If there is no such mixer.
    """
    name = name.removeprefix('mmmix.')
    if name not in mixer_names():
        raise MmmixError(f'There is no mixer {name!r}; there are '
                         f'{", ".join(mixer_names())}.')
    cfg = dict(type=f'mmmix.{name}')
    kind = BATCH_AUGMENTS.module_dict[name]
    alpha = inspect.signature(kind).parameters.get('alpha')
    if alpha is not None and alpha.default is alpha.empty:
        cfg['alpha'] = 1.0
    return cfg


def config_mixers(cfg: Config) -> Dict[str, dict]:
    """The mixers that a config trains with, by name without prefix."""
    train_cfg = cfg.model.get('train_cfg') or {}
    augments = train_cfg.get('augments', [])
    augments = [augments] if isinstance(augments, dict) else augments
    mixers = {}
    for augment in augments:
        name = augment['type'].split('.')[-1]
        while name in mixers:  # the same mixer with other arguments
            name += "'"
        mixers[name] = augment
    return mixers
