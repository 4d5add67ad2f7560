"""The run of ``tiny_smmix.py`` with classes instead of their names."""
from mmengine.dataset import DefaultSampler
from mmengine.hooks import LoggerHook
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmpretrain.datasets import PackInputs
from mmpretrain.evaluation import Accuracy
from mmpretrain.models import VisionTransformer
from torch.optim import AdamW

from mmmix.datasets import SyntheticObjects
from mmmix.engine.hooks import CheckpointHook, EMAGuideHook
from mmmix.models import (ConsistencyLoss, EMAGuide, FineGrainedLoss,
                          MixClassifier, MixDataPreprocessor,
                          MixVisionTransformerClsHead, ResizeMix, SMMix)

data_preprocessor = dict(
    type=MixDataPreprocessor,
    num_classes=10,
    mean=[127.5] * 3,
    std=[64.] * 3,
    to_rgb=False)
model = dict(
    type=MixClassifier,
    backbone=dict(
        type=VisionTransformer,
        arch=dict(
            embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32),
        img_size=32,
        patch_size=8,
        out_type='raw'),
    head=dict(
        type=MixVisionTransformerClsHead,
        num_classes=10,
        in_channels=16,
        mix_losses=dict(
            fine=dict(type=FineGrainedLoss),
            consistency=dict(type=ConsistencyLoss))),
    train_cfg=dict(
        augments=[dict(type=SMMix), dict(type=ResizeMix)],
        probs=[0.5, 0.5],
        guide=dict(type=EMAGuide)))

pipeline = [dict(type=PackInputs, algorithm_keys=('gt_bboxes', ))]
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    dataset=dict(type=SyntheticObjects, num_images=16, pipeline=pipeline),
    sampler=dict(type=DefaultSampler, shuffle=True))
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    dataset=dict(
        type=SyntheticObjects, split='val', num_images=8, pipeline=pipeline),
    sampler=dict(type=DefaultSampler, shuffle=False))
val_evaluator = dict(type=Accuracy, topk=(1, ))
test_dataloader = val_dataloader
test_evaluator = val_evaluator

optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=AdamW, lr=1e-3))
param_scheduler = dict(type=CosineAnnealingLR, by_epoch=True)
train_cfg = dict(by_epoch=True, max_epochs=1)
val_cfg = dict()
test_cfg = dict()

default_scope = 'mmmix'
default_hooks = dict(
    logger=dict(type=LoggerHook, interval=1),
    checkpoint=dict(type=CheckpointHook, interval=1))
custom_hooks = [dict(type=EMAGuideHook)]
randomness = dict(seed=0)
