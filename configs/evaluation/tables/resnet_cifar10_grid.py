# vit_cifar10_grid.py with a ResNet of half the width of resnet-xs, as in
# resnet_cifar10-1250_mixers.py: a CPU trains its smaller cells in minutes
_base_ = ['./vit_cifar10_grid.py', '../../_base_/tables/narrow_resnet.py']

runs = {
    row:
    dict(
        run,
        config=run['config'].replace('vit-xs_', 'resnet-xs_'),
        options={
            **_base_.narrow,
            **run['options'],
            'train_cfg.val_interval': run['grid'][1] // 2,
        })
    for row, run in _base_.runs.items()
}
