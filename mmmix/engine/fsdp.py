"""Models too large for one GPU, with their weights sharded over several."""
import os
from typing import Union

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.hooks import EMAHook
from mmengine.registry import HOOKS
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel

from mmmix.engine.custom_hooks import custom_hooks
from mmmix.errors import MmmixError
from mmmix.private import FSDPStrategy as _FSDPStrategy
from mmmix.registry import STRATEGIES, is_of, type_name
from .hooks.ema_guide_hook import ema_guides

WHOLE = dict(
    state_dict_type='FULL_STATE_DICT',
    state_dict_config=dict(
        type='FullStateDictConfig', offload_to_cpu=False, rank0_only=False),
    optim_state_dict_config=dict(
        type='FullOptimStateDictConfig',
        offload_to_cpu=False,
        rank0_only=False))


@STRATEGIES.register_module()
class FSDPStrategy(_FSDPStrategy):
    """MMEngine's ``FSDPStrategy`` for guided mixing, also on CPUs.

    A guide runs the model inside the root's forward pass, where the weights
    are gathered. Checkpoints are not sharded, and load strictly into the
    model without FSDP. ``configs/_base_/strategies/fsdp.py`` uses it.

    Args:
        model_wrapper (dict, optional): As in the parent; None shards the
            model as one unit, which saves no memory during a pass: set an
            ``auto_wrap_policy``.
        state_dict_cfg (str | dict): As in the parent. Defaults to unsharded
            checkpoints.
        **kwargs: Of the parent.

    Raises:
        MmmixError: If the model has an EMA guide or a mixer with a module of
            its own, or ``flat_decay_mult`` is set.
    """

    def __init__(self,
                 *,
                 model_wrapper: Union[dict, None] = None,
                 state_dict_cfg: Union[str, dict] = WHOLE,
                 **kwargs):
        wrapper = dict(model_wrapper or {})
        wrapper.setdefault('type', 'MMFullyShardedDataParallel')
        # the parent supports GPUs only
        device = get_device()
        wrapper.setdefault(
            'device_id',
            torch.device('cpu') if device == 'cpu' else int(
                os.environ.get('LOCAL_RANK', 0)))
        super().__init__(
            model_wrapper=wrapper, state_dict_cfg=state_dict_cfg, **kwargs)

    def build_model(self, model: Union[nn.Module, dict]) -> nn.Module:
        """Build the model, and check that all of it can be sharded."""
        model = super().build_model(model)
        if ema_guides(model):
            raise MmmixError(
                'An EMAGuide cannot guide under FSDP: its moving average is '
                'a copy of the whole model, and each process holds only a '
                "shard of it. Use guide=dict(type='mmmix.SelfGuide') or "
                "'mmmix.FrozenGuide', or train without FSDP.")
        own = [*getattr(model, 'mixers', ())]
        if own:
            raise MmmixError(
                f'{own[0]} cannot learn to mix under FSDP: its loss runs the '
                "guide's network outside of the pass for which the weights "
                'are gathered. Train without FSDP.')
        return model

    def build_optim_wrapper(self, optim_wrapper, model=None):
        """Build it, and check that ``flat_decay_mult`` is not set, which would
        act wrongly on shards."""
        if isinstance(optim_wrapper, dict):
            paramwise = optim_wrapper.get('paramwise_cfg') or {}
            if paramwise.get('flat_decay_mult') is not None:
                raise MmmixError(
                    '`flat_decay_mult` is for weights of one dimension, which '
                    'every shard has, whatever it was cut from: nothing '
                    'would decay. Set optim_wrapper=dict(paramwise_cfg=dict('
                    'flat_decay_mult=None)); norm_decay_mult and '
                    'bias_decay_mult work.')
        return super().build_optim_wrapper(optim_wrapper, model)

    def optim_state_dict(self) -> dict:
        """Return the unsharded state of the optimizer, and the settings that
        MMEngine schedules and logs beside its groups of parameters."""
        state = super().optim_state_dict()
        base = self.optim_wrapper.base_param_settings
        return state if base is None else dict(state, base_param_settings=base)

    def load_optim_state_dict(self, state_dict: dict) -> None:
        """Load the unsharded state of the optimizer, one shard per process."""
        base = state_dict.pop('base_param_settings', None)
        # the parent passes them in the order of torch 2.0
        state = FullyShardedDataParallel.optim_state_dict_to_load(
            model=self.model,
            optim=self.optim_wrapper.optimizer,
            optim_state_dict=state_dict)
        self.optim_wrapper.load_state_dict(
            dict(state, base_param_settings=base))


def check_sharding(cfg: Config) -> None:
    """Raise a MmmixError if a config shards a model where that cannot work:
    in one process, or with ``EMAHook``."""
    if 'FSDP' not in type_name(cfg.get('strategy') or {}):
        return
    if cfg.get('launcher', 'none') == 'none':
        raise MmmixError('FSDP shards a model over several processes: start '
                         'them with tools/dist_train.sh CONFIG NUM_PROCESSES.')
    for hook in custom_hooks(cfg):
        if is_of(hook, HOOKS, EMAHook):
            raise MmmixError(
                'EMAHook cannot copy a model whose weights FSDP has sharded: '
                'remove it from custom_hooks, or train without FSDP.')
