"""The configs of the papers' segmentation tables."""
import re
from fnmatch import fnmatchcase

import cv2
import numpy as np
import pytest
import torch
import yaml
from config_zoo import ROOT, config_of, load, on_meta
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmengine.runner.utils import set_random_seed
from small_segmentors import (CONFIGS, SIZE, build, every_config, full_width,
                              images, shrink)
from torch.utils.flop_counter import FlopCounterMode

from mmmix.cli.toolboxes import register_toolboxes
from mmmix.registry import DATASETS, MODELS

pytestmark = pytest.mark.downstream
FOLDER = ROOT / 'configs/downstream/segmentation'


def named(name):
    path, = (path for path in CONFIGS if path.name.startswith(name))
    return path


def pretraining(cfg):
    """The config behind the default checkpoint, None for torch's ResNet."""
    checkpoint = cfg.model.backbone.init_cfg.checkpoint
    if '://' in checkpoint:
        return None
    work_dirs, name, epoch = checkpoint.split('/')
    assert work_dirs == 'work_dirs'
    source = load(config_of(name))
    assert epoch == f'epoch_{source.train_cfg.max_epochs}.pth'
    return source


def matches(name, patterns):
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@every_config
def test_config_is_what_its_name_says(path):
    cfg = load(path)
    processes, batch, kilo, crop = re.search(
        r'_(\d)xb(\d)-(\d+)k_\S+-(\d+)x\4$', path.stem).groups()
    assert cfg.train_dataloader.batch_size == int(batch)
    assert cfg.auto_scale_lr == dict(
        enable=False, base_batch_size=int(processes) * int(batch))
    assert cfg.train_cfg.max_iters == int(kilo) * 1000
    assert cfg.param_scheduler[-1].end == cfg.train_cfg.max_iters
    assert cfg.crop_size == (int(crop), int(crop))
    assert cfg.model.data_preprocessor.size == cfg.crop_size
    crops = [
        step.crop_size for step in cfg.train_dataloader.dataset.pipeline
        if step.type == 'RandomCrop'
    ]
    assert crops == [cfg.crop_size]
    if cfg.model.test_cfg.mode == 'slide':
        assert cfg.model.test_cfg.crop_size == cfg.crop_size
    assert cfg.val_evaluator == cfg.test_evaluator
    assert cfg.tta_model.type == 'SegTTAModel'


@every_config
def test_pixels_are_normalised_as_in_pretraining(path):
    cfg = load(path)
    source = pretraining(cfg)
    ours = cfg.model.data_preprocessor
    theirs = source.data_preprocessor if source else dict(
        # torchvision's
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True)
    assert ours.mean == theirs['mean'] and ours.std == theirs['std']
    assert ours.bgr_to_rgb == theirs['to_rgb']


@every_config
def test_default_checkpoint_fits(path):
    """At full width: what differs is named in `init_cfg`, or is a position
    embedding, which is resized."""
    cfg = load(path)
    source = pretraining(cfg)
    if source is None:
        assert cfg.model.backbone.type == 'ResNetV1c'
        return
    init_cfg = cfg.model.backbone.init_cfg
    assert init_cfg.type == 'Pretrained' and init_cfg._scope_ == 'mmmix'
    with on_meta(), DefaultScope.overwrite_default_scope('mmmix'):
        theirs = MODELS.build(source.model.backbone).state_dict()
    ours = full_width(path).backbone.state_dict()
    assert all(
        matches(name, init_cfg.get('new', ()))
        for name in ours.keys() - theirs.keys())
    assert all(
        matches(name, init_cfg.get('unused', ()))
        for name in theirs.keys() - ours.keys())
    for name in ours.keys() & theirs.keys():
        assert (ours[name].shape == theirs[name].shape
                or name == 'pos_embed'), name


