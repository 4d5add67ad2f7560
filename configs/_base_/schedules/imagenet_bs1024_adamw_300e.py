# DeiT's recipe, which SMMix follows ("the implementations of the official
# papers", section 5.1; 300 epochs). The rest is from the authors' public
# code: no EMA, no random erasing (see the data set).
optim_wrapper = dict(
    constructor='mmmix.MergedParamGroups',
    optimizer=dict(type='AdamW', lr=5e-4 * 1024 / 512, weight_decay=0.05),
    # no weight decay for bias, norm, layer scale, class token and positions,
    # as in DeiT, CaiT and Swin
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        flat_decay_mult=0.0,
        custom_keys={
            '.cls_token': dict(decay_mult=0.0),
            '.pos_embed': dict(decay_mult=0.0),
            '.relative_position_bias_table': dict(decay_mult=0.0),
            # the position tables of PVT and the convolution over the positions
            # of XCiT decay in the public code of these two; the longest key
            # that fits a name applies
            '.1.0.pos_embed': dict(decay_mult=1.0),
            '.pos_embed.token_projection.conv.weight': dict(decay_mult=1.0)
        }))

param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-3,  # 1e-6 to 1e-3: DeiT's public code
        by_epoch=True,
        end=5,
        convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-5,  # DeiT's public code
        by_epoch=True,
        begin=5)
]

train_cfg = dict(by_epoch=True, max_epochs=300, val_interval=1)
val_cfg = dict()
test_cfg = dict()

# for --auto-scale-lr: the total batch size that the learning rate is for
auto_scale_lr = dict(base_batch_size=1024)
