"""Runs that train, of kinds that the checks do not know."""
import numpy as np
import pytest
import torch
from inputs import (LOAD, PACK, RESIZE, boxes, check, detection, folders, pets,
                    problems, scenes, segmentation, tiny, write_json)
from mmengine.model import BaseModel
from mmengine.runner import EpochBasedTrainLoop
from mmpretrain.structures import DataSample
from PIL import Image
from torch.utils.data import Dataset

from mmmix.cli.preflight import check as check_module
from mmmix.cli.preflight import run
from mmmix.cli.preflight.finding import Finding

SMALL_RESNET = dict(
    type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8)
SMALL_VIT = dict(
    type='mmpretrain.VisionTransformer',
    arch=dict(
        embed_dims=16, num_layers=1, num_heads=2, feedforward_channels=32),
    img_size=32,
    patch_size=8)


def fails_half_way(run):
    yield Finding('This is wrong.', 'train_cfg')
    raise KeyError('that a check expects')


def test_what_a_check_found_before_it_failed(monkeypatch):
    monkeypatch.setattr(check_module, 'OF_CONFIG', [fails_half_way])
    monkeypatch.setattr(check_module, '_is_of_check', lambda error: True)
    assert any('This is wrong.' in what for what in problems(tiny()))


class Plain(Dataset):
    """A data set of PyTorch, which has no metainfo."""

    def __init__(self, pairs=False):
        self.pairs = pairs

    def __len__(self):
        return 8

    def __getitem__(self, index):
        image = torch.rand(3, 32, 32)
        if self.pairs:
            return image, index % 10
        sample = DataSample().set_gt_label(index % 10)
        return dict(inputs=image, data_samples=sample)


