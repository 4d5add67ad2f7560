# Three images, to check that ADE20K's files are read correctly. All three are
# used for both training and evaluation.
_base_ = './upernet_vit-xs_1xb4-6e_coco-tiny.py'

num_classes = 150
train_pipeline = _base_.train_pipeline
test_pipeline = _base_.test_pipeline
dataset = dict(
    # reduce_zero_label: 0, which is not a class, becomes 255
    type='mmmix.ADE20KDataset',
    data_root='data/ade20k-sample',
    data_prefix=dict(img_path='images', seg_map_path='annotations'))
train_dataloader = dict(
    batch_size=3,
    dataset=dict(dataset, _delete_=True, pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(
        dataset, _delete_=True, test_mode=True, pipeline=test_pipeline))
test_dataloader = val_dataloader

model = dict(decode_head=dict(num_classes=num_classes))
