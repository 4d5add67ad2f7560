# vit_cifar10_settings.py with 1,250 images, in a quarter of the time
_base_ = './vit_cifar10_settings.py'

runs = {
    row:
    dict(
        run,
        options={
            **run['options'],
            'train_dataloader.dataset.num_images': 1250,
        })
    for row, run in _base_.runs.items()
}
