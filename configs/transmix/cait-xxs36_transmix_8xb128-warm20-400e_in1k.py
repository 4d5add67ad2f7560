_base_ = [
    '../vanilla/cait-xxs36_vanilla_8xb128-warm20-400e_in1k.py',
    '../_base_/mixing/transmix.py',
]

model = dict(train_cfg=_base_.mixing, head=dict(label_rule=_base_.label_rule))
