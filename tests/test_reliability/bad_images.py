# A run of seconds on class folders with bad images, which are skipped. The
# workers end with each epoch.
_base_ = '../test_tools/tiny_smmix.py'

data_preprocessor = dict(num_classes=2)
model = dict(head=dict(num_classes=2))
pipeline = [
    dict(type='mmmix.LoadImage', on_error='skip'),
    dict(type='PackInputs')
]
train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=False,
    dataset=dict(
        _delete_=True,
        type='CustomDataset',
        data_root='data',
        pipeline=pipeline))
val_dataloader = None
val_evaluator = None
val_cfg = None
test_dataloader = None
test_evaluator = None
test_cfg = None
train_cfg = dict(max_epochs=2)
