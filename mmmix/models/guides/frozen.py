import warnings
from typing import FrozenSet, Optional, Sequence, Union

from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from mmmix.checkpoint import load_weights
from mmmix.environment import find_config
from mmmix.errors import MmmixError, check_name
from mmmix.registry import MODELS, TASK_UTILS
from ..channels import CHANNELS, normalisation, seen_channels
from .class_map import Class, class_indices, spread
from .network import NetworkGuide


@TASK_UTILS.register_module()
class FrozenGuide(NetworkGuide):
    """A pretrained classifier, which is not trained, guides (SMMix, Table 9).

    It may also be a bare feature extractor without a head (Attentive CutMix),
    as long as neither logits nor label maps are required. If it normalises
    images differently from the model under training, they are renormalised
    for it.

    Args:
        config (str | dict | Config): A classification config: a file, a
            ``'package::path'`` such as
            ``'mmpretrain::deit/deit-small_4xb256_in1k.py'`` or
            ``'mmmix::vanilla/deit-small_...'``, or a Config or dict that
            holds ``model``. Without a ``data_preprocessor`` in it, the guide
            sees images as the model under training does.
        checkpoint (str, optional): Its weights, a path or a URL. Without them
            the guidance is random, which a warning says, unless the backbone
            loads its own (``pretrained`` of a ``TIMMBackbone``).
        channels (str, optional): The order in which the network sees the
            channels of images, 'rgb' or 'bgr'. Defaults to None, the order
            that its config shows, see :func:`mmmix.models.seen_channels`;
            without a ``data_preprocessor`` in it, that of the model under
            training.
        classes (Sequence[int | str], optional): Which of its classes are
            those of the model under training, in the model's order: indices
            or, of ImageNet-1k, wnids or names. Its logits and label maps are
            restricted to them, and labels are spread over its classes. Needed
            where its classes are others and logits, label maps or a map that
            depends on the label are required. Defaults to None, the same
            classes.
        **kwargs: Of :class:`NetworkGuide`.

    Raises:
        FileNotFoundError: If config or checkpoint is a path that does not
            exist.
        MmmixError: If the config holds no classifier, the weights do not fit
            it, ``classes`` are not those of the model, see
            :func:`~.class_map.class_indices`, or are needed and missing.

    >>> resnet = dict(type='mmpretrain.ResNet', depth=18)
    >>> guide = FrozenGuide(
    ...     config=dict(model=dict(type='ImageClassifier', backbone=resnet)),
    ...     checkpoint='resnet18.pth',
    ...     input_size=224)
    """

    def __init__(self,
                 config: Union[str, dict, Config],
                 checkpoint: Optional[str] = None,
                 channels: Optional[str] = None,
                 classes: Optional[Sequence[Class]] = None,
                 **kwargs):
        super().__init__(**kwargs)
        self.config = _load_config(config)
        if channels is not None:
            check_name('channels', channels, CHANNELS)
        self.channels = channels
        self.classes = classes
        self.checkpoint = checkpoint
        self._network: Optional[nn.Module] = None

    def network(self, model: nn.Module) -> nn.Module:
        if self._network is None:
            self._network = self._build()
        # the model may have moved to a GPU since; nothing moves twice
        device = next(model.parameters()).device
        if next(self._network.parameters()).device != device:
            self._network.to(device)
        return self._network

    def check(self, model: nn.Module, requires: FrozenSet[str]) -> None:
        super().check(model, requires)
        theirs, ours = (
            getattr(getattr(m, 'head', None), 'num_classes', None)
            for m in (self.network(model), model))
        has = f'has {theirs}'
        if self.classes is not None:
            theirs = len(self.classes)
            has = f'names {theirs}'
        by_label = ('attention' in requires
                    and self.attention_map.requires_labels)
        by_class = by_label or requires & {
            'logits', 'label_maps', 'saliency', 'classifier'
        }
        if theirs != ours and by_class:
            raise MmmixError(
                f'The frozen guide {has} classes and the model under training '
                f'{ours}, but its logits, saliency, label maps or an '
                'attention map that requires labels are required: say which '
                "of its classes are the model's, in the model's order, by "
                '`classes` of the guide, or choose a map without labels, '
                "attention_map=dict(type='mmmix.BottomUp'), or remove what "
                'requires its classes.')

    def own_classes(self, network: nn.Module, logits: Tensor) -> Tensor:
        if self.classes is None:
            return logits
        return logits[:, network.class_indices]

    def network_labels(self, network: nn.Module, labels: Tensor) -> Tensor:
        if self.classes is None:
            return labels
        return spread(labels, network.class_indices, network.head.num_classes)

    def _build(self) -> nn.Module:
        scope = self.config.get('default_scope', 'mmpretrain')
        with DefaultScope.overwrite_default_scope(scope):
            cfg = self.config.model.copy()
            # it mixes nothing itself, so it needs no guide of its own
            cfg.pop('train_cfg', None)
            if 'data_preprocessor' in self.config:
                cfg.setdefault('data_preprocessor',
                               self.config.data_preprocessor)
            network = MODELS.build(cfg)
        if self.checkpoint:
            load_weights(network, self.checkpoint,
                         'checkpoint of the frozen guide')
        elif not cfg.backbone.get('pretrained'):
            warnings.warn(
                'FrozenGuide has no checkpoint: its attention and logits are '
                'those of RANDOM weights. Give it `checkpoint`; an `init_cfg` '
                'in its config is not read.',
                stacklevel=2)
        if self.classes is not None:
            # a buffer moves with the network
            network.register_buffer(
                'class_indices',
                class_indices(self.classes,
                              getattr(network.head, 'num_classes', 0)),
                persistent=False)
        self._own_normalisation = cfg.get('data_preprocessor') is not None
        if self._own_normalisation and self.channels is None:
            self.channels = seen_channels(self.config)
        return network.requires_grad_(False).eval()

    def shown(self, model: nn.Module, images: Tensor) -> Tensor:
        ours, theirs = model.data_preprocessor, self._network.data_preprocessor
        mean, std = normalisation(ours, images)
        if self.channels not in (None, ours.channels):
            images, mean, std = (t.flip(-3) for t in (images, mean, std))
        if self._own_normalisation:
            their_mean, their_std = normalisation(theirs, images)
            images = images * (std / their_std) + (mean -
                                                   their_mean) / their_std
        return super().shown(model, images)


def _load_config(config: Union[str, dict, Config]) -> Config:
    if not isinstance(config, str):
        config = Config(dict(config))
    elif '::' in config and not config.startswith('mmmix::'):
        config = Config.fromstring(f'_base_ = {config!r}', '.py')
    else:
        config = Config.fromfile(find_config(config))
    if 'model' not in config:
        raise MmmixError('The config of the frozen guide must hold a '
                         f'classifier as `model`, but has {[*config]}.')
    if 'backbone' not in config.model:
        raise MmmixError(
            "The frozen guide's `model` must be a classifier with a "
            f'`backbone`, but has {[*config.model]}: for a model of timm, '
            "ImageClassifier with backbone=dict(type='TIMMBackbone', ...).")
    return config
