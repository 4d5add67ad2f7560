# resnet_cifar10-5000_mixers.py for those without a GPU: half the width and a
# quarter of the images make a training of some minutes on one CPU core.
_base_ = [
    './resnet_cifar10-5000_mixers.py',
    '../../_base_/tables/narrow_resnet.py',
]

_small = {
    **_base_.narrow,
    'train_dataloader.dataset.num_images': 1250,
    'train_cfg.val_interval': 25,
}

runs = {
    row: dict(run, options={
        **_small,
        **run.get('options', {})
    })
    for row, run in _base_.runs.items()
}
