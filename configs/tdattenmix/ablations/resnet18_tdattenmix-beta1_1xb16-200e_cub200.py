# Table 6, beta 1: by Eq. 14 the area alone sets lambda; the text below
# the table says the attention
_base_ = '../resnet18_tdattenmix_1xb16-200e_cub200.py'

model = dict(head=dict(label_rule=dict(beta=1.0)))
