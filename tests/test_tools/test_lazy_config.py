"""A config that names classes by themselves, from the check of a training to a
table of methods."""
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.hooks import EMAHook
from mmpretrain.engine import SwitchRecipeHook
from torch.nn import SyncBatchNorm

from mmmix.cli import (load_config, replace_sync_bn, set_loader_defaults,
                       toolbox_of)
from mmmix.cli.methods import config_mixers
from mmmix.cli.preflight import check_run
from mmmix.engine import FSDPStrategy
from mmmix.engine.fsdp import check_sharding
from mmmix.errors import MmmixError
from mmmix.models import CutMix

LAZY = str(Path(__file__).with_name('tiny_lazy.py'))


def test_it_trains_and_its_methods_are_compared(run_tool, tmp_path, capsys):
    run_tool('train.py', LAZY, '--amp', '--work-dir', tmp_path / 'run')
    said = capsys.readouterr().out
    assert 'Preflight: passed' in said and 'mixed by SMMix' in said
    checkpoint = tmp_path / 'run/epoch_1.pth'
    assert [*config_mixers(load_config(LAZY))] == ['SMMix', 'ResizeMix']
    run_tool('analysis/inconsistency.py', '--guide', LAZY, checkpoint,
             '--methods', LAZY, 'CutMix')
    table = capsys.readouterr().out
    assert 'SMMix' in table and 'CutMix' in table


def problems(cfg):
    set_loader_defaults(cfg)
    return ' '.join(
        str(f) for f in check_run(cfg).findings
        if f.fatal or 'ends at' in f.what)


def test_its_faults_are_found():
    cfg = load_config(LAZY)
    cfg.custom_hooks = []
    assert "type='mmmix.EMAGuideHook'" in problems(cfg)
    cfg = load_config(LAZY)
    cfg.param_scheduler = dict(cfg.param_scheduler, T_max=300)
    mixing = dict(augments=[dict(type=CutMix)], probs=[2.])
    cfg.custom_hooks.append(
        dict(
            type=SwitchRecipeHook,
            schedule=[dict(action_epoch=2, batch_augments=mixing)]))
    found = problems(cfg)
    assert 'CosineAnnealingLR ends at 300' in found
    assert 'probs' in found


def test_a_hook_that_cannot_share_weights():
    cfg = Config(
        dict(
            strategy=dict(type=FSDPStrategy),
            launcher='pytorch',
            custom_hooks=[dict(type=EMAHook)]))
    with pytest.raises(MmmixError, match='EMAHook cannot copy'):
        check_sharding(cfg)


@pytest.mark.downstream
def test_the_toolbox_of_a_class():
    models = pytest.importorskip('mmdet.models')

    class Own(models.MaskRCNN):
        pass

    for kind in (models.MaskRCNN, Own, 'mmdet.MaskRCNN'):
        assert toolbox_of(Config(dict(model=dict(type=kind)))) == 'mmdet'
    assert toolbox_of(load_config(LAZY)) is None


def test_normalisation_over_processes_is_replaced():
    model = dict(backbone=dict(norm_cfg=dict(type=SyncBatchNorm)))
    assert replace_sync_bn(model) == 1
    assert model == dict(backbone=dict(norm_cfg=dict(type='BN')))
