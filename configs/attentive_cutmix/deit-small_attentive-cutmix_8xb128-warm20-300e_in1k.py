# MixPro, Table 2: it replaces CutMix in DeiT's recipe. The 46 M parameters in
# the table are those of DeiT-S and of a ResNet-50 without its classifier. The
# number of cells is that of the Attentive CutMix paper.
_base_ = [
    '../vanilla/deit-small_vanilla_8xb128-warm20-300e_in1k.py',
    '../_base_/mixing/attentive_cutmix_resnet50.py',
]

model = dict(
    train_cfg=dict(
        _base_.mixing,
        augments=[
            dict(type='mmmix.Mixup', alpha=0.8),
            dict(type='mmmix.AttentiveCutMix', num_cells=6),
        ],
        probs=[0.5, 0.5]))
