# Table 6, second row: the labels of TokenMix on SMMix's regions. How the paper
# made its maps and its loss for them is not said; these are TokenMix's.
_base_ = [
    '../deit-small_smmix_8xb128-300e_in1k.py',
    '../../_base_/mixing/tokenmix_nfnet.py',
]

model = dict(
    train_cfg=dict(
        guide=dict(
            label_maps=dict(
                type='mmmix.LabelMapGuide', grid=14, extent='centre'))),
    head=dict(
        label_rule=dict(
            type='mmmix.TokenMixLabel', maps='label_maps', split_smooth=0.1),
        loss=_base_.loss,
        # they read the logits by softmax, and TokenMix's loss by sigmoid
        mix_losses=None))

custom_hooks = []  # without the moving average of TokenMix

train_dataloader = dict(dataset=dict(pipeline=_base_.label_map_pipeline))
