# MixPro, Table 2, "Baseline": Mixup alone, in every iteration. The paper does
# not say so, but Mixup and CutMix together are 1.2 better there, and "Mixup is
# default used" in its ablations (A.1).
_base_ = '../mixup_cutmix/deit-small_mixup-cutmix_8xb128-warm20-300e_in1k.py'

model = dict(train_cfg=dict(augments=_base_.mixing.augments[:1], probs=[1.0]))
