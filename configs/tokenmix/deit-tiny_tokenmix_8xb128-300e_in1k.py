_base_ = [
    '../vanilla/deit-tiny_vanilla_8xb128-300e_in1k.py',
    '../_base_/mixing/tokenmix_nfnet.py',
]

model = dict(
    train_cfg=_base_.mixing,
    head=dict(label_rule=_base_.label_rule, loss=_base_.loss))

train_dataloader = dict(dataset=dict(pipeline=_base_.label_map_pipeline))
