"""The detection configs: what they say, build and learn in one step."""
import re
from copy import deepcopy
from fnmatch import fnmatchcase

import pytest
import torch
import yaml
from config_zoo import ROOT, SMALL, config_of, full_width, load, on_meta
from dense_models import from_checkpoint, random_classifier
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

from mmmix.cli.toolboxes import register_toolboxes
from mmmix.registry import MODELS

pytestmark = pytest.mark.downstream
FOLDER = ROOT / 'configs/downstream/detection'
CONFIGS = sorted(FOLDER.glob('*.py'))
every_config = pytest.mark.parametrize(
    'path', CONFIGS, ids=lambda path: path.stem)
transferred = pytest.mark.parametrize(
    'path', [path for path in CONFIGS if '_r' not in path.stem],
    ids=lambda path: path.stem)
# Pyramids of the small backbones
CHANNELS = {
    'mmmix.PyramidVisionTransformer': [8, 8, 8, 16],
    'mmpretrain.SwinTransformer': [8, 16, 32, 64],
    'ResNet': [32, 64, 128, 256],
}


def build(cfg):
    register_toolboxes(cfg)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        return MODELS.build(cfg.model)


def pretraining(cfg):
    """The config whose last checkpoint is the default, and that epoch."""
    folder, epoch = re.fullmatch(
        r'work_dirs/(.*)/epoch_(\d+).pth',
        cfg.model.backbone.init_cfg.checkpoint).groups()
    return load(config_of(folder)), int(epoch)


def test_metafile_and_readme_know_every_config():
    readme = (FOLDER / 'README.md').read_text()
    assert set(re.findall(r'\]\(([^)/]+\.py)\)',
                          readme)) == {path.name
                                       for path in CONFIGS}
    index = yaml.safe_load((FOLDER / 'metafile.yml').read_text())
    collection, = index['Collections']
    entries = {ROOT / entry['Config']: entry for entry in index['Models']}
    assert set(entries) == set(CONFIGS)
    for path, entry in entries.items():
        assert entry['Name'] == path.stem
        assert entry['In Collection'] == collection['Name']
        row, = re.findall(rf'\]\({path.name}\) \|(.*)\|', readme)
        printed = [float(cell) for cell in row.split('|') if cell.strip()]
        boxes = {
            result['Metrics']['box AP']
            for result in entry['Results']
            if result['Task'] == 'Object Detection'
        }
        assert set(printed[1:]) <= boxes
        assert printed[0] == round(entry['Metadata']['Parameters'] / 1e6, 2)
        # nobody has trained these here: a result says whose it is
        assert all(result['Source'] for result in entry['Results'])


@every_config
def test_full_width_has_as_many_parameters_as_the_metafile_says(path):
    index = yaml.safe_load((FOLDER / 'metafile.yml').read_text())
    entry, = (e for e in index['Models'] if e['Name'] == path.stem)
    cfg = load(path)
    with on_meta():
        model = build(cfg)
    assert entry['Metadata']['Parameters'] == sum(p.numel()
                                                  for p in model.parameters())
    assert cfg.train_cfg.max_epochs == entry['Metadata']['Epochs'] == 12


@every_config
def test_an_elongated_image(path):
    """700 x 100 pixels, as they are resized and padded."""
    with on_meta():
        model = build(load(path)).eval()
        features = model.extract_feat(torch.empty(1, 3, 192, 1344))
    assert features[2].shape[2:] == (12, 84)


@every_config
def test_pixels_are_those_of_the_pretraining(path):
    cfg = load(path)
    pixels = cfg.model.data_preprocessor
    assert pixels.bgr_to_rgb and pixels.pad_size_divisor == 32
    trained = load(ROOT / 'configs/_base_/datasets/imagenet1k_deit.py'
                   ) if '_r' in path.stem else pretraining(cfg)[0]
    assert trained.data_preprocessor.to_rgb
    for name in ('mean', 'std'):
        assert pixels[name] == trained.data_preprocessor[name]
    loader = cfg.train_dataloader
    assert loader.batch_size * 8 == cfg.auto_scale_lr.base_batch_size == 16
    for name in ('train', 'val', 'test'):
        loader = cfg[f'{name}_dataloader']
        # it checks files and categories
        assert loader.dataset.type == 'mmmix.CocoDataset'
        assert loader.dataset.data_root == 'data/coco/'


