# Table 10, second row: alpha is linear
_base_ = '../deit-tiny_mixpro_8xb128-warm20-300e_in1k.py'

model = dict(head=dict(label_rule=dict(progress='linear')))
