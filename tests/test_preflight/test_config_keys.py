"""Keys that nobody reads, and mixing that is asked for and not done: B052,
B054, B056, B058, B063 and their kind."""
from types import SimpleNamespace

import pytest
from helpers import BOTH_LOSSES, SMMIX, build, train_losses, vit_config
from inputs import problem, problems, tiny, warnings
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmpretrain.engine import SwitchRecipeHook
from mmpretrain.models import ImageClassifier

from mmmix.errors import MmmixError
from mmmix.registry import MODELS

MIXUP = dict(type='mmmix.Mixup', alpha=1.)


def test_mixing_in_two_places_b052():
    cfg = tiny({'data_preprocessor.batch_augments': dict(augments=[MIXUP])})
    assert 'named in two places' in problem(cfg)


@pytest.mark.parametrize('kind, preprocessor', [
    ('mmmix.MixClassifier', dict(batch_augments=dict(augments=[MIXUP]))),
    ('mmpretrain.ImageClassifier', None),
])
def test_mixing_in_two_places_of_the_model(kind, preprocessor):
    cfg = tiny()
    cfg.model.type = kind
    cfg.model.head.pop('mix_losses')
    cfg.model.head.type = 'VisionTransformerClsHead'
    cfg.model.backbone.out_type = 'cls_token'
    cfg.model.train_cfg = dict(augments=[MIXUP])
    if preprocessor:
        cfg.model.data_preprocessor = dict(cfg.data_preprocessor,
                                           **preprocessor)
    else:
        cfg.data_preprocessor.batch_augments = dict(augments=[MIXUP])
    assert 'named in two places' in problem(cfg)


@pytest.mark.parametrize('twice', [False, True])
def test_a_model_of_timm_mixes(twice):
    pytest.importorskip('timm')
    cfg = tiny()
    cfg.model = dict(
        type='mmpretrain.TimmClassifier',
        model_name='resnet10t',
        num_classes=10,
        train_cfg=dict(augments=[MIXUP]))
    cfg.data_preprocessor.pop('type', None)
    if twice:
        cfg.data_preprocessor.batch_augments = dict(augments=[MIXUP])
        assert 'TimmClassifier reads the first alone' in problem(cfg)
    else:
        assert not problems(cfg)


@pytest.mark.parametrize('place', [
    'model.train_cfg', 'data_preprocessor.batch_augments',
    'custom_hooks.0.schedule.0'
])
@pytest.mark.parametrize('kind', ['mmpretrain.ImageClassifier', None])
def test_a_stock_model_does_not_mix_by_our_preprocessor(place, kind):
    cfg = tiny({'data_preprocessor.type': 'mmmix.MixDataPreprocessor'})
    cfg.model.type = kind or ImageClassifier
    cfg.model.head = dict(
        type='VisionTransformerClsHead', num_classes=10, in_channels=16)
    cfg.model.backbone.out_type = 'cls_token'
    mixing = dict(augments=[MIXUP])
    cfg.model.train_cfg = mixing if 'train_cfg' in place else None
    if 'preprocessor' in place:
        cfg.data_preprocessor.batch_augments = mixing
    if 'hooks' in place:
        cfg.custom_hooks = [
            dict(
                type='SwitchRecipeHook',
                schedule=[dict(action_epoch=1, batch_augments=mixing)])
        ]
    said = problem(cfg)
    assert said.startswith(
        f'problem: {place}: The ImageClassifier never mixes')
    assert "model.type='mmmix.MixClassifier'" in said
    cfg.data_preprocessor.type = 'ClsDataPreprocessor'
    assert not problems(cfg)  # this one mixes by itself


@pytest.mark.parametrize(
    'train_cfg', [None, {}, dict(augments=[SMMIX], probs=[0.0])])
def test_no_mixing_as_asked_b056(train_cfg):
    cfg = tiny()
    cfg.model.head.mix_losses = None
    cfg.model.train_cfg = train_cfg
    assert not problems(cfg)


def test_no_mixers_b056():
    cfg = tiny()
    cfg.model.train_cfg.augments = []
    assert '`augments` is empty' in problem(cfg)


