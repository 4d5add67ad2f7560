# TokenLabel: the labels of relabel.py, and a label for each place in every
# batch, classified by a layer of its own, with weight 1 and smoothed, as in
# the public code. CutMix in half of the iterations; on a ViT MixToken. Use
# as `model.train_cfg` and `model.head.mix_losses`.
_base_ = './relabel.py'

mix_losses = dict(
    dense=dict(
        type='mmmix.DenseLabelLoss',
        loss_weight=1.0,
        target='label_maps',
        label_smooth=0.1,
        second_classifier=True,
        batches='all'))
