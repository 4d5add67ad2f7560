"""What FSDP cannot do is refused; tests/test_distributed runs it."""
import pytest
from helpers import SMMIX, vit_config
from mmengine.config import Config
from mmengine.hooks import EMAHook

from mmmix.engine import FSDPStrategy
from mmmix.engine.fsdp import check_sharding
from mmmix.models import SelfGuide
from mmmix.registry import STRATEGIES


@pytest.fixture
def strategy(tmp_path):
    return STRATEGIES.build(
        dict(
            type='mmmix.FSDPStrategy',
            work_dir=str(tmp_path),
            env_kwargs=dict(launcher='none', randomness=dict(seed=0))))


@pytest.mark.parametrize('guide', [
    dict(type='mmmix.EMAGuide'),
    dict(
        attention=dict(type='mmmix.SelfGuide'),
        logits=dict(type='mmmix.EMAGuide')),
])
def test_a_moving_average_cannot_guide(strategy, guide):
    with pytest.raises(ValueError, match='copy of the whole model'):
        strategy.build_model(vit_config([SMMIX], guide=guide))


def test_a_mixer_cannot_learn(strategy):
    with pytest.raises(ValueError, match='AutoMix cannot learn.*FSDP'):
        strategy.build_model(vit_config([dict(type='mmmix.AutoMix')]))


def test_the_model_itself_can_guide(strategy):
    assert isinstance(strategy, FSDPStrategy)
    model = strategy.build_model(vit_config([SMMIX]))
    assert isinstance(model.data_preprocessor.guides['logits'], SelfGuide)


def test_decay_by_dimension_is_refused(strategy):
    model = strategy.build_model(vit_config([SMMIX]))
    with pytest.raises(ValueError, match='flat_decay_mult=None'):
        strategy.build_optim_wrapper(
            dict(
                optimizer=dict(type='AdamW', weight_decay=0.05),
                paramwise_cfg=dict(flat_decay_mult=0.)), model)


@pytest.mark.parametrize('options, problem', [
    (dict(), 'over several processes'),
    *[(dict(launcher='pytorch', custom_hooks=[dict(type=kind)
                                              ]), 'EMAHook cannot copy')
      for kind in ('EMAHook', 'mmengine.EMAHook', EMAHook)],
])
def test_refused_configs(options, problem):
    cfg = Config(dict(strategy=dict(type='FSDPStrategy'), **options))
    with pytest.raises(ValueError, match=problem):
        check_sharding(cfg)


@pytest.mark.parametrize('cfg', [
    dict(),
    dict(custom_hooks=[dict(type='EMAHook')]),
    dict(
        strategy=dict(type='FSDPStrategy'),
        launcher='pytorch',
        custom_hooks=[dict(type='mmmix.MixStatisticsHook')]),
])
def test_other_configs_pass(cfg):
    check_sharding(Config(cfg))
