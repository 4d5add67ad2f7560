# The row of the tables with PyTorch's ImageNet weights; SGD, as in mmdet.
_base_ = '../_base_/detection_coco.py'
