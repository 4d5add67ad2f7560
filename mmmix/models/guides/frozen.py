import warnings
from typing import Optional, Union

from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from mmmix.checkpoint import load_weights
from mmmix.environment import find_config
from mmmix.errors import MmmixError
from mmmix.registry import MODELS, TASK_UTILS

from .base import Guide


@TASK_UTILS.register_module()
class FrozenGuide(Guide):
    """A pretrained classifier guides, and is not trained (SMMix, Table 9).

    It may also be a bare feature extractor without a head (Attentive CutMix),
    as long as nobody wants its scores. Images that the student sees
    normalised otherwise are normalised anew for it.

    Args:
        config (str | dict | Config): A classification config: a file, a
            ``'package::path'`` such as
            ``'mmpretrain::deit/deit-small_4xb256_in1k.py'`` or
            ``'mmmix::vanilla/deit-small_...'``, or a Config or
            dict that holds ``model``. One that says nothing of its
            ``data_preprocessor`` is shown what the student is shown.
        checkpoint (str, optional): Its weights, a path or an address. Without
            them the guidance is random, and a warning says so, unless the
            backbone loads its own (``pretrained`` of a ``TIMMBackbone``).
        **kwargs: Of :class:`Guide`.

    Raises:
        FileNotFoundError: If config or checkpoint is a path that does not
            exist.
        ValueError: If the config holds no model, the weights do not fit it,
            or its scores or a label are wanted and it has other classes.
    """

    def __init__(self,
                 config: Union[str, dict, Config],
                 checkpoint: Optional[str] = None,
                 **kwargs):
        super().__init__(**kwargs)
        self.config = _load_config(config)
        self.checkpoint = checkpoint
        self._model: Optional[nn.Module] = None

    def bind(self, student):
        super().bind(student)
        if self._model is None:
            self._model = self._build()

    @property
    def model(self):
        student = self.student
        # the student may have moved to a GPU since; nothing moves twice
        device = next(student.parameters()).device
        if next(self._model.parameters()).device != device:
            self._model.to(device)
        return self._model

    def check(self, wanted):
        super().check(wanted)
        theirs, ours = (
            getattr(getattr(m, 'head', None), 'num_classes', None)
            for m in (self._model, self.student))
        by_label = 'attention' in wanted and self.attention_map.requires_labels
        if theirs != ours and ('scores' in wanted or by_label):
            raise MmmixError(
                f'The frozen guide knows {theirs} classes and the model '
                f'under training {ours}, but its scores or its map for a '
                'label are wanted: take a guide trained on the same classes, '
                'a map without labels, '
                "attention_map=dict(type='mmmix.BottomUp'), "
                'or remove the loss that wants its scores.')

    def _build(self) -> nn.Module:
        scope = self.config.get('default_scope', 'mmpretrain')
        with DefaultScope.overwrite_default_scope(scope):
            cfg = self.config.model.copy()
            # it mixes nothing itself, so it needs no guide of its own
            cfg.pop('train_cfg', None)
            if 'data_preprocessor' in self.config:
                cfg.setdefault('data_preprocessor',
                               self.config.data_preprocessor)
            model = MODELS.build(cfg)
        if self.checkpoint:
            load_weights(model, self.checkpoint,
                         'checkpoint of the frozen guide')
        elif cfg.backbone.get('pretrained'):
            pass  # the backbone has loaded them already
        else:
            warnings.warn('FrozenGuide has no checkpoint: its attention and '
                          'scores are those of RANDOM weights. Give it '
                          '`checkpoint`; an `init_cfg` in its config is not '
                          'read.')
        self._own_eyes = cfg.get('data_preprocessor') is not None
        return model.requires_grad_(False).eval()

    def _shown(self, inputs):
        return super()._shown(self._renormalised(inputs))

    def _renormalised(self, inputs: Tensor) -> Tensor:
        """Images normalised for the student, as the guide was trained."""
        ours, theirs = (
            m.data_preprocessor for m in (self.student, self._model))
        if not self._own_eyes:
            return inputs
        mean, std = (_channels(ours, name, inputs) for name in ('mean', 'std'))
        if ours.to_rgb != theirs.to_rgb:
            inputs, mean, std = (t.flip(-3) for t in (inputs, mean, std))
        their_mean, their_std = (
            _channels(theirs, name, inputs) for name in ('mean', 'std'))
        return inputs * (std / their_std) + (mean - their_mean) / their_std


def _channels(preprocessor: nn.Module, name: str, like: Tensor) -> Tensor:
    """Mean or std of each channel ``(C, 1, 1)``."""
    if not getattr(preprocessor, '_enable_normalize', False):
        return like.new_full((like.size(1), 1, 1), float(name == 'std'))
    return getattr(preprocessor, name).to(like)


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
