# MixPro, Table 3: Segmenter's mask transformer. The paper gives no settings:
# the decoder and SGD are mmseg's for Segmenter, crops and the sliding test
# mmseg's for Pascal Context. Batch size and number of iterations are
# Segmenter's for this data set: 256 epochs of 4998 images in batches of 16.
_base_ = [
    'mmseg::_base_/models/segmenter_vit-b16_mask.py',
    '../_base_/backbones/deit-small.py',
    '../_base_/segmentation_pascal-context.py',
    'mmseg::_base_/schedules/schedule_80k.py',
]

model = dict(
    data_preprocessor=dict(
        size=_base_.crop_size,
        # as in our pretraining, not as for the ViT that mmseg starts from
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375]),
    pretrained=None,
    backbone=dict(
        _base_.backbone,
        img_size=_base_.crop_size,
        out_indices=[11],
        init_cfg=dict(
            _base_.backbone.init_cfg,
            checkpoint='work_dirs/'
            'deit-small_mixpro_8xb128-warm20-300e_in1k/epoch_300.pth')),
    decode_head=dict(
        in_channels=384,
        channels=384,
        embed_dims=384,
        num_heads=6,
        num_classes=_base_.num_classes),
    test_cfg=dict(crop_size=_base_.crop_size, stride=(320, 320)))

optim_wrapper = dict(optimizer=dict(lr=0.001, weight_decay=0.0))
auto_scale_lr = dict(enable=False, base_batch_size=16)
