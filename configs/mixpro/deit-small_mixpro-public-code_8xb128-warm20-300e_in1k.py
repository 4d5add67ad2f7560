# Where the authors' public code differs from the paper: patches of 14 pixels
# and cells of 56, the number of cells rounded up, a mask for each image,
# random pairs, normalised attention in the label, gradient through alpha,
# CutMix with labels by area in a quarter of the iterations, random erasing and
# clipped gradients. It also drops label smoothing in MaskMix's batches only;
# here all batches have it. Its published files have the progressive labels
# switched off; here they are on.
_base_ = [
    '../_base_/models/deit-small.py',
    '../_base_/datasets/imagenet1k_deit_erasing.py',
    '../_base_/schedules/imagenet_bs1024_adamw_warm20_300e.py',
    '../_base_/default_runtime.py',
    '../_base_/mixing/mixpro.py',
]

model = dict(
    backbone=dict(patch_size=14),
    head=dict(
        num_classes=_base_.data_preprocessor.num_classes,
        label_rule=dict(
            _base_.label_rule,
            normalize=True,
            label_smooth=0.1,
            stop_gradient=False)),
    train_cfg=dict(
        augments=[
            dict(
                type='mmmix.MaskMix',
                scale=4,
                patch_size=14,
                rounding='ceil',
                mask_per_image=True,
                pairing='shuffle'),
            *_base_.mixing.augments[1:],
            # MMPretrain's CutMix does not record what it mixed, so its
            # labels stay those by area
            dict(type='mmpretrain.CutMix', alpha=1.0),
        ],
        probs=[0.5, 0.25, 0.25]))
optim_wrapper = dict(clip_grad=dict(max_norm=5.0))
