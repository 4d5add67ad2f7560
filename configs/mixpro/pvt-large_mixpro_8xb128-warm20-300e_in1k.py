_base_ = [
    '../vanilla/pvt-large_vanilla_8xb128-warm20-300e_in1k.py',
    '../_base_/mixing/mixpro.py',
]

model = dict(train_cfg=_base_.mixing, head=dict(label_rule=_base_.label_rule))
