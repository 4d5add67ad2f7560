# Table 9, first row: the guide is a pretrained DeiT-T. Its config and weights
# are MMPretrain's; the weights are downloaded when the model is built.
_base_ = '../deit-tiny_smmix_8xb128-300e_in1k.py'

model = dict(
    train_cfg=dict(
        guide=dict(
            type='mmmix.FrozenGuide',
            config='mmpretrain::deit/deit-tiny_4xb256_in1k.py',
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/deit/'
            'deit-tiny_pt-4xb256_in1k_20220218-13b382a0.pth')))
