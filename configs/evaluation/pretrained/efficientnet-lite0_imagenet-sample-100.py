# EfficientNet-Lite0 with its ImageNet-1k weights on photographs in folders
# named by wnid, of any of ImageNet's classes.
_base_ = './efficientnet-lite0_in1k.py'

val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmmix.WnidImages',
        data_root='data/imagenet-sample-100',
        test_mode=True,
        pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
