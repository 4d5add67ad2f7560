_base_ = [
    '../vanilla/pvt-small_vanilla_8xb128-300e_in1k.py',
    '../_base_/mixing/smmix_mixup.py',
]

model = dict(train_cfg=_base_.mixing, head=dict(mix_losses=_base_.mix_losses))
