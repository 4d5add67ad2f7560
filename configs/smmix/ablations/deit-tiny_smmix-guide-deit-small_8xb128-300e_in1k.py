# Table 9, second row: the guide is a pretrained DeiT-S. Its config and weights
# are MMPretrain's; the weights are downloaded when the model is built.
_base_ = '../deit-tiny_smmix_8xb128-300e_in1k.py'

model = dict(
    train_cfg=dict(
        guide=dict(
            type='mmmix.FrozenGuide',
            config='mmpretrain::deit/deit-small_4xb256_in1k.py',
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/deit/'
            'deit-small_pt-4xb256_in1k_20220218-9425b9bb.pth')))
