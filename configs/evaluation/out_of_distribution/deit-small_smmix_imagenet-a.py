# ImageNet-A: SMMix, Table 5; columns of TdAttenMix, Table 3, and of MixPro,
# Table 5. For another model, inherit from its config.
_base_ = '../../smmix/deit-small_smmix_8xb128-300e_in1k.py'

test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmmix.ImageNetA',
        data_root='data/imagenet-a',
        test_mode=True,
        pipeline=_base_.test_pipeline))
test_evaluator = [
    dict(type='mmmix.SubsetAccuracy'),
    dict(type='mmmix.CalibrationError'),
    dict(type='mmmix.AURRA'),
]
