"""Cases that always worked: losses, options, hooks, data sets, config files.

Elsewhere: odd batches, one image, rectangles (B017, B029, B043) in
test_models/test_batch_augments.py and test_mix_classifier.py; refused
combinations (B050) beside the parts; a resumed run (B066) in
test_tools/test_train.py; foreign names (B078) in test_pretrained.py.
"""
import copy
import json
import re
import shutil

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import SMMIX, batch, build, train_losses, vit_config
from mmengine.config import Config
from mmpretrain.datasets import CustomDataset
from PIL import Image
from short_run import SHORT
from test_tools.tiny_smmix import __file__ as CONFIG

from mmmix.cli import load_config, set_loader_defaults

TRANSMIX = dict(type='mmmix.TransMixLabel')
WEIGHT = [1., 2., 3., 4., 5.]


def loss_of(loss, rule=None, augment=SMMIX, n=6):
    """The loss of one step, its logits and mixed labels."""
    torch.manual_seed(0)
    model = build(vit_config([augment], head=dict(loss=loss, label_rule=rule)))
    seen = {}
    model.head.loss_module.register_forward_hook(
        lambda module, args, output: seen.update(
            logits=args[0].double(), labels=args[1].double()))
    losses, _ = train_losses(model, batch(n))
    return losses['loss_cls'].double(), seen['logits'], seen['labels']


def focal(logits, labels, gamma=2., alpha=0.25):
    """MMPretrain's: by sigmoid, a sum over the classes for each image."""
    p = logits.sigmoid()
    miss = (1 - p) * labels + p * (1 - labels)
    weight = (alpha * labels + (1 - alpha) * (1 - labels)) * miss**gamma
    bce = F.binary_cross_entropy_with_logits(logits, labels, reduction='none')
    return (weight * bce).sum(1).mean()


def softmax(logits, labels):
    each = -logits.log_softmax(1) * labels * torch.tensor(WEIGHT)
    return each.sum(1).mean()


def sigmoid(logits, labels):
    each = F.binary_cross_entropy_with_logits(logits, labels, reduction='none')
    return (each * torch.tensor(WEIGHT)).sum(1).mean()


@pytest.mark.parametrize('rule', [None, TRANSMIX], ids=['area', 'transmix'])
@pytest.mark.parametrize('n', [6, 1])
def test_b034_focal_loss_of_mixed_labels(rule, n):
    """One image alone is unlisted."""
    loss, logits, labels = loss_of(dict(type='FocalLoss'), rule, n=n)
    assert n == 1 or ((labels > 0) & (labels < 1)).any()
    torch.testing.assert_close(loss, focal(logits, labels), rtol=1e-5, atol=0)


def test_b034_asymmetric_loss_of_mixed_labels():
    loss, *_ = loss_of(dict(type='AsymmetricLoss', use_sigmoid=True), TRANSMIX)
    assert loss.isfinite() and loss > 0


@pytest.mark.parametrize('kind, reference', [
    (dict(use_soft=True), softmax),
    (dict(use_sigmoid=True), sigmoid),
])
@pytest.mark.parametrize(
    'augment, rule', [
        (SMMIX, TRANSMIX),
        (SMMIX, None),
        (dict(type='mmmix.Mixup', alpha=1), None),
    ],
    ids=['TransMix', 'SMMix', 'Mixup'])
def test_b036_weights_of_classes(kind, reference, augment, rule):
    """Mixup is unlisted."""
    loss, logits, labels = loss_of(
        dict(type='CrossEntropyLoss', class_weight=WEIGHT, **kind), rule,
        augment)
    torch.testing.assert_close(
        loss, reference(logits, labels), rtol=1e-5, atol=0)


@pytest.mark.parametrize('option, at, value', [
    ('model.train_cfg.augments.1.alpha=0.2', 'augments.1.alpha', 0.2),
    ('model.train_cfg.augments.0.delta=[0.1,0.3]', 'augments.0.delta',
     [0.1, 0.3]),
    ('model.train_cfg.probs=[0.3,0.7]', 'probs', [0.3, 0.7]),
])
def test_b057_an_item_of_a_list_on_the_command_line(run_tool, option, at,
                                                    value):
    """All but the first are unlisted. The config in the checkpoint has it."""
    run_tool('train.py', CONFIG, '--work-dir', 'run', *SHORT[:3],
             'train_cfg.max_epochs=1', option)
    found = Config.fromfile('run/tiny_smmix.py').model.train_cfg
    for key in at.split('.'):
        found = found[int(key) if key.isdigit() else key]
    assert found == value


