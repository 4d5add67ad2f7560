# The first 25 classes alone, 12,500 training images: minutes on a CPU.
_base_ = './tiny_imagenet.py'

num_classes = 25
data_preprocessor = dict(num_classes=num_classes)
train_dataloader = dict(dataset=dict(wnids=num_classes))
val_dataloader = dict(dataset=dict(wnids=num_classes))
test_dataloader = val_dataloader
