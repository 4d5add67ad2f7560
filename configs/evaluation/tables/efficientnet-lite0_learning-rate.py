# The learning rate of efficientnet-lite0_tiny-imagenet-25x40.py, chosen on
# training images that it does not use, with another seed.
seeds = [100]

runs = {
    f'lr {lr}':
    dict(
        config='vanilla/'
        'efficientnet-lite0_vanilla_1xb50-30e_tiny-imagenet-25x40.py',
        options={
            'optim_wrapper.optimizer.lr': lr,
            'val_dataloader.dataset.split': 'train',
            'val_dataloader.dataset.images_per_class': [40, 80],
        })
    for lr in (0.003, 0.01, 0.03, 0.1)
}
