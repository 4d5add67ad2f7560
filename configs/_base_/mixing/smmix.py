# SMMix alone in half of the iterations: the counterpart of cutmix.py, which
# says why, with SMMix's two losses on the batches that it mixed (Eq. 15). To
# be used as `model.train_cfg` and `model.head.mix_losses`.
mixing = dict(augments=[dict(type='mmmix.SMMix')], probs=[0.5])

mix_losses = dict(
    fine=dict(
        type='mmmix.FineGrainedLoss', loss_weight=1.0,
        label_smooth=0.1),  # the authors' public code; the paper does not say
    consistency=dict(type='mmmix.ConsistencyLoss', loss_weight=1.0))
