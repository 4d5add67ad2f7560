# MixPro, Table 3: the linear decoder, "a point-wise linear layer" on the patch
# tokens. mmseg implements it as an FCN head without convolutions. Everything
# else is as with the mask transformer.
_base_ = './segmenter_deit-small_4xb4-80k_pascal-context-480x480.py'

model = dict(
    decode_head=dict(
        _delete_=True,
        type='FCNHead',
        in_channels=384,
        channels=384,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0.0,
        num_classes=_base_.num_classes,
        loss_decode=dict(
            type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)))
