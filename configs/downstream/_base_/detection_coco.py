# mmdet's Mask R-CNN, COCO and 1x schedule (8 x 2 images, 12 epochs), with a
# data set that checks the categories, a loader that checks the size of images
# and a hook that checks the number of classes.
_base_ = [
    'mmdet::_base_/models/mask-rcnn_r50_fpn.py',
    'mmdet::_base_/datasets/coco_instance.py',
    'mmdet::_base_/schedules/schedule_1x.py',
    'mmdet::_base_/default_runtime.py',
]
custom_imports = dict(
    imports=['mmmix', 'mmmix.datasets.detection'], allow_failed_imports=False)

train_pipeline = [dict(type='mmmix.LoadImage'), *_base_.train_pipeline[1:]]
train_dataloader = dict(
    dataset=dict(type='mmmix.CocoDataset', pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(type='mmmix.CocoDataset'))
test_dataloader = val_dataloader

custom_hooks = [dict(type='NumClassCheckHook')]
randomness = dict(seed=0, deterministic=False)
