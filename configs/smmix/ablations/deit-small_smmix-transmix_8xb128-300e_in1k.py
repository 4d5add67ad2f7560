# Table 6, first row: the labels of TransMix on SMMix's regions
_base_ = '../deit-small_smmix_8xb128-300e_in1k.py'

model = dict(
    head=dict(
        label_rule=dict(type='mmmix.TransMixLabel', downsample='nearest')))