@pytest.mark.parametrize('workers, asked, set_to', [
    (0, True, False),
    (0, False, False),
    (2, True, True),
    (2, False, False),
    (2, None, True),
])
def test_b062_persistent_workers(workers, asked, set_to):
    """All but the first are unlisted."""
    cfg = load_config(CONFIG)
    cfg.train_dataloader.num_workers = workers
    if asked is not None:
        cfg.train_dataloader.persistent_workers = asked
    set_loader_defaults(cfg)
    assert cfg.train_dataloader.persistent_workers is set_to


@pytest.mark.parametrize('imported', ['module', 'folder.module'])
def test_b064_a_config_that_imports_a_class(run_tool, tmp_path, monkeypatch,
                                            imported):
    """Trained, tested, resumed, and trained again from its dump."""
    name = f'Mixer{len(imported)}'
    path = tmp_path / f'{imported.replace(".", "/")}.py'
    path.parent.mkdir(exist_ok=True)
    path.write_text('from mmmix.models import SMMix\n'
                    'from mmmix.registry import BATCH_AUGMENTS\n\n\n'
                    '@BATCH_AUGMENTS.register_module()\n'
                    f'class {name}(SMMix):\n    pass\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / 'own.py').write_text(
        f"_base_ = '{CONFIG}'\n"
        f"custom_imports = dict(imports=['{imported}'])\n"
        f"model = dict(train_cfg=dict(augments=[dict(type='mmmix.{name}')], "
        'probs=None))\n')
    run_tool('train.py', 'own.py', '--work-dir', 'run', *SHORT)
    run_tool('test.py', 'own.py', 'run/epoch_2.pth', '--work-dir', 'test',
             '--cfg-options', 'test_dataloader.dataset.num_images=8')
    run_tool('train.py', 'own.py', '--work-dir', 'run', '--resume',
             *SHORT[:-1], 'train_cfg.max_epochs=3')
    run_tool('train.py', 'run/own.py', '--work-dir', 'again', *SHORT)
    first, again = (
        torch.load(f'{work_dir}/epoch_2.pth', weights_only=False)['state_dict']
        for work_dir in ('run', 'again'))
    for key, weight in first.items():
        assert torch.equal(again[key], weight), key


AVERAGED = """
custom_hooks = [dict(type='EMAHook', momentum=0.5)]
train_cfg = dict(max_epochs=2)
train_dataloader = dict(dataset=dict(num_images=16))
"""


@pytest.fixture
def averaged(tmp_path):
    path = tmp_path / 'averaged.py'
    path.write_text(f"_base_ = '{CONFIG}'\n{AVERAGED}")
    return path


def states(path):
    """The weights that were validated, and the others."""
    checkpoint = torch.load(path, weights_only=False)
    average = {
        key.replace('module.', ''): weight
        for key, weight in checkpoint['ema_state_dict'].items()
        if key != 'steps'
    }
    return checkpoint['state_dict'], average


def test_b067_a_run_with_an_average_is_resumed(run_tool, tmp_path, averaged):
    run_tool('train.py', averaged, '--work-dir', tmp_path / 'run',
             '--no-validate')
    whole = states(tmp_path / 'run/epoch_2.pth')
    run_tool('train.py', averaged, '--work-dir', tmp_path / 'run',
             '--no-validate', '--resume', tmp_path / 'run/epoch_1.pth')
    for one, other in zip(whole, states(tmp_path / 'run/epoch_2.pth')):
        for name, weight in one.items():
            assert torch.equal(other[name], weight), name


def test_b067_one_that_had_none_is_resumed(run_tool, tmp_path, trained,
                                           averaged):
    """The average then starts from its weights."""
    shutil.copytree(trained, tmp_path / 'run')
    run_tool('train.py', averaged, '--work-dir', tmp_path / 'run',
             '--no-validate', '--resume', tmp_path / 'run/epoch_1.pth',
             '--cfg-options', 'optim_wrapper.optimizer.lr=0.',
             'optim_wrapper.optimizer.weight_decay=0.')
    first = torch.load(trained / 'epoch_1.pth', weights_only=False)
    for state in states(tmp_path / 'run/epoch_2.pth'):
        for name, weight in first['state_dict'].items():
            torch.testing.assert_close(state[name], weight)


