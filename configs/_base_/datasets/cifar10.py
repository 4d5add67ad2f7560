_base_ = 'mmpretrain::_base_/datasets/cifar10_bs16.py'

# MMPretrain's would download the data without asking.
train_dataloader = dict(batch_size=128, dataset=dict(download=False))
val_dataloader = dict(
    batch_size=128, dataset=dict(download=False, test_mode=True))
test_dataloader = val_dataloader
