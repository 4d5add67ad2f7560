# How many epochs the quickstart takes: chosen with other seeds and images than
# it prints; docs/results/quickstart.md says by which rule.
seeds = [10, 11, 12]

runs = {
    f'{epochs} epochs: {row}':
    dict(
        config=f'{method}/vit-xxs_{method}_1xb64-120e_synthetic-250.py',
        options={
            'val_dataloader.dataset.num_images': 4000,
            'val_dataloader.dataset.seed': 0,
            'train_cfg.max_epochs': epochs,
            'train_cfg.val_interval': epochs // 4,
            'default_hooks.checkpoint.interval': epochs,
        },
        grid=('250 images', epochs, row))
    for epochs in (80, 120, 160)
    for row, method in (('no mixing', 'vanilla'), ('CutMix', 'cutmix'),
                        ('SMMix', 'smmix'))
}
