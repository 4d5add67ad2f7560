"""Weights of a model with a mixer that learns, in models without it."""
import copy

import pytest
import torch
from helpers import build, cnn_config, vit_config
from mmengine.model import ExponentialMovingAverage
from mmengine.runner import Runner
from mmpretrain.models import ImageClassifier

from mmmix.checkpoint import load_weights
from mmmix.engine.hooks import StrictLoadingHook
from mmmix.models import FrozenGuide
from mmmix.registry import MODELS

TOOL = 'model_converters/stock.py'
AUTOMIX = dict(type='mmmix.AutoMix')
BLOCK = [
    f'mixers.AutoMix.{layer}.{kind}' for layer in ('query', 'value')
    for kind in ('weight', 'bias')
]
FINE = dict(fine=dict(type='mmmix.FineGrainedLoss', second_classifier=True))
every_network = pytest.mark.parametrize('cfg', [vit_config, cnn_config])


def stock(cfg):
    """The stock model of a config of the helpers."""
    model = cfg()
    model['type'] = 'mmpretrain.ImageClassifier'
    head = model['head']
    head['type'] = head['type'].replace('mmmix.Mix', 'mmpretrain.')
    head.pop('mix_losses')
    if cfg is vit_config:
        model['backbone']['out_type'] = 'cls_token'
    return MODELS.build(dict(model, data_preprocessor=None))


@every_network
def test_a_stock_model_loads_what_is_kept(run_tool, tmp_path, capsys, cfg):
    losses = FINE if cfg is vit_config else None
    augments = [AUTOMIX, dict(type='mmmix.SMMix')]
    model = build(cfg(augments, losses)).eval()
    average = ExponentialMovingAverage(model, .5)
    with torch.no_grad():
        for parameter in average.module.parameters():
            parameter.mul_(1.1)
    torch.save(
        dict(
            state_dict=model.state_dict(),
            guide_ema_state_dict=average.state_dict()), tmp_path / 'epoch.pth')
    images = torch.rand(2, 3, 32, 32)
    for key, source in (('state_dict', model), ('guide_ema_state_dict',
                                                average.module)):
        run_tool(TOOL, 'epoch.pth', 'stock.pth', '--key', key)
        printed = capsys.readouterr().out
        for name in BLOCK:
            assert f'left out: {name}\n' in printed
        assert f'; {6 if losses else 4} were left out' in printed
        plain = stock(cfg).eval()
        assert type(plain) is ImageClassifier
        plain.load_state_dict(
            torch.load(tmp_path / 'stock.pth')['state_dict'], strict=True)
        torch.testing.assert_close(plain(images), source.eval()(images))
    with pytest.raises(SystemExit, match='no weights under .ema_state_dict'):
        run_tool(TOOL, 'epoch.pth', 'stock.pth', '--key', 'ema_state_dict')


@every_network
def test_models_without_the_mixer_load_its_checkpoints(tmp_path, cfg):
    """As a guide, or as what an analysis looks at; nothing else is excused."""
    model, path = build(cfg([AUTOMIX])), str(tmp_path / 'weights.pth')
    torch.save(model.state_dict(), path)
    others = [build(cfg()), stock(cfg)]
    guide = FrozenGuide(config=dict(model=cfg()), checkpoint=path)
    others.append(guide.network(model))
    load_weights(others[0], path), load_weights(others[1], path)
    for other in others:
        for name, value in other.state_dict().items():
            assert torch.equal(value, model.state_dict()[name]), name
    torch.save({**model.state_dict(), 'mixer.weight': torch.ones(1)}, path)
    with pytest.raises(
            ValueError, match='1 not in the model:\n.*mixer.weight'):
        load_weights(build(cfg()), path)
    # what is analysed must have been trained
    torch.save(build(cfg()).state_dict(), path)
    with pytest.raises(ValueError, match='4 missing.*\n.*mixers.AutoMix'):
        load_weights(model, path)


@pytest.mark.parametrize('resuming', [False, True])
def test_a_run_with_it_starts_from_weights_without(tmp_path, resuming):
    """And the other way round; but one that is resumed is the same run."""
    plain, learning = build(cnn_config()), build(cnn_config([AUTOMIX]))
    for model, other in ((plain, learning), (learning, plain)):
        runner = Runner.__new__(Runner)
        runner.model, runner._resume = model, resuming
        checkpoint = dict(
            state_dict=copy.deepcopy(other.state_dict()), message_hub={})
        hook = StrictLoadingHook('weights.pth')
        if resuming:
            with pytest.raises(ValueError, match='mixers.AutoMix'):
                hook.after_load_checkpoint(runner, checkpoint)
            continue
        hook.after_load_checkpoint(runner, checkpoint)
        for name, value in plain.state_dict().items():
            assert torch.equal(value, learning.state_dict()[name]), name


@every_network
def test_a_whole_model_can_be_initialised_from_either(tmp_path, cfg):
    for source, augments in (([AUTOMIX], None), (None, [AUTOMIX])):
        path = str(tmp_path / 'weights.pth')
        weights = build(cfg(source)).state_dict()
        torch.save(weights, path)
        model = MODELS.build(
            dict(
                cfg(augments),
                init_cfg=dict(
                    type='Pretrained', _scope_='mmmix', checkpoint=path)))
        model.init_weights()
        for name, value in model.state_dict().items():
            if not name.startswith('mixers.'):
                assert torch.equal(value, weights[name]), name
