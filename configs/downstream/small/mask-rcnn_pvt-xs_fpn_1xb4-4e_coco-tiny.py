_base_ = [
    './_base_/pvt-xs_mask-rcnn.py',
    './_base_/coco-tiny_instances.py',
    './_base_/schedule_detection.py',
    './_base_/runtime.py',
]

model = dict(
    data_preprocessor=_base_.data_preprocessor,
    roi_head=dict(
        bbox_head=dict(num_classes=_base_.num_classes),
        mask_head=dict(num_classes=_base_.num_classes)))
