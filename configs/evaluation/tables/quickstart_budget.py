# How many images and epochs the quickstart takes: chosen with other seeds than
# it prints; docs/results/quickstart.md says by which rule.
seeds = [10, 11, 12]

runs = {
    f'{images} images, {epochs} epochs: {row}':
    dict(
        config=f'{method}/vit-xs_{method}_1xb64-10e_synthetic.py',
        options={
            'train_dataloader.dataset.num_images': images,
            'train_cfg.max_epochs': epochs,
            'train_cfg.val_interval': 10,
            'default_hooks.checkpoint.interval': 10,
        })
    for images in (500, 750, 1000)
    for epochs in (40, 60, 80)
    for row, method in (('CutMix', 'cutmix'), ('SMMix', 'smmix'))
}