@pytest.fixture(scope='module')
def described():
    """What the metafile says of each config, by its path."""
    index = yaml.safe_load((FOLDER / 'metafile.yml').read_text())
    collections = {entry['Name'] for entry in index['Collections']}
    for entry in index['Models']:
        assert entry['In Collection'] in collections
        assert entry['Name'] == (ROOT / entry['Config']).stem
        # nobody has trained these here: a result says whose it is
        assert all(result['Source'] for result in entry.get('Results', []))
    return {ROOT / entry['Config']: entry for entry in index['Models']}


def test_every_config_is_described(described):
    assert set(described) == set(CONFIGS)
    linked = re.findall(r'\]\(([^)/]+\.py)\)',
                        (FOLDER / 'README.md').read_text())
    assert set(linked) == {path.name for path in CONFIGS}


def test_numbers_that_link_a_config_are_its_results(described):
    text = (FOLDER / 'README.md').read_text()
    found = re.findall(r'\[(\d\d\.\d)\]\((\S+\.py)\)', text)
    assert len(found) >= 8
    for number, name in found:
        metrics = [
            value for result in described[FOLDER / name]['Results']
            for value in result['Metrics'].values()
        ]
        assert float(number) in metrics, (number, name)


@every_config
def test_parameters_and_flops_are_counted(path, described):
    cfg = load(path)
    model = full_width(path)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(torch.empty(1, 3, *cfg.crop_size, device='meta'))
    metadata = described[path]['Metadata']
    assert metadata['Parameters'] == sum(p.numel() for p in model.parameters())
    assert metadata['FLOPs'] == counter.get_total_flops() // 2


def classifier_of(cfg, path):
    """A small classifier on the same backbone, saved; its backbone's weights.
    """
    backbone = dict(cfg.model.backbone, init_cfg=None)
    if backbone['type'] == 'ResNetV1c':
        backbone['type'] = 'mmseg.ResNetV1c'
    else:
        backbone.update(img_size=64, out_indices=[3], out_type='raw')
    if 'Swin' in backbone['type']:
        backbone.pop('out_type')
    if 'Pyramid' in backbone['type']:
        backbone.pop('with_cls_token')
    model = torch.nn.Module()
    model.backbone = MODELS.build(backbone)
    model.head = torch.nn.Linear(2, 2)
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            value.normal_()
        if name.endswith('running_var'):
            value.abs_()
    torch.save(dict(state_dict=model.state_dict()), path)
    return model.backbone.state_dict()


@every_config
def test_weights_of_a_classifier_and_one_step(path, tmp_path):
    cfg = shrink(load(path))
    checkpoint = tmp_path / 'epoch_1.pth'
    register_toolboxes(cfg)
    weights = classifier_of(cfg, checkpoint)
    init_cfg = load(path).model.backbone.init_cfg
    cfg.model.backbone.init_cfg = dict(
        init_cfg, checkpoint=str(checkpoint), prefix='backbone.')
    model = build(cfg)
    loaded = model.backbone.state_dict()
    # PVT's class token, its position, and the final norm
    assert len(weights.keys() - loaded.keys()) in (0, 4)
    for name in weights.keys() & loaded.keys():
        if not name.endswith('pos_embed'):
            assert torch.equal(loaded[name], weights[name]), name

    with DefaultScope.overwrite_default_scope('mmseg'):
        wrapper = Runner.build_optim_wrapper(
            _RunnerOf(model), cfg.optim_wrapper)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    model.train()
    data = model.data_preprocessor(images(cfg.num_classes, [SIZE] * 2), True)
    losses = model(**data, mode='loss')
    assert {name
            for name in losses if 'loss' in name
            } == ({'decode.loss_ce', 'aux.loss_ce'}
                  if 'auxiliary_head' in cfg.model else {'decode.loss_ce'})
    loss, _ = model.parse_losses(losses)
    assert loss.isfinite()
    wrapper.backward(loss)
    unused = [
        name for name, p in model.named_parameters()
        if p.requires_grad and p.grad is None
    ]
    assert bool(unused) == cfg.get('find_unused_parameters', False), unused
    still = [name for name, p in model.named_parameters() if not p.grad.any()]
    # the class token of CA-Swin is in no map
    last_block = 'backbone.stages.3.blocks.1.' \
        if cfg.model.backbone.type == 'mmmix.CASwin' else 'none'
    assert all(name.startswith(last_block) for name in still), still
    wrapper.step()
    moved = {
        name.split('.')[0]
        for name, p in model.named_parameters()
        if not torch.equal(p, before[name])
    }
    assert moved == {name.split('.')[0] for name in before}

    model.eval()
    data = images(cfg.num_classes, [(80, 112)], ori_shape=(60, 84))
    result, = model.test_step(data)
    labels = result.pred_sem_seg.data
    assert labels.shape == (1, 60, 84)
    assert result.seg_logits.data.shape == (cfg.num_classes, 60, 84)
    assert result.seg_logits.data.isfinite().all()


