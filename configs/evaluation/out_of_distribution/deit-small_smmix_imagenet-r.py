# ImageNet-R(endition): SMMix, Table 5
_base_ = '../../smmix/deit-small_smmix_8xb128-300e_in1k.py'

test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmmix.ImageNetR',
        data_root='data/imagenet-r',
        test_mode=True,
        pipeline=_base_.test_pipeline))
test_evaluator = [dict(type='mmmix.SubsetAccuracy')]
