# Every mixer on a small CNN, in the regime and with the seeds of
# vit_cifar10-5000.py. Left out: ReLabel and TokenLabel, which need a teacher
# that was trained before, and the methods that need patch tokens.
seeds = [0, 1]

_name = '{}/resnet-xs_{}_1xb100-100e_cifar10-jpg-5000.py'
_cutmix = _name.format('cutmix', 'cutmix')

runs = {
    **{
        row: dict(config=_name.format(method, method))
        for row, method in [
            ('vanilla', 'vanilla'),
            ('CutMix', 'cutmix'),
            ('ManifoldMix', 'manifoldmix'),
            ('FMix', 'fmix'),
            ('SmoothMix', 'smoothmix'),
            ('GridMixup', 'gridmixup'),
            ('GridMix', 'gridmix'),
            ('PatchMix', 'patchmix'),
            ('SaliencyMix', 'saliencymix'),
            ('PuzzleMix', 'puzzlemix'),
            ('Co-Mixup', 'comixup'),
            ('AutoMix', 'automix'),
            ('TokenMix', 'tokenmix'),
            ('SMMix, consistency alone', 'smmix'),
        ]
    },
    **{
        row: dict(
            config=_cutmix, options={'model.train_cfg.augments': [mixer]})
        for row, mixer in [
            ('Mixup', dict(type='mmmix.Mixup', alpha=0.8)),
            ('ResizeMix', dict(type='mmmix.ResizeMix')),
        ]
    },
}
