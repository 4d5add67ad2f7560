_base_ = [
    '../vanilla/vit-xs_vanilla_1xb100-100e_cifar10-jpg-5000.py',
    '../_base_/mixing/tokenlabel.py',
]

model = dict(
    train_cfg=dict(
        augments=[
            dict(type='mmmix.ReLabel', mixer=dict(type='mmmix.MixToken')),
            dict(type='mmmix.ReLabel')
        ],
        probs=_base_.mixing.probs,
        guide=_base_.mixing.guide),
    head=dict(mix_losses=_base_.mix_losses))
