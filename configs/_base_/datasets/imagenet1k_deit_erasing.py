# The DeiT recipe at 224 pixels: bicubic crops, flip, RandAugment m9 mstd0.5
# inc1 and random erasing 0.25. MMPretrain has it under Swin's name.
_base_ = 'mmpretrain::_base_/datasets/imagenet_bs64_swin_224.py'

train_pipeline = [dict(type='mmmix.LoadImage'), *_base_.train_pipeline[1:]]
test_pipeline = [dict(type='mmmix.LoadImage'), *_base_.test_pipeline[1:]]

# 8 GPUs x 128 = 1024 images, the recipe's batch
train_dataloader = dict(batch_size=128, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=128, dataset=dict(test_mode=True, pipeline=test_pipeline))
test_dataloader = val_dataloader
