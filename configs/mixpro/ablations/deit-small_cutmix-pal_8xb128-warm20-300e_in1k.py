# Table 6, fourth row: progressive labels on CutMix
_base_ = [
    '../../vanilla/deit-small_vanilla_8xb128-warm20-300e_in1k.py',
    '../../_base_/mixing/mixup_cutmix.py',
]

model = dict(
    train_cfg=_base_.mixing,
    head=dict(
        label_rule=dict(
            type='mmmix.ProgressiveAttentionLabel', downsample='nearest')))
