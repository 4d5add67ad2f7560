# The labels of the authors' public code: the attention is normalised and
# averaged with the area
_base_ = './deit-small_transmix_8xb128-warm20-300e_in1k.py'

model = dict(head=dict(label_rule=dict(normalize=True, area_weight=0.5)))
