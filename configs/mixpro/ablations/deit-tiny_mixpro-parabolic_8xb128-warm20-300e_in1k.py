# Table 10, third row: alpha is parabolic
_base_ = '../deit-tiny_mixpro_8xb128-warm20-300e_in1k.py'

model = dict(head=dict(label_rule=dict(progress='parabolic')))
