# PatchMix with random pairs and patterns, in half of the iterations: the
# protocol of the small sets, which cutmix.py explains. 4 x 4 patches of a 32
# pixel image; each pair has a pattern of its own. The paper's number of
# patches, its ratio and the weights of its losses could not be read. Use as
# `model.train_cfg` and `model.head.mix_losses`.
mixing = dict(
    augments=[
        dict(
            type='mmmix.MaskMix',
            scale=1,
            patch_size=8,
            per_image=True,
            pairing='shuffle')
    ],
    probs=[0.5])

mix_losses = dict(
    dense=dict(
        type='mmmix.DenseLabelLoss',
        loss_weight=1.0,
        # as the classification loss
        label_smooth=0.1))
