# How many images and epochs the quickstart takes: chosen with other seeds than
# it prints; docs/results/quickstart.md says by which rule. Its ViT has two
# thirds of the layers and a quarter of the tokens of vit-xs, so that six
# minutes are enough to overfit.
seeds = [10, 11, 12]

runs = {
    f'{images} images, {epochs} epochs: {row}':
    dict(
        config=f'{method}/vit-xs_{method}_1xb64-10e_synthetic.py',
        options={
            'model.backbone.patch_size': 8,
            'model.backbone.arch.num_layers': 4,
            'train_dataloader.dataset.num_images': images,
            'val_dataloader.dataset.num_images': 4000,
            'train_cfg.max_epochs': epochs,
            'train_cfg.val_interval': epochs // 4,
            'default_hooks.checkpoint.interval': epochs,
        },
        grid=(f'{images} images', epochs, row))
    for images, epochs in ((250, 120), (250, 160), (500, 60), (500, 80),
                           (500, 100))
    for row, method in (('no mixing', 'vanilla'), ('CutMix', 'cutmix'),
                        ('SMMix', 'smmix'))
}
