# Short trainings of small ViTs from scratch. The batch is the data set's, and
# the config that puts both together says so to --auto-scale-lr.
_base_ = './imagenet_bs1024_adamw_300e.py'

optim_wrapper = dict(
    optimizer=dict(lr=2e-3),
    # at such a learning rate
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
