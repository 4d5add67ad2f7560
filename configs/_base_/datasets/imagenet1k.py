# Bicubic crops of 224 pixels and flips: the usual recipe for CNNs, at
# Attentive CutMix's batch of 64 on one GPU and OpenMixup's on four.
_base_ = 'mmpretrain::_base_/datasets/imagenet_bs32_pil_bicubic.py'

train_pipeline = [dict(type='mmmix.LoadImage'), *_base_.train_pipeline[1:]]
test_pipeline = [dict(type='mmmix.LoadImage'), *_base_.test_pipeline[1:]]

train_dataloader = dict(batch_size=64, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64, dataset=dict(test_mode=True, pipeline=test_pipeline))
test_dataloader = val_dataloader
