# When does mixing help? Images x epochs of a small ViT on CIFAR-10;
# docs/results/small-data.md is the protocol.
seeds = [0]

_epochs = {1250: (20, 100, 300), 5000: (20, 100, 300), 20000: (20, 100)}
_methods = {
    'vanilla': ('vanilla', {}),
    'CutMix': ('cutmix', {}),
    'CutMix, always': ('cutmix', {
        'model.train_cfg.probs': [1.0]
    }),
    'SMMix': ('smmix', {}),
}


def _options(images, epochs):
    """What differs from 5,000 images and 100 epochs."""
    return {
        **({} if images == 5000 else {
               'train_dataloader.dataset.num_images': images
           }),
        **({} if epochs == 100 else {
               'train_cfg.max_epochs': epochs,
               'train_cfg.val_interval': epochs // 10,
               'default_hooks.checkpoint.interval': epochs // 10,
           })
    }


runs = {
    f'{images} images, {epochs} epochs: {row}':
    dict(
        config=f'{method}/vit-xs_{method}_1xb100-100e_cifar10-jpg-5000.py',
        options={
            **_options(images, epochs),
            **options
        },
        grid=(f'{images:,} images', epochs, row))
    for images in _epochs
    for epochs in _epochs[images]
    for row, (method, options) in _methods.items()
}
