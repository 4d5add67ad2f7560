_base_ = [
    '../vanilla/vit-xxs_vanilla_1xb64-120e_synthetic-250.py',
    '../_base_/mixing/smmix.py',
]

model = dict(train_cfg=_base_.mixing, head=dict(mix_losses=_base_.mix_losses))
