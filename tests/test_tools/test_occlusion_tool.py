import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmmix.analysis import open_dataset
from mmmix.cli import build_model, load_config
from mmmix.cli.models import read_model

TOOL = 'analysis/occlusion.py'
SHIPPED = 'vanilla/vit-xs_vanilla_1xb64-10e_synthetic.py'


@pytest.fixture
def weights(tmp_path):
    """A checkpoint of random weights for each seed."""

    def save(seed, config, options=None):
        torch.manual_seed(seed)
        path = tmp_path / f'{seed}.pth'
        model = build_model(load_config(config, options))
        with torch.no_grad():  # not all images of one class
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.add_(.2 * torch.randn_like(parameter))
            if hasattr(model.backbone, 'cls_token'):
                model.backbone.cls_token.zero_()
        torch.save(dict(state_dict=model.state_dict(), meta={}), path)
        return path

    return save


def read(out='work_dirs/occlusion'):
    with open(f'{out}.json') as file:
        return json.load(file)


def test_report_of_two_checkpoints(run_tool, config, weights, tmp_path):
    run_tool(TOOL, config, weights(0, config), config, weights(1, config),
             '--names', 'a', 'b', '--grid', 2, 4, '--ratios', 0, .5, 1,
             '--seeds', 0, 1, '--num-images', 10)
    found = read()
    assert found['images'] == 10
    for name in 'ab':
        curves = found['curves'][name]
        assert set(curves) == {'random', 'salient', 'non-salient'}
        # where nothing is lost it does not matter what would go first; where
        # everything is, all images are alike
        assert len({curve['top1'][0] for curve in curves.values()}) == 1
        assert len({curve['top1'][2] for curve in curves.values()}) == 1
        assert all(curve['dropped'] == [0, .5, 1] for curve in curves.values())
    text = (tmp_path / 'work_dirs/occlusion.md').read_text()
    for said in ('checkpoint | dropped | 0% | 50% | 100% | mean',
                 'before normalisation', '2 x 4', 'seeds 0, 1',
                 'each checkpoint itself', 'a | non-salient'):
        assert said in text
    assert (tmp_path / 'work_dirs/occlusion.png').stat().st_size > 10000


def accuracy(trained, kind, value):
    """In percent, image by image: half of the pixels get a value."""
    dataset = open_dataset(trained)
    hits = 0
    for sample in dataset:
        image, label = sample['inputs'], sample['data_samples']
        on_the_left = salient_on_the_left(label.img_path)
        columns = slice(
            0, 16) if on_the_left == (kind == 'salient') else slice(16, 32)
        image[:, :, columns] = torch.tensor(value).view(3, 1, 1)
        data = trained.model.data_preprocessor(
            dict(inputs=[image], data_samples=[label]), False)
        pred = trained.model.predict(**data)[0].pred_label
        hits += int(pred == label.gt_label)
    return 100 * hits / len(dataset)


def salient_on_the_left(path):
    return int(Path(path).stem) % 3 > 0


def test_given_maps_and_fill(run_tool, weights, tiny_images):
    config, folder = tiny_images
    path = weights(0, config)
    trained = read_model('x', config, str(path))
    # the files are loaded in BGR
    for fill, value in (('before', [0, 0, 0]), ('after', [100, 110, 120])):
        run_tool(TOOL, config, path, '--grid', 4, 4, '--ratios', .5, '--fill',
                 fill, '--map-folder', folder, '--drop', 'salient',
                 'non-salient', '--batch-size', 16)
        (curves, ) = read()['curves'].values()
        for kind in ('salient', 'non-salient'):
            assert curves[kind]['top1'][0] == pytest.approx(
                accuracy(trained, kind, value), abs=1e-3)
    next(folder.glob('*.npy')).unlink()
    with pytest.raises(SystemExit, match='maps of 39 of 40 images'):
        run_tool(TOOL, config, path, '--grid', 4, 4, '--map-folder', folder)