class _RunnerOf:
    """All that building an optimizer wrapper asks of a runner."""

    def __init__(self, model):
        self.model = model


@pytest.mark.parametrize(
    'name',
    ['upernet_deit-small', 'upernet_swin-tiny', 'upernet_ca-swin-tiny'])
def test_norms_and_positions_do_not_decay(name):
    cfg = shrink(load(named(name)))
    model = build(cfg)
    with DefaultScope.overwrite_default_scope('mmseg'):
        optimizer = Runner.build_optim_wrapper(
            _RunnerOf(model), cfg.optim_wrapper).optimizer
    decay = {
        id(group['params'][0]): group['weight_decay']
        for group in optimizer.param_groups
    }
    for module_name, module in model.backbone.named_modules():
        for kind, parameter in module.named_parameters(recurse=False):
            free = isinstance(module, torch.nn.LayerNorm) or kind in (
                'pos_embed', 'cls_token', 'relative_position_bias_table')
            assert decay[id(parameter)] == (0 if free else 0.01), module_name


@pytest.mark.parametrize(
    'name', ['upernet_deit-small', 'fpn_pvt-tiny', 'segmenter_deit-small'])
def test_random_weights_by_option(name):
    """What --cfg-options model.backbone.init_cfg=None does (B079)."""
    cfg = load(named(name))
    shrink(cfg)
    cfg.merge_from_dict({'model.backbone.init_cfg': None})
    assert build(cfg).backbone.state_dict()


@pytest.fixture
def data_set(tmp_path):
    """Two images of ADE20K's, or Pascal Context's, layout."""

    def make(cfg, labels):
        root, shape = tmp_path, (60, 80)
        for loader in (cfg.train_dataloader, cfg.val_dataloader):
            dataset = loader.dataset
            dataset.data_root = str(root)
            for folder in dataset.data_prefix.values():
                (root / folder).mkdir(parents=True, exist_ok=True)
            for name in 'ab':
                cv2.imwrite(
                    str(root / dataset.data_prefix.img_path / f'{name}.jpg'),
                    np.random.randint(0, 256, (*shape, 3), np.uint8))
                cv2.imwrite(
                    str(root / dataset.data_prefix.seg_map_path /
                        f'{name}.png'),
                    np.resize(np.asarray(labels, np.uint8), shape))
            if 'ann_file' in dataset:
                (root / dataset.ann_file).parent.mkdir(
                    parents=True, exist_ok=True)
                (root / dataset.ann_file).write_text('a\nb\n')
        return cfg

    return make


def open_set(cfg, loader, pipeline=None):
    dataset = cfg[loader].dataset
    if pipeline:
        dataset = dict(dataset, pipeline=pipeline)
    with DefaultScope.overwrite_default_scope('mmseg'):
        return DATASETS.build(dataset)


