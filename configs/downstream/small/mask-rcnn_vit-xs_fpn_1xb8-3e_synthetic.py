_base_ = [
    './_base_/vit-xs_mask-rcnn.py',
    './_base_/synthetic_instances.py',
    './_base_/schedule_synthetic.py',
    './_base_/runtime.py',
]

strides = [2, 4, 8, 16]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    # patches of 4 pixels, as in the classification config of this set
    backbone=dict(
        img_size=32,
        patch_size=4,
        init_cfg=dict(
            checkpoint='work_dirs/vit-xs_smmix_1xb64-10e_synthetic/epoch_10.pth'
        )),
    # The features of a trained ViT are several times as large as those of a
    # random one, and so are the first losses; with norms they start equal.
    neck=[
        _base_.model.neck[0],
        dict(_base_.model.neck[1], norm_cfg=dict(type='BN')),
    ],
    rpn_head=dict(anchor_generator=dict(strides=[*strides, 32])),
    roi_head=dict(
        bbox_roi_extractor=dict(featmap_strides=strides, finest_scale=14),
        mask_roi_extractor=dict(featmap_strides=strides, finest_scale=14),
        bbox_head=dict(num_classes=_base_.num_classes),
        mask_head=dict(num_classes=_base_.num_classes)),
    # one object in each image: fewer proposals and regions
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=200, max_per_img=50),
        rcnn=dict(sampler=dict(num=32))),
    test_cfg=dict(
        rpn=dict(nms_pre=200, max_per_img=50), rcnn=dict(max_per_img=10)))

# The losses of such a small detector are unstable at a higher learning rate,
# and the backbone has a lower one than the parts that start from random
# weights.
optim_wrapper = dict(
    optimizer=dict(lr=3e-4),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))))
