# Table 6, beta 0.3
_base_ = '../resnet18_tdattenmix_1xb16-200e_cub200.py'

model = dict(head=dict(label_rule=dict(beta=0.3)))