def test_b067_the_average_is_tested(run_tool, tmp_path, averaged):
    """With and without the hook: it is what `state_dict` holds."""
    run_tool('train.py', averaged, '--work-dir', tmp_path / 'run',
             '--cfg-options', 'val_dataloader.dataset.num_images=16')
    scores = [
        json.loads(line)['accuracy/top1']
        for log in (tmp_path / 'run').glob('*/vis_data/scalars.json')
        for line in log.read_text().splitlines() if 'accuracy' in line
    ]
    for config in averaged, CONFIG:
        run_tool('test.py', config, tmp_path / 'run/epoch_2.pth', '--work-dir',
                 tmp_path / 'test', '--out', 'metrics.json', '--out-item',
                 'metrics')
        metrics = json.loads((tmp_path / 'metrics.json').read_text())
        assert metrics['accuracy/top1'] == pytest.approx(scores[-1])


@pytest.mark.parametrize('how', ['load_from', 'resume'])
@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_b083_numbers_in_a_checkpoint_that_are_not_finite(
        run_tool, tmp_path, trained, how, value):
    """Resumed, and infinite, are unlisted."""
    content = torch.load(trained / 'epoch_1.pth', weights_only=False)
    content['state_dict']['backbone.pos_embed'][0, 0, 0] = value
    torch.save(content, tmp_path / 'broken.pth')
    arguments = ['--resume', 'broken.pth'] if how == 'resume' else []
    with pytest.raises(SystemExit, match=r'not finite in iteration \d'):
        run_tool('train.py', CONFIG, *arguments, *SHORT,
                 *(['load_from=broken.pth'] * (how == 'load_from')))


WRAPPED = {
    'ClassBalancedDataset': dict(oversample_thr=0.5),
    'KFoldDataset': dict(fold=1, num_splits=2),
    'RepeatDataset': dict(times=2),
    'ConcatDataset': dict(),
}


@pytest.mark.parametrize('kind', [*WRAPPED])
@pytest.mark.parametrize('sampler', ['DefaultSampler', 'RepeatAugSampler'])
def test_b084_wrapped_data_sets(run_tool, tmp_path, kind, sampler):
    """Unlisted: wrapped, by the sampler that repeats, too."""
    for name in ('a', 'b'):
        (tmp_path / 'data' / name).mkdir(parents=True)
        for i in range(8):
            Image.fromarray(np.full(
                (32, 32, 3), 9 * i,
                np.uint8)).save(tmp_path / f'data/{name}/{i}.png')
    inner = dict(
        type='CustomDataset',
        data_root=str(tmp_path / 'data'),
        pipeline=[dict(type='mmmix.LoadImage'),
                  dict(type='PackInputs')])
    own = dict(datasets=[inner, copy.deepcopy(inner)
                         ]) if kind == 'ConcatDataset' else dict(dataset=inner)
    dataset = dict(type=kind, _delete_=True, **WRAPPED[kind], **own)
    (tmp_path / 'wrapped.py').write_text(
        f"_base_ = '{CONFIG}'\n"
        f'train_dataloader = dict(dataset={dataset}, '
        f"sampler=dict(type='{sampler}'))\n")
    run_tool('train.py', 'wrapped.py', '--work-dir', 'run', '--no-validate')
    log, = (tmp_path / 'run').glob('*/vis_data/scalars.json')
    steps = len(log.read_text().splitlines())
    images = {'KFoldDataset': 8, 'ClassBalancedDataset': 16}.get(kind, 32)
    if sampler == 'RepeatAugSampler':  # as many images as the set has
        assert steps >= 1
    else:
        assert steps == images // 8


@pytest.mark.parametrize('folders, name', [
    ('a', 'gone.jpg'),
    ('a', 'a/0.jpg'),
    ('a/', '/0.png'),
])
def test_b105_a_path_that_does_not_exist_is_named(tmp_path, folders, name):
    """The folder is repeated; the last one is unlisted."""
    (tmp_path / 'a').mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / 'a/0.jpg')
    (tmp_path / 'list.txt').write_text(f'{name} 0\n')
    data = CustomDataset(
        data_root=str(tmp_path),
        data_prefix=folders,
        ann_file='list.txt',
        pipeline=[dict(type='mmmix.LoadImage')])
    with pytest.raises(FileNotFoundError, match=re.escape(name)):
        data[0]
