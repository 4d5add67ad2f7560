# Max-min regions by top-down guided attention, area-attention labels, and
# SMMix's two losses with L1 for the consistency (TdAttenMix, Eq. 3-20). How
# often it mixes, the paper does not say: as SMMix, with Mixup in the other
# half of the iterations, which is what the authors' public code does. The
# model guides itself, by the paper's text; the public code takes a pretrained
# AbSViT. To be used as `model.train_cfg`, `model.head.label_rule` and
# `model.head.mix_losses`.
_base_ = './smmix_mixup.py'

mixing = dict(
    guide=dict(
        type='mmmix.SelfGuide',
        attention_map=dict(type='mmmix.TopDown', sigma=1.0)))

label_rule = dict(type='mmmix.AreaAttentionLabel', beta=0.5)

mix_losses = dict(consistency=dict(distance='l1'))