@pytest.mark.parametrize('train_cfg, says', [
    (dict(augments=[SMMIX], prob=[0.5]), 'has prob'),
    (dict(guide=dict(type='mmmix.SelfGuide')), 'lacks `augments`'),
    (dict(type='mmmix.CutMix', alpha=1.), 'has type, alpha'),
    ([MIXUP], 'must be a dict'),
])
@pytest.mark.parametrize('place', ['train_cfg', 'batch_augments'])
def test_keys_of_mixing_b058(train_cfg, says, place):
    cfg = vit_config()
    if place == 'train_cfg':
        cfg['train_cfg'] = train_cfg
    else:
        cfg['data_preprocessor'] = dict(batch_augments=train_cfg)
    with pytest.raises(MmmixError, match=f'`{place}`.*{says}') as error:
        MODELS.build(cfg)
    if 'dict' not in says:
        assert '`augments` (mixers), `probs`' in str(error.value)


def test_keys_of_mixing_stop_a_run():
    assert '`train_cfg` has prob' in problem(
        tiny({'model.train_cfg.prob': [0.5]}))


@pytest.mark.parametrize('loop, unknown', [
    (dict(by_epoch=True, max_epochs=1, epochs=3), 'epochs'),
    (dict(type='IterBasedTrainLoop', max_iters=2, by_epoch=False), 'by_epoch'),
])
def test_keys_of_the_loop(loop, unknown):
    cfg = tiny()
    cfg.train_cfg = loop
    cfg.param_scheduler = None
    said = problem(cfg)
    assert f'does not read {unknown};' in said and 'val_interval' in said


def test_keys_of_the_preprocessor():
    assert 'normalize' in problem(tiny({'data_preprocessor.normalize': True}))


@pytest.mark.parametrize('hooks', [
    'EMAHook',
    dict(type='EMAHook'),
    ['EMAHook'],
])
@pytest.mark.parametrize('splits', [['train'], ['test']])
def test_hooks_that_are_not_a_list_of_dicts(hooks, splits):
    said = problem(tiny({'custom_hooks': hooks}), splits=splits)
    assert said.startswith(
        f'problem: custom_hooks: `custom_hooks` is {hooks!r}, but must')
    assert "must be a list of dicts, such as [dict(type='EMAHook')]" in said


def test_a_hook_that_is_built():
    cfg = tiny()
    cfg.custom_hooks = [Hook()]
    assert not problems(cfg)


def test_a_preprocessor_that_is_not_read():
    cfg = tiny()
    cfg.model.data_preprocessor = dict(cfg.data_preprocessor, mean=[0.] * 3)
    said, = (w for w in warnings(cfg) if 'not read' in w)
    assert 'differs from it in mean' in said


def switched(recipe, **model):
    """Losses and batch of a step after MMPretrain's hook has switched."""
    model = build(vit_config(**model))
    hook = SwitchRecipeHook(schedule=[dict(action_epoch=2, **recipe)])
    runner = SimpleNamespace(
        model=model, epoch=1, logger=MMLogger.get_current_instance())
    before = train_losses(model)
    hook.before_train_epoch(runner)
    return before, train_losses(model)


def test_mixing_switched_off_by_a_hook_b063():
    (losses, seen), (after, unmixed) = switched(
        dict(batch_augments=None), augments=[SMMIX], mix_losses=BOTH_LOSSES)
    assert set(losses) == {'loss_cls', 'loss_fine', 'loss_consistency'}
    assert seen['mixed'].kind == 'regions'
    assert set(after) == {'loss_cls'}
    assert unmixed['mixed'].kind == 'unmixed'


@pytest.mark.parametrize('before', [None, [SMMIX]])
@pytest.mark.parametrize('probs', [None, [0.9999999]])
def test_mixers_switched_by_a_hook(before, probs):
    recipe = dict(batch_augments=dict(augments=[MIXUP], probs=probs))
    _, (losses, seen) = switched(
        recipe,
        augments=before,
        head=dict(loss=dict(type='mmpretrain.CrossEntropyLoss')))
    assert set(losses) <= {'loss_cls', 'loss'}
    assert seen['mixed'].kind == 'blend'


@pytest.mark.parametrize('augments, ok', [
    (dict(augments=[SMMIX]), True),
    (None, True),
    (dict(augments=[MIXUP]), False),
])
def test_switches_are_checked_before_the_first_step(augments, ok):
    cfg = tiny()
    cfg.custom_hooks = [
        dict(
            type='SwitchRecipeHook',
            schedule=[dict(action_epoch=2, batch_augments=augments)])
    ]
    found = problems(cfg)
    assert not found if ok else 'A blend has no regions' in found[0]
