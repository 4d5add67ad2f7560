# Table 6, third row: the labels of TransMix on MaskMix
_base_ = './deit-small_maskmix_8xb128-warm20-300e_in1k.py'

model = dict(
    head=dict(
        label_rule=dict(type='mmmix.TransMixLabel', downsample='nearest')))
