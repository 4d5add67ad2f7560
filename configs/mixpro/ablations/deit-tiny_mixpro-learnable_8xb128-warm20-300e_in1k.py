# Table 10, fourth row: alpha is learned
_base_ = '../deit-tiny_mixpro_8xb128-warm20-300e_in1k.py'

model = dict(head=dict(label_rule=dict(progress='learnable')))

# alpha is one parameter of the model; weight decay would pull it to 0.5
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'head.label_rule': dict(decay_mult=0.0)}))
