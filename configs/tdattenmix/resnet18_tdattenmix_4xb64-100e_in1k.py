_base_ = [
    '../vanilla/resnet18_vanilla_4xb64-100e_in1k.py',
    '../_base_/mixing/tdattenmix_cnn.py',
]

model = dict(
    train_cfg=_base_.mixing,
    head=dict(label_rule=_base_.label_rule, mix_losses=_base_.mix_losses))