@transferred
def test_the_default_checkpoint_is_one_that_fits(path):
    cfg = load(path)
    classifier, epoch = pretraining(cfg)
    assert classifier.train_cfg.max_epochs == epoch
    classifier.model.train_cfg = None
    saved = full_width(classifier).backbone.state_dict()
    with on_meta():
        wanted = build(cfg).backbone.state_dict()
    new = cfg.model.backbone.init_cfg.get('new', [])
    unused = cfg.model.backbone.init_cfg.get('unused', [])
    assert {
        name
        for name in saved
        if not any(fnmatchcase(name, pattern) for pattern in unused)
    } == set(saved) & set(wanted) != set()
    for name, value in wanted.items():
        if name in saved:
            assert value.shape == saved[name].shape
        else:
            assert any(fnmatchcase(name, pattern) for pattern in new)
    for pattern in new:
        assert any(fnmatchcase(name, pattern) for name in wanted)


def shrink(cfg):
    """A small detector of the same kind, in place.

    Returns:
        dict: Its backbone as a classifier has it, None for mmdet's ResNet.
    """
    backbone, model = cfg.model.backbone, cfg.model
    changes, _ = SMALL[backbone.type.replace('mmpretrain.', '')]
    backbone.update(deepcopy(changes))
    model.neck.in_channels = CHANNELS[backbone.type]
    model.roi_head.bbox_head.fc_out_channels = 16
    model.roi_head.mask_head.num_convs = 1
    model.train_cfg.rpn_proposal.max_per_img = 20
    model.train_cfg.rcnn.sampler.num = 8
    model.test_cfg.rcnn.max_per_img = 5
    if backbone.type == 'ResNet':
        backbone.init_cfg = None
        model.neck.in_channels = [8, 16, 32, 64]
        return None
    classifier = deepcopy(backbone.to_dict())
    for name in ('init_cfg', 'out_indices'):
        del classifier[name]
    if 'out_type' in classifier:
        classifier.update(out_type='raw', with_cls_token=True)
    return classifier


def two_images():
    """One wide and one tall, each with a box and its mask."""
    import numpy as np
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData
    inputs, samples = [], []
    for h, w in ((128, 160), (130, 96)):
        masks = np.zeros((1, h, w), np.uint8)
        masks[:, 20:90, 10:80] = 1
        sample = DetDataSample(
            metainfo=dict(
                img_shape=(h, w),
                ori_shape=(h, w),
                pad_shape=(h, w),
                scale_factor=(1., 1.)))
        sample.gt_instances = InstanceData(
            bboxes=torch.tensor([[10., 20, 80, 90]]),
            labels=torch.tensor([3]),
            masks=BitmapMasks(masks, h, w))
        inputs.append(torch.randint(0, 256, (3, h, w), dtype=torch.uint8))
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


@every_config
def test_small_ones_start_from_a_checkpoint_and_take_a_step(path, tmp_path):
    cfg = load(path)
    classifier = shrink(cfg)
    if classifier:
        classifier = random_classifier(classifier)
        file = tmp_path / 'epoch_1.pth'
        torch.save(dict(state_dict=classifier.state_dict()), file)
        default = dict(cfg.model.backbone.init_cfg, checkpoint=str(file))
        cfg.merge_from_dict({'model.backbone.init_cfg.checkpoint': str(file)})
        assert cfg.model.backbone.init_cfg == default
        assert from_checkpoint(file).items() <= default.items()
    model = build(cfg)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        model.init_weights()
        optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    if classifier:
        saved = classifier.backbone.state_dict()
        for name, value in model.backbone.state_dict().items():
            if name in saved:
                assert torch.equal(value, saved[name])
    settings = cfg.optim_wrapper.optimizer
    assert type(optim_wrapper.optimizer).__name__ == settings.type
    assert {g['weight_decay']
            for g in optim_wrapper.param_groups} == {
                settings.weight_decay,
                *([0] if 'paramwise_cfg' in cfg.optim_wrapper else [])
            }

    before = deepcopy(model.state_dict())
    model.train()
    losses = model.train_step(two_images(), optim_wrapper)
    assert {'loss_rpn_cls', 'loss_cls', 'loss_bbox',
            'loss_mask'} <= set(losses)
    assert all(torch.as_tensor(loss).isfinite() for loss in losses.values())
    for name, p in model.named_parameters():
        # a ResNet's first stage is frozen, the branches of others start at 0
        if classifier or not name.startswith('backbone.'):
            assert not torch.equal(p, before[name]), name

    model.eval()
    results = model.test_step(two_images())
    assert [r.pred_instances.masks.shape[1:] for r in results] == [(128, 160),
                                                                   (130, 96)]


@transferred
def test_random_weights_are_an_option(path):
    cfg = load(path)
    shrink(cfg)
    cfg.merge_from_dict({'model.backbone.init_cfg': None})
    build(cfg).init_weights()


@transferred
def test_the_default_checkpoint_is_asked_for(path):
    cfg = load(path)
    shrink(cfg)
    with pytest.raises(FileNotFoundError, match='init_cfg.checkpoint=...'):
        build(cfg).init_weights()
