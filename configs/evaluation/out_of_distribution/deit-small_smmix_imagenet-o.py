# ImageNet-O: AUPR of TdAttenMix, Table 3, and MixPro, Table 5, against the
# validation images of the same 200 classes, as its authors do
_base_ = '../../smmix/deit-small_smmix_8xb128-300e_in1k.py'

outside = dict(
    type='mmmix.ImageNetO',
    data_root='data/imagenet-o',
    test_mode=True,
    pipeline=_base_.test_pipeline)
inside = dict(
    type='mmmix.WnidImages',
    data_root='data/imagenet/val',
    classes_of=outside['data_root'],
    test_mode=True,
    pipeline=_base_.test_pipeline)
test_dataloader = dict(
    dataset=dict(
        _delete_=True, type='ConcatDataset', datasets=[inside, outside]))
test_evaluator = [dict(type='mmmix.OODDetection')]
