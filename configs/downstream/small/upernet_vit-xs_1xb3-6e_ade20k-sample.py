# Three images, to check that ADE20K's files are read correctly. All three are
# used for both training and evaluation.
_base_ = './upernet_vit-xs_1xb4-6e_coco-tiny.py'

num_classes = 150
load_labels = dict(type='mmmix.LoadSegMap', num_classes=num_classes)
train_pipeline = [
    _base_.train_pipeline[0], load_labels, *_base_.train_pipeline[2:]
]
test_pipeline = [
    *_base_.test_pipeline[:2], load_labels, *_base_.test_pipeline[3:]
]
dataset = dict(
    # reduce_zero_label: 0, which is not a class, becomes 255
    type='ADE20KDataset',
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
