"""What the analysis tools share."""
import pytest
import torch
from mmpretrain.structures import DataSample
from PIL import Image

from mmmix.analysis import OutOfDistribution, TrainedModel, check_alike
from mmmix.analysis.trained_model import (choose_images, labels_of, load_batch,
                                          to_image)
from mmmix.cli import build_model, load_config
from mmmix.cli.models import choose_names, short_names
from mmmix.registry import DATASETS

SYNTHETIC = 'vanilla/vit-xs_vanilla_1xb64-10e_synthetic.py'
FILES = 'vanilla/vit-xs_vanilla_1xb128-100e_cifar10-jpg.py'
BGR = {'data_preprocessor.to_rgb': False}


@pytest.mark.parametrize('configs, checkpoints, names', [
    (['a/vit_smmix_tiny.py'], ['x/1.pth'], ['vit_smmix_tiny']),
    (['a/vit_smmix_tiny.py', 'b/vit_cutmix_tiny.py'
      ], ['x/1.pth'] * 2, ['smmix', 'cutmix']),
    (['vit_tiny.py', 'vit_tiny.py'], ['x/1.pth', 'y/1.pth'
                                      ], ['vit_tiny x', 'vit_tiny y']),
    (['vit_tiny.py', 'vit_tiny.py'
      ], ['1.pth', '1.pth'], ['vit_tiny 1.pth (1)', 'vit_tiny 1.pth (2)']),
])
def test_names_are_what_tells_pairs_apart(configs, checkpoints, names):
    found = choose_names(None, short_names(configs, checkpoints))
    assert found == names


@pytest.mark.parametrize('checkpoint, short', [
    ('work_dirs/smmix/epoch_10.pth', 'smmix/epoch_10.pth'),
    ('w.pth', 'w.pth'),
    ('pypi://a-model', 'pypi://a-model'),
])
def test_short_names_of_checkpoints(checkpoint, short):
    assert TrainedModel('it', None, checkpoint, None).short_checkpoint == short


def test_images_are_drawn_from_all_classes():
    chosen = choose_images(range(1000), 100)
    assert chosen == choose_images(range(1000), 100) == sorted(set(chosen))
    assert len(chosen) == 100
    assert {index % 10 for index in chosen} == set(range(10))
    assert choose_images(range(3)) == choose_images(range(3), 3) == [0, 1, 2]
    for number in (0, 11):
        with pytest.raises(ValueError, match='between 1 and 10'):
            choose_images(range(10), number)


def test_labels():
    samples = [DataSample().set_gt_label(i) for i in (3, 1)]
    assert torch.equal(labels_of(samples), torch.tensor([3, 1]))
    with pytest.raises(ValueError, match='have no labels'):
        labels_of([*samples, DataSample()])


def trained(config, options=None):
    cfg = load_config(config, options)
    return TrainedModel(config, cfg, '', build_model(cfg))


@pytest.fixture
def blue_file(tmp_path):
    path = tmp_path / 'images' / 'n00' / 'blue.png'
    path.parent.mkdir(parents=True)
    Image.new('RGB', (32, 32), (0, 0, 255)).save(path)
    return path


@pytest.mark.parametrize('config, options, blue', [
    (SYNTHETIC, None, 2),
    (FILES, None, 2),
    (FILES, BGR, 0),
    (SYNTHETIC, {
        'data_preprocessor.channels': 'bgr'
    }, 0),
])
def test_files_are_shown_and_drawn_in_the_order_of_the_training(
        config, options, blue, blue_file):
    """Of the model's own set and of another, also out of distribution."""
    model = trained(config, options)
    wnids = [f'n{i:02d}' for i in range(10)]
    ood = OutOfDistribution(model, wnids=wnids)
    other = DATASETS.build(
        dict(
            type='mmpretrain.CustomDataset',
            data_root=str(blue_file.parents[1]),
            pipeline=[dict(type='mmmix.LoadImage'),
                      dict(type='PackInputs')]))
    for dataset in (ood.open_set('it', str(blue_file.parents[1])), other):
        inputs, _ = load_batch(model, dataset, [0])
        assert int(inputs.mean((0, 2, 3)).argmax()) == blue
        torch.testing.assert_close(
            to_image(model, inputs)[0, :, 0, 0], torch.tensor([0., 0., 1.]))


def test_models_of_other_loaders_but_one_order_are_alike():
    options = {
        'data_preprocessor.mean': [127.5] * 3,
        'data_preprocessor.std': [64] * 3
    }
    models = [trained(SYNTHETIC), trained(FILES, options)]
    dataset = DATASETS.build(models[0].cfg.val_dataloader.dataset)
    check_alike(models, dataset)
    models.append(trained(FILES, dict(options, **BGR)))
    with pytest.raises(ValueError, match="'rgb'.*'bgr'"):
        check_alike(models, dataset)
