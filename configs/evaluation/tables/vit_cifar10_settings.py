# Learning rate, alpha and probability with and without mixing, in the regime
# of vit_cifar10-5000.py, but with other seeds and judged by training images
# on which no table of 5,000 images or fewer trains.
seeds = [100, 101]

_held_out = {
    'train_dataloader.dataset.offset': 1,
    'val_dataloader.dataset.data_prefix': 'train',
    'val_dataloader.dataset.num_images': 5000,
    'val_dataloader.dataset.offset': 5,
}
_rate = 'optim_wrapper.optimizer.lr'

runs = {
    row:
    dict(
        config=f'{method}/vit-xs_{method}_1xb100-100e_cifar10-jpg-5000.py',
        options={
            **_held_out,
            **options
        })
    for row, method, options in [
        ('vanilla', 'vanilla', {}),
        ('vanilla, learning rate 5e-4', 'vanilla', {
            _rate: 5e-4
        }),
        ('vanilla, learning rate 8e-3', 'vanilla', {
            _rate: 8e-3
        }),
        ('CutMix', 'cutmix', {}),
        ('CutMix, learning rate 5e-4', 'cutmix', {
            _rate: 5e-4
        }),
        ('CutMix, learning rate 8e-3', 'cutmix', {
            _rate: 8e-3
        }),
        ('CutMix, alpha 0.2', 'cutmix', {
            'model.train_cfg.augments': [dict(type='mmmix.CutMix', alpha=.2)]
        }),
        ('CutMix, always', 'cutmix', {
            'model.train_cfg.probs': [1.]
        }),
        ('SMMix', 'smmix', {}),
        ('SMMix, learning rate 5e-4', 'smmix', {
            _rate: 5e-4
        }),
        ('SMMix, learning rate 8e-3', 'smmix', {
            _rate: 8e-3
        }),
    ]
}
