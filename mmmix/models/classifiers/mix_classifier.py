from typing import Dict, FrozenSet, List, Optional, Sequence, Tuple, Union

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
from ..data_preprocessors.mix_data_preprocessor import check_mixing_keys
from ..heads import MixHead
from ..requirements import parts_of
from ..sites import Sites


@MODELS.register_module()
class MixClassifier(ImageClassifier):
    """MMPretrain's ``ImageClassifier``, trained on guided mixes.

    It has the same parameters: checkpoints of either load into the other,
    where mixers with modules of their own (:class:`~mmmix.models.AutoMix`)
    keep these apart as ``mixers``. Without mixing (validation, inference) it
    behaves as its parent.

    Args:
        train_cfg (dict, optional): ``augments`` and ``probs`` as in
            MMPretrain, and ``guide``, by default the model itself.
        *: As in ``mmpretrain.ImageClassifier``; the data preprocessor is by
            default a :class:`~mmmix.models.MixDataPreprocessor`, whose
            ``num_classes`` is by default the head's.

    Attributes:
        sites (Sites): Modules of the backbone whose outputs mixers mix
            instead of the images.

    Raises:
        MissingIngredient: If a mixer, label rule or loss requires what
            backbone, guide or mixers cannot give.
        MmmixError: If ``train_cfg`` has another key, or mixing is named in
            the data preprocessor, too.

    >>> model = MixClassifier(
    ...     backbone=dict(type='ResNet_CIFAR', depth=18),
    ...     neck=dict(type='GlobalAveragePooling'),
    ...     head=dict(
    ...         type='mmmix.MixLinearClsHead', num_classes=2, in_channels=512),
    ...     train_cfg=dict(augments=[dict(type='mmmix.SMMix')], probs=[0.5]))
    >>> model.data_preprocessor.batch_augments.probs
    [0.5]
    """

    def __init__(self,
                 backbone: Union[dict, nn.Module],
                 neck: Union[dict, nn.Module, None] = None,
                 head: Union[dict, nn.Module, None] = None,
                 pretrained: Optional[str] = None,
                 train_cfg: Optional[dict] = None,
                 data_preprocessor: Union[dict, nn.Module, None] = None,
                 init_cfg: Union[dict, Sequence[dict], None] = None):
        if data_preprocessor is None or isinstance(data_preprocessor, dict):
            data_preprocessor = dict(data_preprocessor or {})
            data_preprocessor.setdefault('type', 'mmmix.MixDataPreprocessor')
            if isinstance(head, dict):
                data_preprocessor.setdefault('num_classes',
                                             head.get('num_classes'))
            if train_cfg and data_preprocessor.get('batch_augments'):
                raise MmmixError(
                    'Mixing is named in two places, `train_cfg` of the model '
                    'and `batch_augments` of the data_preprocessor: remove '
                    'one. To replace inherited mixers, change `train_cfg`.')
        check_mixing_keys(train_cfg, 'train_cfg')
        super().__init__(backbone, neck, head, pretrained, train_cfg,
                         data_preprocessor, init_cfg)
        if not isinstance(self.data_preprocessor, MixDataPreprocessor):
            raise MmmixError(
                'MixClassifier requires a MixDataPreprocessor, not a '
                f'{type(self.data_preprocessor).__name__}: remove `type` from '
                '`data_preprocessor`.')
        self.data_preprocessor.model_mixes = True
        # hooks of both are made before anything is compiled
        self.sites = Sites()  # mixers add theirs when they are checked
        self.data_preprocessor.prepare_mixers(self)
        self.mixers = nn.ModuleDict(self._modules_of_mixers())
        # it records only in `loss`
        self._recorder = OutputRecorder(
            find_extractor(self.backbone).hooked_modules() if any(
                'class_attention' in part.requires
                for part in parts_of(self.head).values()) else {})

    @property
    def label_rule(self) -> Optional[nn.Module]:
        """The head's label rule, if any."""
        return getattr(self.head, 'label_rule', None)

    def loss(self, inputs: Tensor,
             data_samples: List[DataSample]) -> Dict[str, Tensor]:
        """Mix a batch and compute its losses.

        Args:
            inputs (Tensor): Normalised images ``(N, C, H, W)``.
            data_samples (List[DataSample]): With their unmixed labels.

        Returns:
            dict[str, Tensor]: See :meth:`mmmix.models.heads.MixHead.loss`;
            ``loss_generator`` of a mixer with a module of its own.
        """
        if self.data_preprocessor.batch_augments is None:
            self._check_no_part_requires_mixing()
            return super().loss(inputs, data_samples)
        mixed, guidance = self.data_preprocessor.mix(self, inputs,
                                                     _labels(data_samples),
                                                     data_samples)
        if 'unmixed_logits' in self._required(mixed):
            mixed.unmixed_logits = self._unmixed_logits(mixed)
        features, tokens, class_attention = self.extract_mixed_feat(mixed)
        if isinstance(self.head, MixHead):
            losses = self.head.loss(features, data_samples, mixed, guidance,
                                    tokens, class_attention)
        else:  # a stock head takes the labels from the data samples
            losses = self.head.loss(features, _relabelled(data_samples, mixed))
        if mixed.generator_loss is not None or len(self.mixers):
            self._train_mixers(losses, mixed)
        return losses

    def _unmixed_logits(self, mixed: MixedBatch) -> Tensor:
        if mixed.site is None:
            return self.head(self.extract_feat(mixed.originals))
        self.sites.begin_unmixed()
        logits = self.head(self.extract_feat(mixed.originals))
        self.sites.end_unmixed()
        return logits

    def _modules_of_mixers(self) -> Dict[str, nn.Module]:
        """The modules that mixers own, by the names of the mixers."""
        modules: Dict[str, nn.Module] = {}
        chosen = self.data_preprocessor.batch_augments
        for mixer in chosen.augments if chosen else ():
            module = getattr(mixer, 'module', None)
            if module is not None:
                name = type(mixer).__name__
                while name in modules:  # the same mixer with other arguments
                    name += '_'
                modules[name] = module
        return modules

    # a mixer's loss runs the guide's network, which is not to be compiled
    @torch.compiler.disable
    def _train_mixers(self, losses: Dict[str, Tensor],
                      mixed: MixedBatch) -> None:
        """Add the loss of the mixer's own module, if it has one.

        All of these modules take part in each step:
        DistributedDataParallel would wait for their gradients forever.
        """
        for name, module in self._modules_of_mixers().items():
            if all(module is not known for known in self.mixers.values()):
                raise MmmixError(
                    f'{name} has a module to be trained, but the model was '
                    'built without it: name the mixer in `train_cfg`, if need '
                    'be with probability 0; a hook cannot switch to a new '
                    'one.')
        if mixed.generator_loss is not None:
            losses['loss_generator'] = mixed.generator_loss(self.head)
        first = next(iter(losses))
        for parameter in self.mixers.parameters():
            losses[first] = losses[first] + 0 * parameter.sum()

    def _required(self, mixed: MixedBatch) -> FrozenSet[str]:
        """What label rule and losses that apply to a batch require."""
        return frozenset().union(*(part.requires
                                   for part in parts_of(self.head).values()
                                   if mixed.kind in part.kinds))

    def _check_no_part_requires_mixing(self) -> None:
        if parts_of(self.head):
            raise MmmixError(
                'The head has a label rule or mix losses, but nothing is '
                'mixed: name a mixer in train_cfg=dict(augments=[...]), or '
                'remove them (label_rule=None, mix_losses=None).')

    def extract_mixed_feat(
            self, mixed: MixedBatch
    ) -> Tuple[tuple, Optional[Tensor], Optional[Tensor]]:
        """Features of the mixed images, and what else a part requires.

        Args:
            mixed (MixedBatch): The mixed batch.

        Returns:
            tuple: Features after the neck; the last feature map ``(N, C, h,
            w)``, of a ViT its patch tokens, and class attention ``(N, h,
            w)``, each None if no label rule or loss that applies to this
            batch requires it.
        """
        requires = self._required(mixed)
        with self._recorder as outputs, self.sites.mixing(mixed):
            features = self.backbone(mixed.inputs)
        tokens = class_attention = None
        size = mixed.inputs.shape[-2:]
        if requires & {'tokens', 'feature_map'}:
            extractor = find_extractor(self.backbone)
            tokens = extractor.feature_map(features, size)
        if 'class_attention' in requires:
            extractor = find_extractor(self.backbone)
            with torch.no_grad():
                class_attention = extractor.class_attention(
                    outputs, features, size)
        if self.with_neck:
            features = self.neck(features)
        return features, tokens, class_attention

    @torch.no_grad()
    def relabel(self,
                mixed: MixedBatch,
                guidance: Optional[Guidance] = None) -> MixedBatch:
        """The batch with the lambda that training would use.

        For a label rule the model runs on the mixed images; without one it
        does not run.

        Args:
            mixed (MixedBatch): The mixed batch.
            guidance (Guidance, optional): What the guides returned.
        """
        if self.label_rule is None:
            return mixed
        features, _, class_attention = self.extract_mixed_feat(mixed)
        return self.head.relabel(
            self.head(features), mixed, guidance, class_attention)

    def parse_losses(
            self, losses: Dict[str,
                               Tensor]) -> Tuple[Tensor, Dict[str, Tensor]]:
        """Parse losses as the parent does, and stop the run if their sum is
        not finite, before the optimizer uses it.

        On a GPU this waits for the forward pass, once a step and on purpose;
        MMEngine itself waits for the whole step, to log its losses.

        Raises:
            FloatingPointError: With iteration, losses and learning rate.
        """
        loss, log_vars = super().parse_losses(losses)
        _stop_if_not_finite(loss, log_vars)
        return loss, log_vars


# compiled code would guard on every data sample of the batch
@torch.compiler.disable
def _labels(data_samples: List[DataSample]) -> Tensor:
    """One-hot or soft labels of data samples, ``(N, num_classes)``."""
    return torch.stack([sample.gt_score for sample in data_samples])


@torch.compiler.disable
def _relabelled(data_samples: List[DataSample],
                mixed: MixedBatch) -> List[DataSample]:
    """Copies of the data samples, with the mixed labels."""
    return [
        sample.new().set_gt_score(label)
        for sample, label in zip(data_samples, mixed.mixed_labels())
    ]


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
