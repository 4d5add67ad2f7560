# vit_cifar10_grid.py with a small ResNet
_base_ = './vit_cifar10_grid.py'

runs = {
    row: dict(run, config=run['config'].replace('vit-xs_', 'resnet-xs_'))
    for row, run in _base_.runs.items()
}
