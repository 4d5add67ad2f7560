"""What the parts of a model require of each other, checked in one place.

Mixers, label rules and losses declare what they require (``requires``); label
rules and losses also declare the kinds of batches they apply to (``kinds``).
The ingredients are:

=================== =======================================================
'attention'          attention maps of the unmixed images, from the guide
'logits'             logits of the unmixed images, from the guide
'saliency'           gradients of the loss by pixel, from the guide
'features'           features of one layer, from the guide
'label_maps'         a soft label for each place, from the guide
'classifier'         the guide's network, with gradients to images alone
'mask'               a mixer whose one source has a weight at each place
'regions'            a mixer that cuts and pastes one source
'tokens'             patch tokens of the mixed images, from the backbone
'feature_map'        the same, or a CNN's last feature map
'class_attention'    class attention of the mixed images, from the backbone
'unmixed_logits'     logits of the unmixed images, with gradients, from the
                     model under training
=================== =======================================================
"""
from typing import Callable, Dict, FrozenSet, Optional

import numpy as np
from mmpretrain.models.backbones import VisionTransformer
from mmpretrain.models.losses import FocalLoss
from torch import nn

from mmmix.errors import MissingIngredient, MmmixError
from .attention import find_extractor
from .batch_augments import BatchMixer
from .guides import WORDS, Guide, words_by_guide
from .heads import MixHead


def parts_of(head: nn.Module) -> Dict[str, nn.Module]:
    """Label rule and mix losses of a head, by their keys in a config."""
    parts = {
        f'model.head.mix_losses.{name}': loss
        for name, loss in getattr(head, 'mix_losses', {}).items()
    }
    rule = getattr(head, 'label_rule', None)
    if rule is not None:
        parts['model.head.label_rule'] = rule
    return parts


def required(head: nn.Module, augment: Optional[Callable]) -> FrozenSet[str]:
    """What is required when a batch augment mixes.

    Args:
        head (nn.Module): The head that holds the label rule and losses.
        augment (Callable, optional): The batch augment. None and MMPretrain's
            own give a batch of the kind 'unmixed'.
    """
    kind = getattr(augment, 'kind', 'unmixed')
    words = set(getattr(augment, 'requires', ()))
    for part in parts_of(head).values():
        if kind in part.kinds:
            words |= part.requires
    return frozenset(words)


def required_of_guides(head: nn.Module,
                       augment: Optional[Callable]) -> FrozenSet[str]:
    """What is required from the guides alone; see :func:`required`."""
    return required(head, augment) & frozenset(WORDS)


def check_requirements(model: nn.Module) -> None:
    """Check, when a model is built, that every part gets what it requires.

    Args:
        model (nn.Module): A :class:`~mmmix.models.MixClassifier`.

    Raises:
        MissingIngredient: If a part requires what mixers, backbone or head
            cannot give.
        MmmixError: If a guide, a mixer or the head does not suit the
            backbone, head, its loss and data preprocessor have different
            numbers of classes, or a part reads the logits by softmax and the
            classification loss by sigmoid.
    """
    _check_classes(model)
    if isinstance(model.head, MixHead):
        model.head.check_backbone(model.backbone)
        _check_channels(model)
        _check_loss(model.head)
    _check_backbone(model)
    mixers = model.data_preprocessor.batch_augments
    if mixers is None:
        return
    augments = [*mixers.augments, None]
    for place, part in parts_of(model.head).items():
        if not any(
                getattr(a, 'kind', 'unmixed') in part.kinds for a in augments):
            raise _applies_nowhere(place, part, mixers.augments)
    for mixer in mixers.augments:
        if isinstance(mixer, BatchMixer):
            mixer.check(model)
    words = frozenset().union(*(required_of_guides(model.head, a)
                                for a in augments))
    guides = model.data_preprocessor.guides
    for guide, share in words_by_guide(guides, words).items():
        for word in share - guide.gives:
            raise _not_given(guide, word)
        guide.check(model, share)


def _check_classes(model: nn.Module) -> None:
    ours = getattr(model.head, 'num_classes', None)
    theirs = model.data_preprocessor.num_classes
    if ours and theirs not in (None, ours):
        raise MmmixError(f'The head has num_classes={ours} and the '
                         f'data_preprocessor {theirs}: set both to the '
                         'number of classes of the data set.')


def _check_channels(model: nn.Module) -> None:
    """Check those of a ViT's tokens; others are known from a batch alone."""
    if model.with_neck or not isinstance(model.backbone, VisionTransformer):
        return
    ours, theirs = model.head.in_channels, model.backbone.embed_dims
    if ours != theirs:
        raise MmmixError(f'The head has in_channels={ours}, but the tokens of '
                         f'the backbone have {theirs} channels: set '
                         f'model.head.in_channels={theirs}.')


def _check_loss(head: MixHead) -> None:
    """Check that the classification loss suits the classes and the parts."""
    loss = head.loss_module
    for module in loss.modules():
        for name in ('class_weight', 'pos_weight'):
            weights = getattr(module, name, None)
            if np.ndim(weights) and len(weights) != head.num_classes:
                raise MmmixError(
                    f'`{name}` of the {type(loss).__name__} has '
                    f'{len(weights)} numbers, but the head has '
                    f'{head.num_classes} classes: give one for each.')
    if not any(
            getattr(module, 'use_sigmoid', isinstance(module, FocalLoss))
            for module in loss.modules()):
        return
    for place, part in parts_of(head).items():
        if part.one_class:
            raise MmmixError(
                f'{place} ({type(part).__name__}) assumes one class for each '
                'image and reads the logits by softmax, but the '
                f'{type(loss).__name__} of the head reads them by sigmoid, as '
                'for several classes an image: remove the part, '
                f'{place}=None, or choose a softmax loss.')


def _check_backbone(model: nn.Module) -> None:
    """Check that it provides what the label rule and losses require of it."""
    words = frozenset().union(*(part.requires
                                for part in parts_of(model.head).values()))
    if not words & {'tokens', 'feature_map', 'class_attention'}:
        return
    extractor = find_extractor(model.backbone)
    if 'tokens' in words:
        extractor.check_tokens()
    if 'feature_map' in words:
        extractor.check_feature_map()
    if 'class_attention' in words:
        extractor.check_class_attention()
    if extractor.image_size:
        extractor.grid(extractor.image_size)


def _not_given(guide: Guide, word: str) -> MissingIngredient:
    gives = ' and '.join(f"'{given}'" for given in sorted(guide.gives))
    return MissingIngredient(
        word, f'A mixer, label rule or loss requires {word!r} of the unmixed '
        f'images, but the {type(guide).__name__} gives {gives} only: choose '
        f'another guide for it, guide=dict({word}=dict(type=...)).')


def _applies_nowhere(place: str, part: nn.Module,
                     augments: list) -> MissingIngredient:
    names = [
        f'{type(a).__module__.split(".")[0]}.{type(a).__name__}'
        for a in augments
    ]
    kinds = ' or '.join(f"'{kind}'" for kind in sorted(part.kinds))
    return MissingIngredient(
        'mask' if 'soft' in part.kinds else 'regions',
        f'{place} ({type(part).__name__}) applies to none of the mixers '
        f'{names}: it requires batches of the kind {kinds}. A blend has no '
        'regions, a mix of several sources no single one to weigh, and '
        "MMPretrain's own mixers do not tell what they mixed. Add an mmmix "
        'mixer that cuts and pastes one source, or remove the part: '
        f'{place}=None.')