@pytest.mark.parametrize('name, first, kept', [
    ('upernet_deit-small', 0, 150),
    ('fpn_pvt-tiny', 0, 150),
    ('segmenter_deit-small', 0, 60),
])
def test_labels_and_sizes(name, first, kept, data_set):
    """ADE20K's 0 is no class, Pascal Context's 0 is the background."""
    cfg = load(named(name))
    is_ade = kept == 150
    register_toolboxes(cfg)
    data_set(cfg, range(151) if is_ade else range(60))
    short = 512 if is_ade else 390  # Pascal's 520 are those of the long side

    train = open_set(cfg, 'train_dataloader')
    assert len(train.metainfo['classes']) == kept == cfg.num_classes
    assert cfg.model.decode_head.num_classes == kept
    assert cfg.model.get('auxiliary_head',
                         dict(num_classes=kept))['num_classes'] == kept
    set_random_seed(0)
    sample = train[0]
    assert len(train) == 2
    assert sample['inputs'].shape[0] == 3
    assert max(sample['inputs'].shape) <= cfg.crop_size[0]

    test = open_set(cfg, 'val_dataloader')[0]
    labels = test['data_samples'].gt_sem_seg.data
    assert labels.shape == (1, 60, 80)  # those of the file
    found = set(labels.unique().tolist())
    assert found == set(range(kept)) | ({255} if is_ade else set())
    height, width = test['inputs'].shape[1:]
    assert height == short
    assert abs(width - short * 4 / 3) < 32
    if name.startswith('fpn'):
        assert height % 32 == width % 32 == 0

    views = open_set(cfg, 'val_dataloader', cfg.tta_pipeline)[0]
    assert len(views['inputs']) == 12
    assert [s.flip for s in views['data_samples']] == [False, True] * 6
    heights = [x.shape[1] for x in views['inputs'][::2]]
    if name.startswith('fpn'):
        assert all(height % 32 == 0 for height in heights)
    else:
        one = heights[2]
        assert one == (60 if is_ade else short)
        assert heights == [
            pytest.approx(one * ratio, abs=1) for ratio in cfg.img_ratios
        ]


@pytest.mark.parametrize('name, label, message', [
    ('upernet_deit-small', 151, r'a\.png.* 150 .*after reduce_zero_label'),
    ('segmenter_deit-small', 60, r'a\.png.* has the label 60'),
])
def test_label_beyond_the_classes(name, label, message, data_set):
    cfg = data_set(load(named(name)), [1, 2, label])
    register_toolboxes(cfg)
    with pytest.raises(ValueError, match=message):
        open_set(cfg, 'val_dataloader')[0]


@pytest.mark.parametrize('missing', ['JPEGImages', 'ImageSets'])
def test_missing_part_of_pascal_context(missing, data_set, tmp_path):
    cfg = data_set(load(named('segmenter')), range(60))
    register_toolboxes(cfg)
    (tmp_path / missing).rename(tmp_path / 'elsewhere')
    # mmseg's own assertions, of which that on the folder has no message
    message = 'ann_file' if missing == 'ImageSets' else None
    with pytest.raises(AssertionError, match=message):
        open_set(cfg, 'train_dataloader')


@pytest.mark.parametrize(
    'name', ['upernet_swin-tiny', 'fpn_pvt-tiny', 'linear_deit-small'])
def test_multi_scale_test_is_the_mean_of_its_views(name, data_set):
    """The smallest and the largest scale, each as it is and flipped; every
    view is shown alone, and probabilities are averaged."""
    cfg = shrink(load(named(name)))
    model = build(cfg).eval()
    data_set(cfg, range(60))
    scales = cfg.tta_pipeline[1]['transforms'][0]
    del scales[1:-1]
    if name.startswith('linear'):
        for resize in scales:
            resize['scale'] = tuple(side // 8 for side in resize['scale'])
    data = open_set(cfg, 'val_dataloader', cfg.tta_pipeline)[0]
    batch = {key: [[view] for view in value] for key, value in data.items()}
    with DefaultScope.overwrite_default_scope('mmseg'), torch.no_grad():
        tta = MODELS.build(dict(cfg.tta_model, module=model))
        merged, = tta.test_step(batch)
        mean = 0
        for x, sample in zip(data['inputs'], data['data_samples']):
            alone, = model.test_step(
                dict(inputs=[x], data_samples=[sample.clone()]))
            mean = mean + alone.seg_logits.data.softmax(0) / 4
    assert merged.pred_sem_seg.data.shape == (1, 60, 80)
    assert torch.equal(merged.pred_sem_seg.data[0], mean.argmax(0))
