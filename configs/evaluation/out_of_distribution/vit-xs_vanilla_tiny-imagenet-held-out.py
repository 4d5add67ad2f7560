# A small replacement for ImageNet-O: the validation images of the 25 classes
# of Tiny-ImageNet that the model is trained on against those of the other 175
_base_ = '../../vanilla/vit-xs_vanilla_1xb128-15e_tiny-imagenet-25.py'

wnids = [
    'n01443537', 'n01629819', 'n01641577', 'n01644900', 'n01698640',
    'n01742172', 'n01768244', 'n01770393', 'n01774384', 'n01774750',
    'n01784675', 'n01855672', 'n01882714', 'n01910747', 'n01917289',
    'n01944390', 'n01945685', 'n01950731', 'n01983481', 'n01984695',
    'n02002724', 'n02056570', 'n02058221', 'n02074367', 'n02085620'
]
inside = dict(
    type='mmmix.WnidImages',
    data_root='data/tiny-imagenet-200/val',
    data_prefix='images',
    ann_file='val_annotations.txt',
    wnids=wnids,
    keep='known',
    test_mode=True,
    pipeline=_base_.test_pipeline)
outside = dict(inside, keep='unknown')
test_dataloader = dict(
    dataset=dict(
        _delete_=True, type='ConcatDataset', datasets=[inside, outside]))
test_evaluator = [dict(type='mmmix.OODDetection')]
