"""Configs that measure a checkpoint on other images, or judge for others."""
import runpy
from pathlib import Path

import mmpretrain
import pytest
import torch
from config_zoo import ROOT, full_width, load
from mmengine.config import Config

from mmmix.cli import load_config
from mmmix.models.attention import ClassAttention
from mmmix.registry import METRICS, MODELS

FOLDER = ROOT / 'configs/evaluation'

TABLES = FOLDER / 'tables'


@pytest.mark.parametrize(
    'path',
    [path for path in sorted(FOLDER.glob('*/*.py')) if path.parent != TABLES],
    ids=lambda path: path.stem)
def test_every_config_builds(path):
    cfg = load(path)
    assert [*full_width(cfg).parameters()]
    evaluators = cfg.test_evaluator
    for evaluator in evaluators if isinstance(evaluators,
                                              list) else [evaluators]:
        METRICS.build(evaluator)


@pytest.mark.parametrize(
    'path', sorted(TABLES.glob('*.py')), ids=lambda path: path.stem)
def test_every_row_of_a_table_builds(path):
    table = Config.fromfile(path)
    assert table.seeds and table.runs
    for run in table.runs.values():
        cfg = load_config(run['config'], run.get('options'))
        assert [*full_width(cfg).parameters()]


def test_dino_is_timms_vit_small(tmp_path):
    """With the names that MMPretrain's converter gives to its weights."""
    timm = pytest.importorskip('timm')
    converter = Path(mmpretrain.__file__).with_name(
        '.mim') / 'tools/model_converters/deit3_to_mmpretrain.py'
    theirs = timm.create_model('vit_small_patch16_224.dino', num_classes=0)
    ours = MODELS.build(load(FOLDER / 'occlusion/dino-small_in1k.py').model)
    convert = runpy.run_path(str(converter))['convert_deit3']
    ours.load_state_dict(convert(theirs.eval().state_dict()))
    images = torch.randn(2, 3, 224, 224)
    recorded = []
    theirs.blocks[-1].attn.qkv.register_forward_hook(
        lambda module, args, output: recorded.append(output))
    with torch.no_grad():
        tokens = theirs.forward_features(images)
        attention, (features, ) = ClassAttention()(ours.eval(), images)
    torch.testing.assert_close(features, tokens[:, 0], rtol=1e-4, atol=1e-4)
    query, key, _ = recorded[0].unflatten(2, (3, 6, 64)).permute(2, 0, 3, 1, 4)
    weights = (query[:, :, :1] @ key.mT / 8).softmax(-1).mean(1)[:, 0, 1:]
    torch.testing.assert_close(
        attention.flatten(1), weights, rtol=1e-4, atol=1e-6)
