# vit_cifar10_grid.py with a ResNet of half the width of resnet-xs, as in
# resnet_cifar10-1250_mixers.py: a CPU trains its smaller cells in minutes
_base_ = './vit_cifar10_grid.py'

_narrow = {
    'model.backbone.stem_channels': 8,
    'model.backbone.base_channels': 8,
    'model.head.in_channels': 64,
}

runs = {
    row:
    dict(
        run,
        config=run['config'].replace('vit-xs_', 'resnet-xs_'),
        options={
            **_narrow,
            **run['options'],
            'train_cfg.val_interval': run['grid'][1] // 2,
        })
    for row, run in _base_.runs.items()
}
