# How many epochs the quickstart takes: chosen with other seeds than it prints;
# docs/results/quickstart.md says by which rule. Its ViT has two thirds of the
# layers and a quarter of the tokens of vit-xs, so that six minutes are enough
# to overfit, and half the learning rate of the small schedules, because at
# 2e-3 its seeds differ by up to ten points.
seeds = [10, 11, 12]

runs = {
    f'{epochs} epochs: {row}':
    dict(
        config=f'{method}/vit-xs_{method}_1xb64-10e_synthetic.py',
        options={
            'model.backbone.patch_size': 8,
            'model.backbone.arch.num_layers': 4,
            'optim_wrapper.optimizer.lr': 1e-3,
            'train_dataloader.dataset.num_images': 250,
            'val_dataloader.dataset.num_images': 4000,
            'train_cfg.max_epochs': epochs,
            'train_cfg.val_interval': epochs // 4,
            'default_hooks.checkpoint.interval': epochs,
        },
        grid=('250 images', epochs, row))
    for epochs in (80, 120, 160)
    for row, method in (('no mixing', 'vanilla'), ('CutMix', 'cutmix'),
                        ('SMMix', 'smmix'))
}
