"""Which order of colours reaches a frozen guide, from files to its stem."""
import pickle

import numpy as np
import pytest
import torch
from config_zoo import load, without_weights
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DefaultScope
from mmpretrain.datasets import CIFAR100
from PIL import Image

from mmmix.analysis.trained_model import TrainedModel, to_image
from mmmix.models import seen_channels
from mmmix.registry import DATASETS, MODELS

COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
ATTENTIVE = 'mmmix::_base_/mixing/attentive_cutmix.py'
CONFIGS = dict(
    cifar100='attentive_cutmix/'
    'resnet18_attentive-cutmix_1xb32-120e_cifar100.py',
    cifar10_jpg='vanilla/vit-xs_vanilla_1xb128-100e_cifar10-jpg.py',
    synthetic='vanilla/vit-xs_vanilla_1xb64-10e_synthetic.py',
    tiny_imagenet='attentive_cutmix/'
    'resnet18-cifar_attentive-cutmix_1xb100-400e_tiny-imagenet.py',
    imagenet='attentive_cutmix/resnet18_attentive-cutmix_1xb64-100e_in1k.py')
CASES = [(name, backend) for name in CONFIGS
         for backend in (('cv2',
                          'pillow') if name in ('cifar10_jpg', 'tiny_imagenet',
                                                'imagenet') else (None, ))]


def config(name):
    """A real config with an ImageNet ResNet as the guide, a small one."""
    cfg = load(f'mmmix::{CONFIGS[name]}')
    if not cfg.model.get('train_cfg'):
        cfg.model.train_cfg = load(ATTENTIVE).mixing
    return without_weights(cfg, lambda model: model.backbone.update(depth=18))


def cifar_samples(cfg, images, folder, monkeypatch):
    """From a pickle as CIFAR-100 is distributed."""
    for name in ('train_list', 'test_list'):
        monkeypatch.setattr(CIFAR100, name, [['test', None]])
    (folder / 'cifar-100-python').mkdir()
    pixels = np.stack([np.asarray(i).transpose(2, 0, 1) for i in images])
    (folder / 'cifar-100-python' / 'test').write_bytes(
        pickle.dumps(
            dict(data=pixels.reshape(len(images), -1), fine_labels=[0, 1, 2])))
    dataset = cfg.val_dataloader.dataset
    dataset.data_root = str(folder)
    return [*DATASETS.build(dataset)]


def samples_of(name, cfg, backend, folder, monkeypatch):
    """Images of one colour, as the validation set of a config loads them."""
    images = [Image.new('RGB', (32, 32), colour) for colour in COLOURS]
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        if name == 'cifar100':
            return cifar_samples(cfg, images, folder, monkeypatch)
        steps = cfg.val_dataloader.dataset.pipeline
        if not backend:
            return [
                Compose(steps)(dict(img=np.array(image), gt_label=0))
                for image in images
            ]
        steps[0].imdecode_backend = backend
        paths = [folder / f'{i}.jpg' for i in range(3)]
        for image, path in zip(images, paths):
            image.save(path)
        return [
            Compose(steps)(dict(img_path=str(path), gt_label=0))
            for path in paths
        ]


def student(cfg):
    with DefaultScope.overwrite_default_scope('mmpretrain'), \
            pytest.warns(UserWarning, match='RANDOM'):
        return MODELS.build(
            dict(cfg.model, data_preprocessor=cfg.data_preprocessor))


@pytest.mark.parametrize('name, backend', CASES)
def test_the_stem_of_the_guide_sees_the_colours(name, backend, tmp_path,
                                                monkeypatch):
    cfg = config(name)
    model = student(cfg)
    samples = samples_of(name, cfg, backend, tmp_path, monkeypatch)
    inputs = model.data_preprocessor(pseudo_collate(samples))['inputs']
    guide = model.data_preprocessor.guides['attention']
    network, seen = guide.network(model), []
    network.backbone.conv1.register_forward_pre_hook(
        lambda module, args: seen.append(args[0]))
    guide(model, inputs, frozenset({'attention'}))
    preprocessor = network.data_preprocessor
    # ImageNet's statistics in RGB, as the ResNet was trained
    assert preprocessor.mean.flatten().tolist() == pytest.approx(
        [123.675, 116.28, 103.53])
    shown = seen[0] * preprocessor.std + preprocessor.mean
    torch.testing.assert_close(
        shown.mean((2, 3)), torch.tensor(COLOURS).float(), atol=2, rtol=0)
    drawn = to_image(TrainedModel(name, cfg, '', model), inputs)
    torch.testing.assert_close(
        drawn.mean((2, 3)), torch.tensor(COLOURS) / 255, atol=.01, rtol=0)


@pytest.mark.parametrize(
    'source, channels',
    [('mmpretrain::resnet/resnet18_8xb32_in1k.py', 'rgb'),
     ('mmpretrain::resnet/resnet18_8xb16_cifar10.py', 'rgb'),
     ('mmpretrain::regnet/regnetx-400mf_8xb128_in1k.py', 'bgr'),
     ('mmpretrain::mobilevit/mobilevit-small_8xb128_in1k.py', 'bgr'),
     *((f'mmmix::{path}', 'rgb') for path in CONFIGS.values())])
def test_a_config_shows_which_order_its_network_sees(source, channels):
    cfg = load(source)
    assert seen_channels(cfg) == channels
    other = 'bgr' if channels == 'rgb' else 'rgb'
    cfg.model.data_preprocessor = dict(cfg.data_preprocessor, channels=other)
    assert seen_channels(cfg) == other


@pytest.mark.parametrize('own', [None, dict(to_rgb=True)])
def test_the_order_of_a_guide_can_be_named(own):
    cfg = config('synthetic')
    guide = cfg.model.train_cfg.guide
    guide.channels = 'bgr'
    guide.config.data_preprocessor = guide.config.model.data_preprocessor = own
    cfg.data_preprocessor = dict(num_classes=10)
    model = student(cfg)
    images = torch.rand(2, 3, 8, 8)
    guide = model.data_preprocessor.guides['attention']
    torch.testing.assert_close(
        guide.shown(model, images)[..., 0, 0],
        images.flip(1)[..., 0, 0])
    model.data_preprocessor.channels = 'bgr'
    torch.testing.assert_close(
        guide.shown(model, images)[..., 0, 0], images[..., 0, 0])


def test_an_unknown_order_is_refused():
    guide = dict(
        type='mmmix.FrozenGuide',
        config=dict(model=dict(backbone=dict())),
        channels='grb')
    for options in (dict(channels='grb'),
                    dict(
                        batch_augments=dict(
                            augments=[dict(
                                type='mmmix.CutMix')], guide=guide))):
        with pytest.raises(ValueError, match="`channels` must be.*not 'grb'"):
            MODELS.build(dict(type='mmmix.MixDataPreprocessor', **options))
