# Table 5, sigma 0: bottom-up attention alone
_base_ = '../resnet18_tdattenmix_1xb16-200e_cub200.py'

model = dict(train_cfg=dict(guide=dict(attention_map=dict(sigma=0.0))))
