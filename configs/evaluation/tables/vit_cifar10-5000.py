# A small ViT from scratch on every tenth image of CIFAR-10, 100 epochs;
# docs/results/small-data.md is the protocol.
seeds = [0, 1]

runs = {
    row:
    dict(config=f'{folder}/vit-xs_{method}_1xb100-100e_cifar10-jpg-5000.py')
    for row, folder, method in [
        ('vanilla', 'vanilla', 'vanilla'),
        ('Mixup', 'mixup', 'mixup'),
        ('CutMix', 'cutmix', 'cutmix'),
        ('Mixup + CutMix', 'mixup_cutmix', 'mixup-cutmix'),
        ('TransMix', 'transmix', 'transmix'),
        ('MixPro', 'mixpro', 'mixpro'),
        ('SMMix', 'smmix', 'smmix'),
        ('TdAttenMix', 'tdattenmix', 'tdattenmix'),
    ]
}