@pytest.fixture
def tiny_images(tmp_path, config):
    """A config of forty image files, and a folder of their maps."""
    rng = np.random.default_rng(0)
    (tmp_path / 'maps').mkdir()
    for i in range(40):
        name = f'{i % 5}/{i}.png'
        (tmp_path / 'images' / str(i % 5)).mkdir(parents=True, exist_ok=True)
        pixels = np.kron(rng.integers(0, 256, (4, 4, 3)), np.ones((8, 8, 1)))
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / 'images' /
                                                      name)
        saliency = np.zeros((2, 8))
        saliency[:, :4] = salient_on_the_left(name)
        saliency[:, 4:] = not salient_on_the_left(name)
        np.save(tmp_path / 'maps' / f'{i}.npy', saliency)
    images = tmp_path / 'images.py'
    images.write_text(f"""
_base_ = {config!r}
model = dict(head=dict(num_classes=5))
data_preprocessor = dict(
    num_classes=5, mean=[120, 110, 100], std=[50, 60, 70], to_rgb=True)
val_dataloader = dict(dataset=dict(
    _delete_=True,
    type='CustomDataset',
    data_root={str(tmp_path / 'images')!r},
    pipeline=[dict(type='mmmix.LoadImage'), dict(type='PackInputs')]))
""")
    return str(images), tmp_path / 'maps'


def test_another_model_says_what_is_salient(run_tool, config, weights):
    first, second = weights(0, config), weights(1, config)
    common = [
        '--grid', 4, 4, '--ratios', .3, .6, '--drop', 'salient', '--map',
        'ClassAttention'
    ]
    two = [config, first, config, second, '--names', 'a', 'b']
    run_tool(TOOL, *two, '--saliency', config, second, '--out', 'named',
             *common)
    run_tool(TOOL, *two, '--out', 'own', *common)
    named, own = read('named'), read('own')
    assert str(second) in named['saliency']
    assert named['curves']['b'] == own['curves']['b']
    run_tool(TOOL, config, first, '--names', 'a', '--by', 'mass', '--out',
             'mass', *common)
    by_mass = read('mass')['curves']['a']['salient']['dropped']
    assert by_mass[0] < .3 and by_mass[1] < .6


def test_labels_of_another_number_of_classes(run_tool, weights, config):
    options = {'model.head.num_classes': 5, 'data_preprocessor.num_classes': 5}
    with pytest.raises(
            SystemExit, match='knows 5 classes, but the data set has 10'):
        run_tool(TOOL, config, weights(0, config, options), '--grid', 4, 4,
                 '--drop', 'random', '--cfg-options',
                 *(f'{key}={value}' for key, value in options.items()))


def test_bad_input(run_tool, weights, config):
    path = weights(0, config)
    for options, message in (
        (['--grid', 14, 14], '14 x 14 cells does not divide'),
        (['--grid', 0, 4], 'positive'),
        (['--ratios', 2], 'between 0 and 1'),
        (['--seeds', -1], 'negative'),
        (['--map-folder', 'x', '--saliency', config,
          path], 'give one of them'),
        (['--map-folder', 'x', '--grid', 4, 4], 'are not files'),
    ):
        with pytest.raises(SystemExit, match=message):
            run_tool(TOOL, config, path, *options)
    with pytest.raises(SystemExit, match='does not hold the weights'):
        run_tool(TOOL, SHIPPED, path)


def test_models_without_class_attention(run_tool, weights, config, tmp_path):
    cnn = tmp_path / 'cnn.py'
    cnn.write_text(f"""
_base_ = {config!r}
model = dict(
    backbone=dict(_delete_=True, type='ResNet_CIFAR', depth=18,
                  stem_channels=8, base_channels=8),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(_delete_=True, type='LinearClsHead', num_classes=10,
              in_channels=64),
    train_cfg=None)
""")
    path = weights(0, str(cnn))
    common = [TOOL, cnn, path, '--grid', 4, 4, '--ratios', 0, .5]
    with pytest.raises(SystemExit, match='class token whose attention'):
        run_tool(*common, '--map', 'ClassAttention')
    run_tool(*common)
    run_tool(*common, '--map', 'ClassAttention', '--drop', 'random')
    assert read()['saliency'] is None


def test_different_images_are_not_compared(run_tool, weights, config,
                                           tiny_images):
    other, _ = tiny_images
    with pytest.raises(
            SystemExit, match='16 images and b 40, of which only 0 are'):
        run_tool(TOOL, config, weights(0, config), other, weights(1, other),
                 '--names', 'a', 'b')
