# SMMix alone in half of the iterations: the counterpart of cutmix.py, which
# explains why. SMMix's two losses apply to the batches that it mixed (Eq. 15).
# Use as `model.train_cfg` and `model.head.mix_losses`.
mixing = dict(augments=[dict(type='mmmix.SMMix')], probs=[0.5])

mix_losses = dict(
    fine=dict(
        type='mmmix.FineGrainedLoss',
        loss_weight=1.0,
        # from the authors' public code; the paper does not say
        label_smooth=0.1),
    consistency=dict(type='mmmix.ConsistencyLoss', loss_weight=1.0))
