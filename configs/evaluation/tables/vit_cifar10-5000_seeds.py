# Is SMMix or GridMix better than CutMix in the regime of vit_cifar10-5000.py?
# Two seeds of one method differ there by as much as two methods do.
seeds = [0, 1, 2, 3, 4, 5]

runs = {
    row:
    dict(config=f'{method}/vit-xs_{method}_1xb100-100e_cifar10-jpg-5000.py')
    for row, method in [('CutMix',
                         'cutmix'), ('SMMix', 'smmix'), ('GridMix', 'gridmix')]
}
