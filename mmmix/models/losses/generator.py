import math
from typing import NoReturn, Optional

from torch import Tensor, nn

from mmmix.errors import MmmixError, check_name
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch
from ..progress import share_of_training
from .base import MixLoss


@MODELS.register_module()
class GeneratorLoss(MixLoss):
    r"""What trains the module of a mixer that learns to mix (AutoMix).

    The guide's network k, whose weights are constant here, classifies images
    that the mixer's module mixed, and the mask's mean m over the batch is
    kept near lambda:

    .. math::
        L = L_{cls}(k(x), \lambda y_A + (1 - \lambda) y_B)
        + w \max(|m - \lambda| - \epsilon, 0)

    with the classification loss of the head. It belongs to a mixer,
    ``AutoMix(loss=dict(type='mmmix.GeneratorLoss', ...))``, which runs module
    and network; it is logged as ``loss_generator``.

    Args:
        mask_weight (float): Weight w of the mask's term. Defaults to 0.1.
        mask_margin (float): How far epsilon the mask's mean may be from
            lambda, in [0, 1]. Defaults to 0.1.
        mask_decay (str, optional): 'cosine' lowers w to 0 in the course of
            the run, as the public code does on CUB-200 and ImageNet. Defaults
            to None, constant, as on CIFAR-100 and Tiny-ImageNet.
        loss_weight (float): Weight of both terms. Defaults to 1.

    Raises:
        MmmixError: If a number is out of range, ``mask_decay`` is unknown,
            or, in training, it follows a run and there is none.

    >>> import torch
    >>> from mmmix.models import AutoMix, MixLinearClsHead
    >>> mixer = AutoMix(loss=dict(type='mmmix.GeneratorLoss', mask_weight=0.))
    >>> mixer.loss.mask_weight
    0.0
    """

    def __init__(self,
                 mask_weight: float = 0.1,
                 mask_margin: float = 0.1,
                 mask_decay: Optional[str] = None,
                 loss_weight: float = 1.0):
        super().__init__(loss_weight, batches='mixed')
        if mask_weight < 0 or not 0 <= mask_margin <= 1:
            raise MmmixError(
                '`mask_weight` must not be negative and `mask_margin` be in '
                f'[0, 1], but they are {mask_weight!r} and {mask_margin!r}.')
        if mask_decay is not None:
            check_name('mask_decay', mask_decay, ('cosine', ))
        self.mask_weight = mask_weight
        self.mask_margin = mask_margin
        self.mask_decay = mask_decay

    def prepare(self, head: nn.Module) -> NoReturn:
        raise MmmixError(
            'GeneratorLoss trains the module of a mixer, so it is not one of '
            'the `mix_losses` of a head: remove it there, and set its options '
            "by the mixer, dict(type='mmmix.AutoMix', loss=dict(type="
            "'mmmix.GeneratorLoss', ...)).")

    def compute(self, head: nn.Module, logits: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                tokens: Optional[Tensor]) -> Tensor:
        loss = head.loss_module(
            logits, mixed.mixed_labels(), avg_factor=logits.size(0))
        return loss + self.mask_term(mixed)

    def mask_term(self, mixed: MixedBatch) -> Tensor:
        """The second term, before :attr:`loss_weight`.

        Args:
            mixed (MixedBatch): What the module mixed; one lambda for all.
        """
        distance = (mixed.mask.mean() - mixed.lam.mean()).abs()
        term = self.mask_weight * (distance - self.mask_margin).clamp(min=0)
        if self.mask_decay is None:
            return term
        progress = share_of_training("mask_decay='cosine'", term.device)
        return term * (1 + (math.pi * progress).cos()) / 2
