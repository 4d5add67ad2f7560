# vit_cifar10-5000.py with a quarter of its learning rate: is what mixing gains
# there gained by a lower rate, too?
seeds = [0, 1, 2, 3]

runs = {
    row:
    dict(
        config=f'{method}/vit-xs_{method}_1xb100-100e_cifar10-jpg-5000.py',
        options={'optim_wrapper.optimizer.lr': 5e-4})
    for row, method in [
        ('vanilla', 'vanilla'),
        ('CutMix', 'cutmix'),
        ('SMMix', 'smmix'),
        ('GridMix', 'gridmix'),
    ]
}
