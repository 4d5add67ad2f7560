"""Every config: it loads, its model has the stock parameters, it trains."""
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.runner import Runner
from mmpretrain.models import ImageClassifier

import mmmix  # noqa: F401
from mmmix.registry import MODELS

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / 'configs').glob('[!_]*/*.py'))
METAFILES = sorted((ROOT / 'configs').glob('*/metafile.yml'))

every_config = pytest.mark.parametrize(
    'path', CONFIGS, ids=lambda path: f'{path.parent.name}/{path.stem}')


def load(path):
    """The config, with the weights of a frozen guide left out."""
    cfg = Config.fromfile(path)
    guide = cfg.model.get('train_cfg', {}).get('guide')
    if guide:
        assert guide.type == 'mmmix.FrozenGuide'
        assert guide.checkpoint.startswith('https://')
        guide.checkpoint = None
    return cfg


def shrink(model):
    """A model of the same kind for images of 32 x 32 pixels, in place."""
    model.backbone.update(
        arch=dict(
            embed_dims=32,
            num_layers=2,
            num_heads=2,
            feedforward_channels=64),
        img_size=32,
        patch_size=8)
    model.head.in_channels = 32


def shapes(model):
    return {name: p.shape for name, p in model.named_parameters()}


def test_there_are_configs(capsys):
    names = [path.stem for path in CONFIGS]
    assert len(names) == len(set(names)), 'two configs share their name'
    with capsys.disabled():
        print(f' {len(names)} configs ', end='')
    assert names


@every_config
@pytest.mark.filterwarnings('ignore:FrozenGuide has no checkpoint')
def test_full_width_has_the_stock_parameters(path):
    cfg = load(path)
    assert cfg.model.head.num_classes == cfg.data_preprocessor.num_classes
    cfg.model.data_preprocessor = cfg.data_preprocessor
    # a frozen guide compares the values of buffers, the others have none
    guided = 'guide' in cfg.model.get('train_cfg', {})
    with torch.device('cpu' if guided else 'meta'):
        model = MODELS.build(cfg.model)
    ours = shapes(model)

    backbone = dict(cfg.model.backbone, out_type='cls_token')
    head = dict(
        type='VisionTransformerClsHead',
        num_classes=cfg.model.head.num_classes,
        in_channels=cfg.model.head.in_channels)
    with torch.device('meta'):
        stock = shapes(ImageClassifier(backbone, head=head))

    regions = cfg.model.head.get('mix_losses', {}).get('fine') or {}
    if regions.get('second_classifier'):
        for name in ('weight', 'bias'):
            second = ours.pop(f'head.mix_losses.fine.classifier.{name}')
            assert second == stock[f'head.layers.head.{name}']
    assert ours == stock


@every_config
@pytest.mark.filterwarnings('ignore:FrozenGuide has no checkpoint')
def test_it_validates_and_takes_a_step_with_each_mixer(path, tmp_path):
    cfg = load(path)
    shrink(cfg.model)
    mixing = cfg.model.get('train_cfg', {})
    if 'guide' in mixing:
        mixing.guide.config = Config.fromstring(
            f'_base_ = {mixing.guide.config!r}', '.py')._cfg_dict
        shrink(mixing.guide.config.model)
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.update(
            batch_size=3, num_workers=0, persistent_workers=False)
        loader.dataset = dict(
            type='mmmix.SyntheticObjects',
            num_images=3,
            serialize_data=False,
            pipeline=[dict(type='PackInputs')])
    cfg.work_dir = str(tmp_path)
    cfg.experiment_name = path.stem
    cfg.log_level = 'ERROR'
    # the runner prints the config; to format it takes longer than the rest
    runner = Runner.from_cfg(Config(cfg.to_dict(), format_python_code=False))
    assert 'accuracy/top1' in runner.val()

    model, batch = runner.model, next(iter(runner.train_dataloader))
    optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    decays = {
        group['weight_decay']
        for group in optim_wrapper.optimizer.param_groups
    }
    assert decays == {0, cfg.optim_wrapper.optimizer.weight_decay}

    choice = model.data_preprocessor.choice
    mixers = [*choice.augments] if choice else []
    if not choice or sum(choice.probs) < 1:
        mixers.append(None)
    for mixer in mixers:
        if choice:
            choice.probs = [float(m is mixer) for m in choice.augments]
        model.train()
        before = {n: p.clone() for n, p in model.named_parameters()}
        logged = model.train_step(batch, optim_wrapper)
        assert all(torch.isfinite(value) for value in logged.values())
        expected = {'loss', 'loss_cls'}
        if mixer is not None and mixer.regions:
            expected |= {f'loss_{name}' for name in model.mix_losses}
        assert set(logged) == expected
        for name, p in model.named_parameters():
            if not name.startswith('head.mix_losses'):
                assert not torch.equal(p, before[name]), f'{name} stayed'


@pytest.mark.parametrize(
    'metafile', METAFILES, ids=lambda path: path.parent.name)
def test_metafile_describes_its_configs(metafile):
    index = yaml.safe_load(metafile.read_text())
    collections = {entry['Name'] for entry in index['Collections']}
    described = set()
    for entry in index['Models']:
        path = ROOT / entry['Config']
        described.add(path)
        assert path.stem == entry['Name']
        assert entry['In Collection'] in collections
        # nobody has trained these here: a result says whose it is
        assert all(result['Source'] for result in entry.get('Results', []))
        cfg = load(path)
        cfg.model.train_cfg = None
        with torch.device('meta'):
            model = MODELS.build(cfg.model)
        parameters = sum(p.numel() for p in model.parameters())
        assert entry['Metadata']['Parameters'] == parameters, path
    assert described == set(metafile.parent.glob('*.py'))
