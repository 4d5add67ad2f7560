# Table 6, second row: the labels of TokenMix on SMMix's regions. How the paper
# made its maps and its loss for them is not said; these are TokenMix's. Beside
# this loss, which reads the logits by sigmoid, SMMix's own do not apply.
_base_ = '../../tokenmix/deit-small_tokenmix_8xb128-300e_in1k.py'

model = dict(
    train_cfg=dict(
        augments=[
            dict(type='mmmix.SMMix'),
            dict(type='mmmix.Mixup', alpha=0.8),
        ],
        guide=dict(
            _delete_=True,
            label_maps=dict(
                type='mmmix.LabelMapGuide', grid=14, extent='centre'))),
    head=dict(label_rule=dict(maps='label_maps')))

custom_hooks = []  # without the moving average of TokenMix
