"""Models that are too large for one GPU: their weights sharded over all."""
import os
from typing import Union

import torch
from mmengine._strategy import FSDPStrategy as _FSDPStrategy
from mmengine.config import Config
from mmengine.device import get_device
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel

from mmmix.errors import MmmixError
from mmmix.registry import STRATEGIES

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
    """MMEngine's ``FSDPStrategy``, for guided mixing, and on CPUs, too.

    A guide looks through the model inside of the root's forward pass, where
    the weights are gathered; checkpoints are whole, and load strictly into
    the model that is not sharded. ``configs/_base_/strategies/fsdp.py`` uses
    it.

    Args:
        model_wrapper (dict, optional): As in the parent; None shards the
            model as one unit, which saves no memory in a pass: give it an
            ``auto_wrap_policy``.
        state_dict_cfg (str | dict): As in the parent. Defaults to whole
            checkpoints.
        **kwargs: Of the parent.

    Raises:
        ValueError: If the model has an EMA guide, or `flat_decay_mult` is set.
    """

    def __init__(self,
                 *,
                 model_wrapper: Union[dict, None] = None,
                 state_dict_cfg: Union[str, dict] = WHOLE,
                 **kwargs):
        wrapper = dict(model_wrapper or {})
        wrapper.setdefault('type', 'MMFullyShardedDataParallel')
        # the parent knows GPUs alone
        device = get_device()
        wrapper.setdefault(
            'device_id',
            torch.device('cpu') if device == 'cpu' else int(
                os.environ.get('LOCAL_RANK', 0)))
        super().__init__(
            model_wrapper=wrapper, state_dict_cfg=state_dict_cfg, **kwargs)

    def build_model(self, model: Union[nn.Module, dict]) -> nn.Module:
        """Build the model; refuse what a shard cannot do."""
        model = super().build_model(model)
        if ema_guides(model):
            raise MmmixError(
                'An EMAGuide cannot guide under FSDP: its moving average is '
                'a copy of the whole model, and each process has a shard of '
                "it only. Use guide=dict(type='mmmix.SelfGuide') or "
                "'mmmix.FrozenGuide', or train without FSDP.")
        return model

    def build_optim_wrapper(self, optim_wrapper, model=None):
        """Build it as the parent; refuse what would act on shards wrongly."""
        if isinstance(optim_wrapper, dict):
            paramwise = optim_wrapper.get('paramwise_cfg') or {}
            if paramwise.get('flat_decay_mult') is not None:
                raise MmmixError(
                    '`flat_decay_mult` is for weights of one dimension, and '
                    'a shard has one, whatever it is cut from: nothing '
                    'would decay. Set optim_wrapper=dict(paramwise_cfg=dict('
                    'flat_decay_mult=None)); norm_decay_mult and '
                    'bias_decay_mult work.')
        return super().build_optim_wrapper(optim_wrapper, model)

    def load_optim_state_dict(self, state_dict: dict) -> None:
        """Load the whole state of the optimizer, a shard for each process."""
        # the parent passes them in the order of torch 2.0
        state = FullyShardedDataParallel.optim_state_dict_to_load(
            model=self.model,
            optim=self.optim_wrapper.optimizer,
            optim_state_dict=state_dict)
        self.optim_wrapper.load_state_dict(state)


def check_sharding(cfg: Config) -> None:
    """Raise a ValueError if a config shards a model as nobody can: in one
    process, or with ``EMAHook``."""
    if 'FSDP' not in str((cfg.get('strategy') or {}).get('type')):
        return
    if cfg.get('launcher', 'none') == 'none':
        raise MmmixError('FSDP shards a model over several processes: start '
                         'them by tools/dist_train.sh CONFIG NUM_PROCESSES.')
    for hook in cfg.get('custom_hooks') or []:
        if str(hook.get('type')).split('.')[-1] == 'EMAHook':
            raise MmmixError(
                'EMAHook cannot copy a model whose weights FSDP has sharded: '
                'remove it from custom_hooks, or train without FSDP.')
