import warnings
from typing import FrozenSet, List, Optional, Union

from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from mmmix.checkpoint import load_weights
from mmmix.environment import find_config
from mmmix.errors import MmmixError, check_name
from mmmix.registry import MODELS, TASK_UTILS
from ..channels import CHANNELS, seen_channels
from .base import Guide


@TASK_UTILS.register_module()
class FrozenGuide(Guide):
    """A pretrained classifier, which is not trained, guides (SMMix, Table 9).

    It may also be a bare feature extractor without a head (Attentive CutMix),
    as long as no logits are required. If it normalises images differently
    from the model under training, they are renormalised for it.

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
        **kwargs: Of :class:`Guide`.

    Raises:
        FileNotFoundError: If config or checkpoint is a path that does not
            exist.
        MmmixError: If the config holds no classifier, the weights do not fit
            it, or its number of classes differs from the model's and logits
            or a map that depends on the label are required.

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
                 **kwargs):
        super().__init__(**kwargs)
        self.config = _load_config(config)
        if channels is not None:
            check_name('channels', channels, CHANNELS)
        self.channels = channels
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
        by_label = ('attention' in requires
                    and self.attention_map.requires_labels)
        if theirs != ours and ('logits' in requires or by_label):
            raise MmmixError(
                f'The frozen guide has {theirs} classes and the model '
                f'under training {ours}, but its logits or an attention map '
                'that requires labels are required: use a guide trained on '
                'the same classes, a map without labels, '
                "attention_map=dict(type='mmmix.BottomUp'), or remove the "
                'loss that requires its logits.')

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
        self._own_normalisation = cfg.get('data_preprocessor') is not None
        if self._own_normalisation and self.channels is None:
            self.channels = seen_channels(self.config)
        return network.requires_grad_(False).eval()

    def shown(self, model: nn.Module, images: Tensor) -> Tensor:
        ours, theirs = model.data_preprocessor, self._network.data_preprocessor
        mean, std = _normalisation(ours, images)
        if self.channels not in (None, ours.channels):
            images, mean, std = (t.flip(-3) for t in (images, mean, std))
        if self._own_normalisation:
            their_mean, their_std = _normalisation(theirs, images)
            images = images * (std / their_std) + (mean -
                                                   their_mean) / their_std
        return super().shown(model, images)


def _normalisation(preprocessor: nn.Module, images: Tensor) -> List[Tensor]:
    """Mean and standard deviation of each channel, ``(C, 1, 1)``."""
    if getattr(preprocessor, 'mean', None) is None:  # it does not normalise
        ones = images.new_ones(images.size(1), 1, 1)
        return [0 * ones, ones]
    return [getattr(preprocessor, name).to(images) for name in ('mean', 'std')]


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
