# TokenMix in half of the iterations: the protocol of the small sets, which
# cutmix.py explains. Rectangles of patches, as many as a number from Beta(1,
# 1) says. The class attention of the model itself stands for the paper's
# teacher. The weights of the two labels need not sum to 1, so the loss is a
# binary cross-entropy, averaged over the images and the ten classes as in the
# public code. Use as `model.train_cfg`, `model.head.label_rule` and
# `model.head.loss`.
mixing = dict(
    augments=[
        dict(type='mmmix.MaskMix', strategy='block', scale=1, patch_size=4)
    ],
    probs=[0.5],
    guide=dict(
        type='mmmix.SelfGuide',
        attention_map=dict(type='mmmix.ClassAttention')))

label_rule = dict(type='mmmix.TokenMixLabel')

loss = dict(use_sigmoid=True, loss_weight=0.1)
