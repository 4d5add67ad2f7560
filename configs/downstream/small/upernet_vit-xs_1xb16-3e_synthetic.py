_base_ = [
    './_base_/vit-xs_upernet.py',
    './_base_/synthetic_semantic.py',
    './_base_/schedule_synthetic.py',
    './_base_/runtime.py',
]

model = dict(
    data_preprocessor=_base_.data_preprocessor,
    # patches of 4 pixels, as in the classification config of this set; the
    # pyramid's strides are 2, 4, 8 and 16
    backbone=dict(
        img_size=32,
        patch_size=4,
        init_cfg=dict(
            checkpoint='work_dirs/vit-xs_smmix_1xb64-10e_synthetic/epoch_10.pth'
        )),
    decode_head=dict(num_classes=_base_.num_classes))

# The learning rate of the decoder is ten times that of the backbone, as on
# coco-tiny.
optim_wrapper = dict(
    optimizer=dict(lr=5e-4),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=10.))))
