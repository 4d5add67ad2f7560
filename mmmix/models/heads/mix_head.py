from dataclasses import replace
from typing import Dict, List, Optional

from mmpretrain.models.heads import ClsHead
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.registry import MODELS, build_as
from mmmix.structures import Guidance, MixedBatch
from ..label_rules import LabelRule
from ..losses import MixLoss


class MixHead(ClsHead):
    """Adds a label rule and mix losses to a head of MMPretrain.

    A mixin, placed before that head among the bases. It adds no parameter of
    its own, so checkpoints are interchangeable with the parent's.

    Args:
        label_rule (dict, optional): Config of the rule that sets lambda of
            batches mixed by cutting and pasting; every loss then uses that
            lambda. None keeps the mixer's own, the area.
        mix_losses (dict, optional): Configs of mix losses by name; each is
            logged as ``loss_<name>``. A value of None removes an inherited
            loss.
        num_classes (int): Number of classes.
        args, kwargs: Of the parent.

    Raises:
        MmmixError: If ``num_classes`` is missing, or a mix loss has the
            name of the classification loss.
    """

    def __init__(self,
                 *args,
                 num_classes: Optional[int] = None,
                 label_rule: Optional[dict] = None,
                 mix_losses: Optional[Dict[str, Optional[dict]]] = None,
                 **kwargs):
        if num_classes is None:
            raise MmmixError(
                f'{type(self).__name__} requires `num_classes`, the '
                'number of classes of the data set.')
        # of the stock head that follows among the bases
        super().__init__(
            *args, num_classes=num_classes, **kwargs)  # type: ignore[call-arg]
        self.label_rule = label_rule and build_as(LabelRule, MODELS,
                                                  label_rule, 'label_rule')
        self.mix_losses = nn.ModuleDict()
        for name, cfg in (mix_losses or {}).items():
            if name == 'cls':
                raise MmmixError("A mix loss cannot be named 'cls': loss_cls "
                                 'is the classification loss.')
            if cfg is not None:
                self.mix_losses[name] = build_as(MixLoss, MODELS, cfg,
                                                 f'mix_losses.{name}')
                self.mix_losses[name].prepare(self)

    def check_backbone(self, backbone: nn.Module) -> None:
        """Raise a MmmixError if the head does not suit the backbone."""

    def classify(self, features: Tensor) -> Tensor:
        """The classifier F of SMMix, Eq. 3 and 12.

        Args:
            features (Tensor): ``(N, in_channels)``, such as the backbone's
                class token or averaged tokens.

        Returns:
            Tensor: Logits ``(N, num_classes)``.
        """
        raise NotImplementedError

    def loss(self,
             feats: tuple,
             data_samples: List[DataSample],
             mixed: Optional[MixedBatch] = None,
             guidance: Optional[Guidance] = None,
             tokens: Optional[Tensor] = None,
             class_attention: Optional[Tensor] = None,
             **kwargs) -> Dict[str, Tensor]:
        """The classification loss and every mix loss that applies.

        Args:
            feats (tuple): Features after the neck.
            data_samples (List[DataSample]): Annotations. Their labels are
                the target only if ``mixed`` is None.
            mixed (MixedBatch, optional): The mixed batch, whose mixed labels
                are the target. None trains with the classification loss
                alone.
            guidance (Guidance, optional): What the guides returned.
            tokens (Tensor, optional): Last feature map of the mixed images,
                ``(N, C, h, w)``: of a ViT the patch tokens.
            class_attention (Tensor, optional): Class attention of the mixed
                images, ``(N, h, w)``.

        Returns:
            dict[str, Tensor]: ``loss_cls``, and ``loss_<name>`` for each mix
            loss.
        """
        logits = self(feats)
        if mixed is None:
            losses = self._get_loss(logits, data_samples, **kwargs)
            losses['loss_cls'] = losses.pop('loss')
            return losses
        mixed = self.relabel(logits, mixed, guidance, class_attention)
        losses = dict(
            loss_cls=self.loss_module(
                logits,
                mixed.mixed_labels(),
                avg_factor=logits.size(0),
                **kwargs))
        for name, loss in self.mix_losses.items():
            if mixed.kind in loss.kinds:
                losses[f'loss_{name}'] = loss(self, logits, mixed, guidance,
                                              tokens)
        self._touch_idle(mixed, losses)
        return losses

    def relabel(self,
                logits: Tensor,
                mixed: MixedBatch,
                guidance: Optional[Guidance] = None,
                class_attention: Optional[Tensor] = None) -> MixedBatch:
        """The batch with the lambda that the losses use: the label rule's
        where it applies, otherwise the mixer's own.

        Args:
            logits (Tensor): Logits of the mixed images, ``(N, num_classes)``.
            mixed, guidance, class_attention: See :meth:`loss`.
        """
        if self.label_rule is None or mixed.kind not in self.label_rule.kinds:
            return mixed
        lam = self.label_rule(logits, mixed, guidance, class_attention)
        lam, own = lam if isinstance(lam, tuple) else (lam, None)
        return replace(mixed, lam=lam, own_lam=own)

    def _touch_idle(self, mixed: MixedBatch, losses: Dict[str,
                                                          Tensor]) -> None:
        """Let parameters of parts that do not apply take part in the step:
        DistributedDataParallel would wait for their gradients forever."""
        parts = [*self.mix_losses.values()]
        parts += [self.label_rule] if self.label_rule is not None else []
        for part in parts:
            if mixed.kind not in part.kinds:
                for parameter in part.parameters():
                    losses['loss_cls'] += 0 * parameter.sum()
