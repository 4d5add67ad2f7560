_base_ = [
    './_base_/pvt-xs_upernet.py',
    './_base_/coco-tiny_semantic.py',
    './_base_/schedule_segmentation.py',
    './_base_/runtime.py',
]

model = dict(
    data_preprocessor=_base_.data_preprocessor,
    decode_head=dict(num_classes=_base_.num_classes))
