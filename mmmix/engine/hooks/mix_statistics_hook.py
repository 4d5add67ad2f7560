from collections import Counter
from typing import Dict, List, Optional

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.visualization.vis_backend import (LocalVisBackend,
                                                TensorboardVisBackend)
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmmix.errors import MmmixError, check_least
from mmmix.models import MixDataPreprocessor, ProgressiveAttentionLabel
from mmmix.models.label_rules.base import Weights
from mmmix.private import find_backend
from mmmix.registry import HOOKS
from mmmix.structures import Guidance, MixedBatch

UNMIXED, OTHER = 'unmixed', 'other'


@HOOKS.register_module()
class MixStatisticsHook(Hook):
    r"""Log what is mixed in training, and with which labels.

    Every ``interval`` iterations MMEngine's visualizer is given, for the
    images mixed since the last time:

    - ``mix/lam_mean``, ``mix/lam_std``: lambda, the weight of the source's
      label that the losses used, or of all sources together;
    - ``mix/own_mean``, ``mix/own_std``: the weight of the target's own label,
      where a label rule sets it apart from lambda;
    - ``mix/area_mean``, ``mix/area_std``: where a label rule sets lambda, the
      mixer's own, which the rule replaced;
    - ``mix/alpha_mean``, ``mix/alpha_std``: MixPro's progressive factor (Eq.
      8, Fig. 2a), where the rule is a
      :class:`~mmmix.models.ProgressiveAttentionLabel`;
    - ``mix/share_<mixer>``: the share of iterations in which a mixer was
      used; ``unmixed`` stands for none, ``other`` for one that does not tell
      what it mixed.

    Histograms of lambda, area and alpha over [0, 1] (MixPro, Fig. 2b) go to
    the backends that support them: to MMEngine's ``LocalVisBackend`` as counts
    (``histogram/lam``, ...), to its ``TensorboardVisBackend`` as histograms.
    ``tools/visualization/plot_curves.py`` draws them.

    The numbers come from a mix hook of the data preprocessor and a forward
    hook on the label rule, which are added when training begins and removed
    when it ends; a run without this hook has neither. In between N numbers
    per iteration are kept on their device, and read only when they are
    logged. With several processes they are those of the first.

    >>> custom_hooks = [dict(type='mmmix.MixStatisticsHook', interval=50)]
    >>> vis_backends = [dict(type='LocalVisBackend'),
    ...                 dict(type='TensorboardVisBackend')]
    >>> visualizer = dict(
    ...     type='UniversalVisualizer', vis_backends=vis_backends)

    Args:
        interval (int): Iterations between two logs. Defaults to 50.
        bins (int): Bins of a histogram in the local log. Defaults to 20.

    Raises:
        MmmixError: If a number is smaller than 1, or the model mixes nothing.
    """

    def __init__(self, interval: int = 50, bins: int = 20):
        check_least('interval', interval, 1)
        check_least('bins', bins, 1)
        self.interval = interval
        self.bins = bins
        self._handles: List[RemovableHandle] = []
        self._names: List[str] = []
        self._reset()

    def _reset(self) -> None:
        self._iterations: Counter = Counter()
        self._kept: Dict[str, List[Tensor]] = {}

    def before_train(self, runner) -> None:
        """Add the hooks."""
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        preprocessor = model.data_preprocessor
        if not (isinstance(preprocessor, MixDataPreprocessor)
                and preprocessor.batch_augments):
            raise MmmixError(
                'MixStatisticsHook logs what is mixed, but the model mixes '
                'nothing: remove it from `custom_hooks`, or name a mixer in '
                "train_cfg=dict(augments=[...]) of a 'mmmix.MixClassifier'.")
        self._handles = [preprocessor.register_mix_hook(self._record_mix)]
        if model.label_rule is not None:
            self._handles.append(
                model.label_rule.register_forward_hook(self._record_label))

    def _record_mix(self, mixed: MixedBatch,
                    guidance: Optional[Guidance]) -> None:
        if mixed.kind == 'unmixed':
            self._iterations[OTHER if mixed.mixer else UNMIXED] += 1
        else:
            self._iterations[mixed.mixer] += 1
            lam = mixed.lam
            self._keep('lam', lam if lam.ndim == 1 else lam.sum(1))

    # not traced by torch.compile, because it changes the hook's state
    @torch.compiler.disable
    @torch.no_grad()
    def _record_label(self, rule: nn.Module, args: tuple,
                      weights: Weights) -> None:
        logits, mixed = args[:2]
        lam = weights
        if isinstance(weights, tuple):
            lam, own = weights
            self._keep('own', own)
        # the mixer's own lambda was kept just before
        self._keep('area', self._kept['lam'].pop())
        self._keep('lam', lam)
        if isinstance(rule, ProgressiveAttentionLabel):
            with torch.autocast(logits.device.type, enabled=False):
                alpha = rule.factor(logits.float(), mixed)
            self._keep('alpha', alpha.expand_as(lam))

    def _keep(self, name: str, values: Tensor) -> None:
        self._kept.setdefault(name, []).append(values.detach())

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        """Log every ``interval`` iterations."""
        if self.every_n_train_iters(runner, self.interval):
            self._log(runner, runner.iter + 1, runner.epoch + 1)

    def after_train(self, runner) -> None:
        """Log the rest, and remove the hooks."""
        if self._iterations:
            self._log(runner, runner.iter, runner.epoch)
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _log(self, runner, step: int, epoch: int) -> None:
        kept = {name: torch.cat(v) for name, v in self._kept.items() if v}
        iterations = self._iterations
        self._reset()
        if not is_main_process():
            return
        # a mixer that was not picked this time has a share of 0
        self._names += [n for n in iterations if n not in self._names]
        total = sum(iterations.values())
        scalars = {
            f'mix/share_{name}': iterations[name] / total
            for name in self._names
        }
        values = {name: v.float().cpu() for name, v in kept.items()}
        for name, v in values.items():
            scalars[f'mix/{name}_mean'] = v.mean().item()
            scalars[f'mix/{name}_std'] = v.std(unbiased=False).item()
        # as MMEngine's logger does: tools read the epoch with the values
        runner.visualizer.add_scalars(
            dict(scalars, epoch=epoch, iter=step), step=step)
        self._log_histograms(runner.visualizer, values, step, epoch)

    def _log_histograms(self, visualizer, values: Dict[str, Tensor], step: int,
                        epoch: int) -> None:
        local = find_backend(visualizer, LocalVisBackend)
        if local is not None and values:
            counts = {
                f'histogram/{name}': v.histc(self.bins, 0, 1).int().tolist()
                for name, v in values.items()
            }
            local.add_scalars(dict(counts, epoch=epoch, iter=step), step=step)
        board = find_backend(visualizer, TensorboardVisBackend)
        if board is not None:
            for name, v in values.items():
                board.experiment.add_histogram(f'mix/{name}', v.numpy(), step)
