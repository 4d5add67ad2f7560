import warnings
from pathlib import Path
from typing import Optional, Union

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import nn

from mmmix.checkpoint import load_weights
from mmmix.registry import MODELS, TASK_UTILS
from .base import Guide


@TASK_UTILS.register_module()
class FrozenGuide(Guide):
    """A pretrained classifier guides, and is not trained (SMMix, Table 9).

    Args:
        config (str | Config): A classification config: a file, a
            ``'package::path'`` such as
            ``'mmpretrain::deit/deit-small_4xb256_in1k.py'``, or a Config.
        checkpoint (str, optional): Its weights, a path or an address. Without
            them the guidance is random, and a warning says so.

    Raises:
        FileNotFoundError: If the checkpoint is a path that does not exist.
        ValueError: If the weights do not fit the config's model, its images
            are normalised otherwise than the student's, or its scores are
            wanted and have another number of classes.
    """

    def __init__(self,
                 config: Union[str, Config],
                 checkpoint: Optional[str] = None):
        self.config = _load_config(config)
        self.checkpoint = checkpoint
        self._model: Optional[nn.Module] = None

    def bind(self, student):
        super().bind(student)
        if self._model is None:
            self._model = self._build()
            self._check_normalisation()

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
        theirs, ours = (getattr(m.head, 'num_classes', None)
                        for m in (self._model, self.student))
        if 'scores' in wanted and theirs != ours:
            raise ValueError(
                f'The frozen guide scores {theirs} classes and the model '
                f'under training {ours}: take a guide trained on the same '
                'classes, or remove the loss that wants its scores.')

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
        else:
            warnings.warn('FrozenGuide has no checkpoint: its attention and '
                          'scores are those of RANDOM weights.')
        return model.requires_grad_(False).eval()

    def _check_normalisation(self) -> None:
        ours, theirs = (m.data_preprocessor
                        for m in (self.student, self._model))
        if ours.to_rgb != theirs.to_rgb:
            raise ValueError(
                f'The frozen guide was trained with to_rgb={theirs.to_rgb}, '
                f'the model under training has {ours.to_rgb}: give both the '
                'same `data_preprocessor`.')
        for name in ('mean', 'std'):
            a, b = (getattr(p, name, None) for p in (ours, theirs))
            if (a is None) != (b is None) or (
                    a is not None and not torch.allclose(a.cpu(), b.cpu())):
                raise ValueError(
                    f'The frozen guide was trained with {name}={_flat(b)}, '
                    f'the model under training has {_flat(a)}: give both the '
                    'same `data_preprocessor`.')

    def __deepcopy__(self, memo):
        # a copy of the student (its moving average) shares the frozen model
        copy = type(self)(self.config, self.checkpoint)
        copy._model = self._model
        return copy


def _flat(tensor: Optional[torch.Tensor]):
    return None if tensor is None else tensor.flatten().tolist()


def _load_config(config: Union[str, Config]) -> Config:
    if not isinstance(config, str):
        return Config(dict(config))
    if '::' in config:
        return Config.fromstring(f'_base_ = {config!r}', '.py')
    if not Path(config).is_file():
        raise FileNotFoundError(f'The config of the frozen guide, {config}, '
                                'does not exist.')
    return Config.fromfile(config)
