# TokenMix by its authors' code: 112 of 196 patches, weighed by the label maps
# of NFNet-F6 that TokenLabeling publishes, or Mixup. The code hands image and
# map to RandAugment; here maps follow crops and flips alone, so the policies
# that move pixels are left out. Maps are cut with the crop's axes in order,
# and as the centred squares that they are. Use as `model.train_cfg`,
# `model.head.label_rule`, `model.head.loss`, `custom_hooks` and, in the place
# of the pipeline, `label_map_pipeline`.
mixing = dict(
    augments=[
        dict(type='mmmix.MaskMix', strategy='block', scale=1, tau=112 / 196),
        dict(type='mmmix.Mixup', alpha=0.8),
    ],
    probs=[0.5, 0.5],
    guide=dict(
        attention=dict(type='mmmix.LabelMapGuide', grid=14, extent='centre')))

label_rule = dict(type='mmmix.TokenMixLabel', split_smooth=0.1)

loss = dict(use_sigmoid=True, loss_weight=1 / 1000)

custom_hooks = [dict(type='EMAHook', momentum=4e-5, priority='ABOVE_NORMAL')]

# DeiT's pipeline, with the maps
label_map_pipeline = [
    dict(type='mmmix.LoadImage'),
    dict(
        type='mmmix.LoadLabelMap',
        root='data/label_top5_train_nfnet',
        num_classes=1000),
    dict(
        type='mmmix.RandomResizedCrop',
        scale=224,
        backend='pillow',
        interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(
        type='RandAugment',
        policies=[
            dict(type='AutoContrast'),
            dict(type='Equalize'),
            dict(type='Invert'),
            dict(type='Posterize', magnitude_range=(4, 0)),
            dict(type='Solarize', magnitude_range=(256, 0)),
            dict(type='SolarizeAdd', magnitude_range=(0, 110)),
            dict(type='ColorTransform', magnitude_range=(0, 0.9)),
            dict(type='Contrast', magnitude_range=(0, 0.9)),
            dict(type='Brightness', magnitude_range=(0, 0.9)),
            dict(type='Sharpness', magnitude_range=(0, 0.9)),
        ],
        num_policies=2,
        total_level=10,
        magnitude_level=9,
        magnitude_std=0.5),
    dict(
        type='RandomErasing',
        erase_prob=0.25,
        mode='rand',
        min_area_ratio=0.02,
        max_area_ratio=1 / 3,
        fill_color=[103.53, 116.28, 123.675],
        fill_std=[57.375, 57.12, 58.395]),
    dict(type='PackInputs', algorithm_keys=('label_map', 'crop_box')),
]
