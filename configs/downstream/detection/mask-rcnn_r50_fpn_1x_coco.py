# The tables' row without a pretraining of ours: PyTorch's ImageNet weights,
# SGD, as in mmdet.
_base_ = '../_base_/detection_coco.py'
