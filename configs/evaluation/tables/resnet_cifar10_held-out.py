# Does a ResNet of half the width, which a CPU trains in minutes, overfit so
# few images that mixing has something to regularise? Asked of training images
# of CIFAR-10 on which no table of 5,000 images or fewer trains, with a seed of
# its own.
_base_ = '../../_base_/tables/narrow_resnet.py'

seeds = [100]

runs = {
    f'{images:,} images, {epochs} epochs: {row}':
    dict(
        config=f'{method}/resnet-xs_{method}_1xb100-100e_cifar10-jpg-5000.py',
        options={
            **_base_.narrow,
            'train_dataloader.dataset.num_images':
            images,
            'train_dataloader.dataset.offset':
            1,
            **({} if epochs == 100 else {
                   'train_cfg.max_epochs': epochs,
                   'train_cfg.val_interval': epochs // 4,
                   'default_hooks.checkpoint.interval': epochs // 4,
               }),
            'val_dataloader.dataset.data_prefix':
            'train',
            'val_dataloader.dataset.num_images':
            5000,
            'val_dataloader.dataset.offset':
            5,
        },
        grid=(f'{images:,} images', epochs, row))
    for images, epochs in ((500, 200), (1250, 100))
    for row, method in (('vanilla', 'vanilla'), ('CutMix', 'cutmix'))
}
