# The DeiT recipe without random erasing, as SMMix uses it.
_base_ = 'imagenet1k_deit_erasing.py'

train_pipeline = [
    step for step in _base_.train_pipeline if step['type'] != 'RandomErasing'
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
