# Fine-tuning a network that has seen ImageNet on 40 images a class;
# docs/results/small-data.md is the protocol.
seeds = [0, 1, 2]

_name = '{}/efficientnet-lite0_{}_1xb50-30e_tiny-imagenet-25x40.py'
_sigma = 'model.train_cfg.guide.attention_map.sigma'

runs = {
    row:
    dict(config=_name.format(method.replace('-', '_'), method), options=o)
    for row, method, o in [
        ('vanilla', 'vanilla', {}),
        ('Mixup', 'mixup', {}),
        ('CutMix', 'cutmix', {}),
        ('ResizeMix', 'resizemix', {}),
        ('Attentive CutMix', 'attentive-cutmix', {}),
        ('SMMix', 'smmix', {}),
        ('TdAttenMix, sigma 0', 'tdattenmix', {
            _sigma: 0.
        }),
        ('TdAttenMix, sigma 1', 'tdattenmix', {}),
    ]
}
