# GridMix (Baek et al.) in half of the iterations: the protocol of the small
# sets, which cutmix.py explains. 4 x 4 cells of a 32 pixel image, one for each
# place of the small ResNet's last feature map; the places are classified by a
# layer of their own, as in the paper. Its number of cells, its ratio and the
# weight of its local loss could not be read. Use as `model.train_cfg` and
# `model.head.mix_losses`.
mixing = dict(
    augments=[
        dict(type='mmmix.MaskMix', scale=1, patch_size=8, pairing='shuffle')
    ],
    probs=[0.5])

mix_losses = dict(
    dense=dict(
        type='mmmix.DenseLabelLoss',
        loss_weight=1.0,
        second_classifier=True,
        # as the classification loss
        label_smooth=0.1))
