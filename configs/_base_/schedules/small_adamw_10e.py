# Short trainings of small models from scratch. The batch size is set with the
# data set; the config that combines both sets it for --auto-scale-lr.
_base_ = './imagenet_bs1024_adamw_300e.py'

optim_wrapper = dict(
    optimizer=dict(lr=2e-3),
    # needed at this learning rate
    clip_grad=dict(max_norm=5.0))

param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-3,
        by_epoch=True,
        end=1,
        convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-5,
        by_epoch=True,
        begin=1,
        convert_to_iter_based=True)
]

train_cfg = dict(max_epochs=10)
