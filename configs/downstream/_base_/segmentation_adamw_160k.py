# mmseg's schedule of UperNet with a transformer: 160k iterations of 16 images.
_base_ = 'mmseg::_base_/schedules/schedule_160k.py'

no_decay = dict(decay_mult=0.)
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(
        type='AdamW', lr=6e-5, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(
        custom_keys={
            'pos_embed': no_decay,
            'cls_token': no_decay,
            'relative_position_bias_table': no_decay,
            'norm': no_decay,
            # the norms of MMPretrain's ViT
            '.ln': no_decay,
        }))
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=1500),
    dict(
        type='PolyLR',
        eta_min=0.,
        power=1.0,
        begin=1500,
        end=160000,
        by_epoch=False),
]
auto_scale_lr = dict(enable=False, base_batch_size=16)
