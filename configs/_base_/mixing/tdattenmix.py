# Max-min regions by top-down guided attention, area-attention labels, and
# SMMix's two losses with L1 for the consistency (TdAttenMix, Eq. 3-20). The
# paper does not say how often it mixes: as SMMix, in half of the iterations,
# with Mixup in the others, as in the authors' public code. The model guides
# itself, as in the paper; the public code uses a pretrained AbSViT. Use as
# `model.train_cfg`, `model.head.label_rule` and `model.head.mix_losses`.
_base_ = './smmix_mixup.py'

mixing = dict(
    guide=dict(
        type='mmmix.SelfGuide',
        attention_map=dict(type='mmmix.TopDown', sigma=1.0)))

label_rule = dict(type='mmmix.AreaAttentionLabel', beta=0.5)

mix_losses = dict(consistency=dict(distance='l1'))
