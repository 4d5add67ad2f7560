# Table 6, beta 0: by Eq. 14 the attention alone sets lambda; the text
# below the table says the area
_base_ = '../resnet18_tdattenmix_1xb16-200e_cub200.py'

model = dict(head=dict(label_rule=dict(beta=0.0)))