class OwnModel(BaseModel):
    """That of MMEngine's tutorial, which takes pairs."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 10)

    def forward(self, images, labels, mode):
        logits = self.layer(images.mean((2, 3)))
        if mode == 'loss':
            return dict(loss=torch.nn.functional.cross_entropy(logits, labels))
        return [DataSample().set_pred_score(one) for one in logits]


def with_data(cfg, dataset):
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset = dict(dataset)
    return cfg


def without_evaluation(cfg):
    for split in ('val', 'test'):
        for part in ('dataloader', 'evaluator', 'cfg'):
            cfg[f'{split}_{part}'] = None
    return cfg


def test_a_plain_data_set():
    assert not problems(with_data(tiny(), dict(type=Plain)))


def test_a_plain_data_set_of_pairs():
    cfg = without_evaluation(with_data(tiny(), dict(type=Plain, pairs=True)))
    cfg.model = dict(type=OwnModel)
    cfg.data_preprocessor = None
    report = check(cfg)
    assert report.passed, str(report)
    assert 'one batch of 2 images' in str(report)


def test_several_tasks(tmp_path):
    folders(tmp_path)
    write_json(
        tmp_path / 'tasks.json',
        dict(
            metainfo=dict(tasks=['kind', 'colour']),
            data_list=[
                dict(
                    img_path=f'cat/{i}.jpg',
                    gt_label=dict(kind=i % 3, colour=i % 5)) for i in range(6)
            ]))
    pack = dict(
        type='mmpretrain.PackMultiTaskInputs',
        multi_task_fields=('gt_label', ),
        task_handlers={
            task: dict(type='mmpretrain.PackInputs')
            for task in ('kind', 'colour')
        })
    cfg = with_data(
        tiny(),
        dict(
            type='mmpretrain.MultiTaskDataset',
            data_root=str(tmp_path),
            ann_file='tasks.json',
            pipeline=[LOAD, RESIZE, pack]))
    head = dict(type='mmpretrain.LinearClsHead', in_channels=16)
    cfg.model = dict(
        type='mmpretrain.ImageClassifier',
        backbone=SMALL_VIT,
        head=dict(
            type='mmpretrain.MultiTaskHead',
            task_heads=dict(
                kind=dict(head, num_classes=3),
                colour=dict(head, num_classes=5))))
    cfg.data_preprocessor = dict(type='mmpretrain.ClsDataPreprocessor')
    accuracy = [dict(type='mmpretrain.Accuracy')]
    cfg.val_evaluator = cfg.test_evaluator = dict(
        type='mmpretrain.MultiTasksMetric',
        task_metrics=dict(kind=accuracy, colour=accuracy))
    report = check(cfg)
    assert report.passed, str(report)
    assert 'evaluated by MultiTasksMetric' in str(report)


SELF_SUPERVISED = dict(
    type='mmpretrain.SelfSupDataPreprocessor', mean=[127.5] * 3, std=[64.] * 3)
VIEWS = dict(type='mmpretrain.MultiView', num_views=2, transforms=[[RESIZE]])
SIMSIAM = dict(
    type='mmpretrain.SimSiam',
    backbone=dict(SMALL_RESNET, norm_cfg=dict(type='SyncBN')),
    neck=dict(
        type='mmpretrain.NonLinearNeck',
        in_channels=64,
        hid_channels=16,
        out_channels=16,
        num_layers=2),
    head=dict(
        type='mmpretrain.LatentPredictHead',
        loss=dict(type='mmpretrain.CosineSimilarityLoss'),
        predictor=dict(
            type='mmpretrain.NonLinearNeck',
            in_channels=16,
            hid_channels=8,
            out_channels=16,
            with_avg_pool=False)))
MOCO = dict(
    type='mmpretrain.MoCo',
    queue_len=8,
    feat_dim=16,
    backbone=SMALL_RESNET,
    neck=dict(
        type='mmpretrain.MoCoV2Neck',
        in_channels=64,
        hid_channels=16,
        out_channels=16),
    head=dict(
        type='mmpretrain.ContrastiveHead',
        loss=dict(type='mmpretrain.CrossEntropyLoss')))
MAE = dict(
    type='mmpretrain.MAE',
    backbone=dict(SMALL_VIT, type='mmpretrain.MAEViT', mask_ratio=0.75),
    neck=dict(
        type='mmpretrain.MAEPretrainDecoder',
        num_patches=16,
        patch_size=8,
        embed_dim=16,
        decoder_embed_dim=16,
        decoder_depth=1,
        decoder_num_heads=2),
    head=dict(
        type='mmpretrain.MAEPretrainHead',
        patch_size=8,
        in_channels=3,
        loss=dict(type='mmpretrain.PixelReconstructionLoss', criterion='L2')))


@pytest.mark.parametrize('model, step', [(SIMSIAM, VIEWS), (MOCO, VIEWS),
                                         (MAE, RESIZE)])
def test_pretraining_without_labels(tmp_path, model, step):
    folders(tmp_path / 'train')
    cfg = without_evaluation(pets(tmp_path, pipeline=[LOAD, step, PACK]))
    cfg.model, cfg.data_preprocessor = model, SELF_SUPERVISED
    report = check(cfg)
    assert report.passed, str(report)
    assert 'images forward and backward' in str(report)


@pytest.mark.parametrize('metric', [
    dict(type='mmpretrain.RetrievalRecall', topk=2),
    dict(type='mmpretrain.RetrievalAveragePrecision', topk=2),
    dict(type='mmpretrain.MultiLabelMetric', topk=1),
])
def test_other_metrics_with_topk(tmp_path, metric):
    folders(tmp_path / 'train')
    cfg = pets(tmp_path)
    cfg.val_evaluator = cfg.test_evaluator = metric
    assert not problems(cfg)


def test_a_head_of_margins(tmp_path):
    folders(tmp_path / 'train')
    cfg = pets(tmp_path)
    cfg.model = dict(
        type='mmpretrain.ImageToImageRetriever',
        image_encoder=[
            SMALL_RESNET,
            dict(type='mmpretrain.GlobalAveragePooling')
        ],
        head=dict(
            type='mmpretrain.ArcFaceClsHead', num_classes=2, in_channels=64),
        prototype=cfg.val_dataloader)
    cfg.data_preprocessor = dict(type='mmpretrain.ClsDataPreprocessor')
    cfg.val_evaluator = cfg.test_evaluator = dict(
        type='mmpretrain.RetrievalAveragePrecision', topk=1)
    assert not problems(cfg)


@pytest.mark.parametrize('device, trains', [('cpu:0', True), ('cpu', False)])
def test_a_last_batch_of_one_image_with_shared_statistics(
        monkeypatch, device, trains):
    # any device but this one stands for a GPU, where SyncBN synchronises
    monkeypatch.setattr(run, 'get_device', lambda: device)
    cfg = tiny({
        'train_dataloader.batch_size': 1,
        'train_dataloader.dataset.num_images': 8
    })
    cfg.model = dict(
        type='mmpretrain.ImageClassifier',
        backbone=dict(SMALL_RESNET, norm_cfg=dict(type='SyncBN')),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=10, in_channels=64))
    assert bool(problems(cfg, processes=4)) != trains
    assert problems(cfg)


class OwnLoop(EpochBasedTrainLoop):

    def __init__(self, *args, patience=3, **kwargs):
        super().__init__(*args, **kwargs)


def test_a_loop_that_passes_arguments_on():
    cfg = tiny()
    cfg.train_cfg = dict(type=OwnLoop, max_epochs=2, val_interval=1)
    assert not problems(cfg)


def test_classes_of_other_names(tmp_path):
    folders(tmp_path / 'train')
    assert not problems(
        pets(
            tmp_path,
            metainfo=dict(classes=['cat', 'dog']),
            val=dict(metainfo=dict(classes=['Cat', 'Dog'])),
            ann_file=str(
                write_list(tmp_path, 'cat/0.jpg 0', 'dog/0.jpg 1',
                           'dog/1.jpg 1'))))


def write_list(root, *lines):
    (root / 'list.txt').write_text('\n'.join(lines))
    return root / 'list.txt'


@pytest.fixture
def mmseg():
    return pytest.importorskip('mmseg')


@pytest.fixture
def mmdet():
    return pytest.importorskip('mmdet')


@pytest.mark.downstream
def test_pixels_that_do_not_count_by_another_label(tmp_path, mmseg):
    root = scenes(tmp_path)
    for path in (root / 'annotations').iterdir():
        labels = np.array(Image.open(path))
        labels[:4] = 250
        Image.fromarray(labels).save(path)
    cfg = segmentation(root)
    assert 'has the label 250' in ' '.join(problems(cfg))
    cfg.model.decode_head.ignore_index = 250
    assert not problems(cfg)


@pytest.mark.downstream
def test_a_head_of_boundaries(tmp_path, mmseg):
    root = scenes(tmp_path)
    for path in (root / 'annotations').iterdir():
        Image.fromarray(np.uint8(np.arange(48 * 64).reshape(48, 64) %
                                 3)).save(path)
    cfg = segmentation(root, ('a', 'b', 'c'))
    loss = dict(type='CrossEntropyLoss', use_sigmoid=False)
    cfg.model.auxiliary_head = dict(
        type='STDCHead',
        in_channels=cfg.model.decode_head.in_channels,
        channels=4,
        num_convs=1,
        num_classes=2,
        in_index=0,
        boundary_threshold=0.1,
        loss_decode=[
            dict(loss, loss_name='loss_ce'),
            dict(type='DiceLoss', loss_name='loss_dice')
        ])
    assert not problems(cfg)


@pytest.mark.downstream
def test_one_output_for_two_labels(tmp_path, mmseg):
    cfg = segmentation(scenes(tmp_path))
    cfg.model.decode_head.update(num_classes=1, threshold=0.3)
    cfg.model.decode_head.loss_decode = dict(
        type='CrossEntropyLoss', use_sigmoid=True)
    assert not problems(cfg)


@pytest.mark.downstream
def test_label_maps_of_half_the_size(tmp_path, mmseg):
    cfg = segmentation(scenes(tmp_path))
    for path in (tmp_path / 'annotations').iterdir():
        Image.open(path).resize((32, 24), Image.NEAREST).save(path)
    assert not problems(without_evaluation(cfg))


@pytest.mark.downstream
def test_labelled_and_unlabelled_images(tmp_path, mmdet):
    content = boxes(tmp_path)
    write_json(tmp_path / 'bare.json', dict(content, annotations=[]))
    cfg = detection(tmp_path)
    dataset = cfg.train_dataloader.dataset
    load, annotate, pack = dataset.pipeline
    branches = ['sup', 'unsup_teacher', 'unsup_student']
    sup = [
        load, annotate,
        dict(type='MultiBranch', branch_field=branches, sup=[pack])
    ]
    unsup = [
        load,
        dict(type='LoadEmptyAnnotations', with_mask=True),
        dict(
            type='MultiBranch',
            branch_field=branches,
            unsup_teacher=[pack],
            unsup_student=[pack])
    ]
    cfg.train_dataloader.update(
        batch_size=3,
        batch_sampler=None,
        sampler=dict(
            type='GroupMultiSourceSampler', batch_size=3, source_ratio=[1, 2]))
    cfg.train_dataloader.dataset = dict(
        type='ConcatDataset',
        datasets=[
            dict(dataset, pipeline=sup),
            dict(dataset, ann_file='bare.json', pipeline=unsup)
        ])
    detector = cfg.model
    cfg.model = dict(
        type='SoftTeacher',
        detector=detector,
        data_preprocessor=dict(
            type='MultiBranchDataPreprocessor',
            data_preprocessor=detector.data_preprocessor),
        semi_train_cfg=dict(
            freeze_teacher=True,
            sup_weight=1.0,
            unsup_weight=4.0,
            pseudo_label_initial_score_thr=0.5,
            rpn_pseudo_thr=0.9,
            cls_pseudo_thr=0.9,
            reg_pseudo_thr=0.02,
            jitter_times=10,
            jitter_scale=0.06,
            min_pseudo_bbox_wh=(1e-2, 1e-2)),
        semi_test_cfg=dict(predict_on='teacher'))
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=2)
    assert not problems(cfg)


@pytest.mark.downstream
def test_things_of_a_panoptic_set(tmp_path, mmdet):
    boxes(tmp_path)
    cfg = detection(tmp_path)
    metainfo = dict(
        classes=('cat', 'sky'),
        thing_classes=('cat', ),
        stuff_classes=('sky', ),
        palette=[(9, 9, 9), (8, 8, 8)])
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.metainfo = metainfo
    assert not problems(cfg)
    cfg.model.roi_head.bbox_head.num_classes = 3
    assert 'bbox_head has num_classes=3' in ' '.join(problems(cfg))
