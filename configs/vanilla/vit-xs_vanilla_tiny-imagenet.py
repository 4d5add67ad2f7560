# Tiny-ImageNet, the first 25 classes: minutes on a CPU
_base_ = './vit-xs_vanilla_tiny-imagenet-200.py'

num_classes = 25
data_preprocessor = dict(num_classes=num_classes)
model = dict(head=dict(num_classes=num_classes))
train_dataloader = dict(dataset=dict(wnids=num_classes))
val_dataloader = dict(dataset=dict(wnids=num_classes))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=15)
