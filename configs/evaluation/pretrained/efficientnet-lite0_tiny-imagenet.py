# EfficientNet-Lite0 with its ImageNet-1k weights on Tiny-ImageNet, enlarged to
# 224 pixels: a guide and a judge that knows the classes. Its checkpoint is
# made by tools/model_converters/select_classes.py.
_base_ = [
    '../../_base_/models/efficientnet-lite0.py',
    '../../_base_/datasets/tiny_imagenet.py',
    '../../_base_/default_runtime.py',
]

data_preprocessor = _base_.preprocessing
model = dict(head=dict(num_classes=_base_.data_preprocessor.num_classes))
test_pipeline = [
    *_base_.test_pipeline[:-1],
    dict(type='Resize', scale=224, interpolation='bicubic'),
    _base_.test_pipeline[-1],
]
train_dataloader = None
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
val_cfg = dict()
test_cfg = dict()
