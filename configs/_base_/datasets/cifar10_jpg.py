# CIFAR-10 as folders of JPEG files: a lossy copy, to be named beside any
# number. The classes are the folders in sorted order, as in CIFAR-10.
_base_ = 'cifar10.py'

data_preprocessor = dict(to_rgb=True)  # files are loaded in BGR

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CustomDataset',
        data_root='data/cifar10-jpg',
        data_prefix='train',
        pipeline=[dict(type='mmmix.LoadImage'), *_base_.train_pipeline]))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CustomDataset',
        data_root='data/cifar10-jpg',
        data_prefix='test',
        test_mode=True,
        pipeline=[dict(type='mmmix.LoadImage'), *_base_.test_pipeline]))
test_dataloader = val_dataloader
