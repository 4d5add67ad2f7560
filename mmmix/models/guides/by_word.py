"""Which guide is asked for what."""
from dataclasses import fields
from typing import Dict, FrozenSet, List, Optional

from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.registry import TASK_UTILS, build_as
from mmmix.structures import Guidance
from .base import Guide

WORDS = tuple(field.name for field in fields(Guidance))


def build_guides(cfg: Optional[dict] = None) -> Dict[str, Guide]:
    """Build a guide for each word that can be required from a guide.

    Args:
        cfg (dict, optional): Config of the guide for all words, by default
            ``dict(type='mmmix.SelfGuide')``. Under the names of fields of
            :class:`Guidance`, such as 'attention', it may hold the config of
            another guide for that word.

    Returns:
        dict[str, Guide]: The guide for each word.

    Raises:
        MmmixError: If a config does not build a guide.

    >>> guides = build_guides(dict(logits=dict(type='mmmix.EMAGuide')))
    >>> {word: type(guides[word]).__name__ for word in ('attention', 'logits')}
    {'attention': 'SelfGuide', 'logits': 'EMAGuide'}
    """
    cfg = dict(cfg or {})
    special = {word: cfg.pop(word, None) for word in WORDS}
    if cfg and 'type' not in cfg:
        raise MmmixError(
            "`guide` must have a `type`, such as 'mmmix.SelfGuide', or a "
            f'config for each of {WORDS}, but has {[*cfg]}.')
    default = build_as(Guide, TASK_UTILS, cfg or dict(type='mmmix.SelfGuide'),
                       'guide')
    return {
        word:
        build_as(Guide, TASK_UTILS, special[word], f'guide.{word}')
        if special[word] else default
        for word in WORDS
    }


def ask_guides(
        guides: Dict[str, Guide],
        model: nn.Module,
        images: Tensor,
        requires: FrozenSet[str],
        labels: Optional[Tensor] = None,
        samples: Optional[List[DataSample]] = None) -> Optional[Guidance]:
    """Ask each guide once, for what is required from it.

    Args:
        guides (dict[str, Guide]): See :func:`build_guides`.
        model, images, requires, labels, samples: See :meth:`Guide.__call__`.

    Returns:
        Guidance, optional: None if nothing is required.
    """
    if not requires:
        return None
    guidance = Guidance()
    for guide, words in words_by_guide(guides, requires).items():
        found = guide(model, images, words, labels, samples)
        for word in words:
            setattr(guidance, word, getattr(found, word))
    return guidance


def words_by_guide(guides: Dict[str, Guide],
                   requires: FrozenSet[str]) -> Dict[Guide, FrozenSet[str]]:
    """What is required from each guide; guides from which nothing is
    required are left out."""
    asked = dict.fromkeys(guides[word] for word in WORDS if word in requires)
    return {
        guide: frozenset(w for w in requires if guides[w] is guide)
        for guide in asked
    }
