# Every mixer that a small ViT can train with, in the regime and with the
# seeds of vit_cifar10-5000.py, whose runs are not repeated. Left out: ReLabel
# and TokenLabel, which need a teacher that was trained before.
_base_ = './vit_cifar10-5000.py'

_name = '{}/vit-xs_{}_1xb100-100e_cifar10-jpg-5000.py'
_cutmix = _name.format('cutmix', 'cutmix')

runs = {
    row: dict(config=_name.format(method.replace('-', '_'), method))
    for row, method in [
        ('ManifoldMix', 'manifoldmix'),
        ('MixToken', 'mixtoken'),
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
        ('Attentive CutMix', 'attentive-cutmix'),
    ]
}
runs['ResizeMix'] = dict(
    config=_cutmix,
    options={'model.train_cfg.augments': [dict(type='mmmix.ResizeMix')]})
