from typing import Callable, Dict, List, Optional, Tuple

import torch
from mmengine.logging import MessageHub
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch

from ..attention import OutputRecorder, find_extractor
from ..data_preprocessors import MixDataPreprocessor
from ..heads import MixHead


@MODELS.register_module()
class MixClassifier(ImageClassifier):
    """MMPretrain's ``ImageClassifier`` that trains on guided mixes.

    It has the same parameters: a checkpoint of the one loads into the other.
    Without mixing (validation, inference) it is its parent.

    Args:
        train_cfg (dict, optional): ``augments`` and ``probs`` as in
            MMPretrain, and ``guide``, by default the model itself. For
            example ``dict(augments=[dict(type='mmmix.SMMix')], probs=[0.5])``.
        *: As in ``mmpretrain.ImageClassifier``; the data preprocessor is by
            default a :class:`~mmmix.models.MixDataPreprocessor`, whose
            ``num_classes`` is by default the head's.

    Raises:
        ValueError: If a mixer, loss or guide asks for what the backbone
            cannot give.
    """

    def __init__(self,
                 backbone: dict,
                 neck: Optional[dict] = None,
                 head: Optional[dict] = None,
                 pretrained: Optional[str] = None,
                 train_cfg: Optional[dict] = None,
                 data_preprocessor: Optional[dict] = None,
                 init_cfg: Optional[dict] = None):
        if data_preprocessor is None or isinstance(data_preprocessor, dict):
            data_preprocessor = dict(data_preprocessor or {})
            data_preprocessor.setdefault('type', 'mmmix.MixDataPreprocessor')
            if isinstance(head, dict):
                data_preprocessor.setdefault('num_classes',
                                             head.get('num_classes'))
        super().__init__(backbone, neck, head, pretrained, train_cfg,
                         data_preprocessor, init_cfg)
        if not isinstance(self.data_preprocessor, MixDataPreprocessor):
            raise MmmixError(
                'MixClassifier needs a MixDataPreprocessor, not a '
                f'{type(self.data_preprocessor).__name__}: remove `type` from '
                '`data_preprocessor`.')
        self._check_head()
        # made before anything is compiled; it stays closed until a loss
        self._watch = OutputRecorder(
            find_extractor(self.backbone).hooked_modules() if self.
            _needs_class_attention() else {})
        self._bind()

    @property
    def label_rule(self) -> Optional[nn.Module]:
        """The head's label rule, if any."""
        return getattr(self.head, 'label_rule', None)

    def _needs_class_attention(self) -> bool:
        return (self.label_rule is not None
                and self.label_rule.needs_class_attention)

    @property
    def mix_losses(self) -> Dict[str, nn.Module]:
        """The head's mix losses by name."""
        losses = getattr(self.head, 'mix_losses', None)
        return dict(losses.items()) if losses is not None else {}

    def _check_head(self) -> None:
        classes = getattr(self.head, 'num_classes', None)
        if classes and self.data_preprocessor.num_classes not in (None,
                                                                  classes):
            raise MmmixError(
                f'The head has num_classes={classes} and the '
                f'data_preprocessor {self.data_preprocessor.num_classes}: '
                'give both the number of classes of the data set.')
        if isinstance(self.head, MixHead):
            self.head.check_backbone(self.backbone)
        needs_tokens = any(loss.needs_tokens
                           for loss in self.mix_losses.values())
        if not needs_tokens and not self._needs_class_attention():
            return
        extractor = find_extractor(self.backbone)
        if needs_tokens:
            extractor.check_tokens()
        if self._needs_class_attention():
            extractor.check_class_attention()
        if extractor.image_size:
            extractor.grid(extractor.image_size)

    def _bind(self) -> None:
        self.data_preprocessor.bind(self, self.mix_losses, self.label_rule)

    def __setstate__(self, state: dict) -> None:
        # a copy (the moving average) must not be guided by the original
        super().__setstate__(state)
        self._bind()

    def forward(self,
                inputs: Tensor,
                data_samples: Optional[List[DataSample]] = None,
                mode: str = 'tensor',
                mixed: Optional[MixedBatch] = None,
                guidance: Optional[Guidance] = None,
                ask: Optional[Callable] = None):
        """The parent's, where mode 'loss' also takes what was mixed.

        Mode 'ask' lets a guide look through the model from inside of this
        call: under FSDP the weights are whole there only.

        Args:
            inputs (Tensor): Images ``(N, C, H, W)``.
            data_samples (List[DataSample], optional): Annotations.
            mode (str): 'tensor', 'loss', 'predict' or 'ask'.
            mixed (MixedBatch, optional): What was pasted where.
            guidance (Guidance, optional): What the guide answered.
            ask (Callable, optional): What mode 'ask' calls with the images,
                and whose answer it gives.
        """
        if mode == 'ask':
            return ask(inputs)
        if mode == 'loss':
            return self.loss(inputs, data_samples, mixed, guidance)
        return super().forward(inputs, data_samples, mode)

    def loss(self,
             inputs: Tensor,
             data_samples: List[DataSample],
             mixed: Optional[MixedBatch] = None,
             guidance: Optional[Guidance] = None) -> Dict[str, Tensor]:
        """Losses of a batch; see :class:`~mmmix.models.heads.MixHead`."""
        if not (self.mix_losses or self.label_rule):
            return super().loss(inputs, data_samples)
        if self.data_preprocessor.choice is None:
            raise MmmixError(
                'The head has a label rule or mix losses, but nothing is '
                'mixed: name a mixer in train_cfg=dict(augments=[...]), or '
                'remove them (label_rule=None, mix_losses=None).')
        if mixed is None:
            return super().loss(inputs, data_samples)
        features, tokens, attention = self._look(inputs, mixed)
        return self.head.loss(
            features,
            data_samples,
            mixed=mixed,
            guidance=guidance,
            tokens=tokens,
            attention=attention)

    @torch.no_grad()
    def relabel(self,
                mixed: MixedBatch,
                guidance: Optional[Guidance] = None) -> MixedBatch:
        """The batch with the lambda that a training would use.

        The label rule of the head may look at how the model sees the mixed
        images; where there is none, nothing is shown to the model.

        Args:
            mixed (MixedBatch): What was pasted where.
            guidance (Guidance, optional): What the guide answered.
        """
        if self.label_rule is None:
            return mixed
        features, _, attention = self._look(mixed.inputs, mixed)
        return self.head.relabel(
            self.head(features), mixed, guidance, attention)

    def _look(
            self, inputs: Tensor, mixed: MixedBatch
    ) -> Tuple[tuple, Optional[Tensor], Optional[Tensor]]:
        """Features after the neck, and where a loss or the label rule wants
        them, patch tokens and class attention."""
        with self._watch as seen:
            features = self.backbone(inputs)
        tokens = attention = None
        wants_tokens = any(
            loss.needs_tokens and loss.applies_to(mixed)
            for loss in self.mix_losses.values())
        wants_attention = (
            self._needs_class_attention()
            and self.label_rule.applies_to(mixed))
        if wants_tokens or wants_attention:
            extractor, size = find_extractor(self.backbone), inputs.shape[-2:]
        if wants_tokens:
            tokens = extractor.patch_tokens(features, size)
        if wants_attention:
            with torch.no_grad():
                attention = extractor.class_attention(seen, features, size)
        if self.with_neck:
            features = self.neck(features)
        return features, tokens, attention

    def parse_losses(
            self, losses: Dict[str,
                               Tensor]) -> Tuple[Tensor, Dict[str, Tensor]]:
        """The parent's; a loss that is not finite stops the run here, before
        the optimizer takes it.

        On a GPU this waits for the forward pass, once a step and on purpose;
        MMEngine itself waits for the whole step, to log its losses.

        Raises:
            FloatingPointError: It names iteration, losses and learning rate.
        """
        loss, log_vars = super().parse_losses(losses)
        _stop_if_not_finite(loss, log_vars)
        return loss, log_vars


@torch.compiler.disable
def _stop_if_not_finite(loss: Tensor, log_vars: Dict[str, Tensor]) -> None:
    if torch.isfinite(loss):
        return
    hub = MessageHub.get_current_instance()
    rates = {
        name.split('/')[-1]: float(history.current())
        for name, history in hub.log_scalars.items() if name.endswith('lr')
    }
    values = {name: value.item() for name, value in log_vars.items()}
    raise FloatingPointError(
        f'The loss is not finite in iteration {hub.get_info("iter", 0) + 1}: '
        f'{values}, learning rate {rates or "unknown"}. The optimizer did not '
        'take this step, and the last checkpoint is untouched: resume from it '
        'with a lower learning rate, gradient clipping, or without mixed '
        'precision.')
