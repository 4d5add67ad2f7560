# Table 9, second row: a pretrained DeiT-S guides. Its configuration and
# weights are MMPretrain's, downloaded when the model is built.
_base_ = '../deit-tiny_smmix_8xb128-300e_in1k.py'

model = dict(
    train_cfg=dict(
        guide=dict(
            type='mmmix.FrozenGuide',
            config='mmpretrain::deit/deit-small_4xb256_in1k.py',
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/deit/'
            'deit-small_pt-4xb256_in1k_20220218-9425b9bb.pth')))
