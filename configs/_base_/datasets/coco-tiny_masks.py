# Images of COCO with the masks that tools/dataset_converters/coco_semantic.py
# paints, to measure where a classifier looks, which knows none of them:
# attention_segmentation.py --background 255. Every image is stretched to 224
# pixels.
_base_ = './voc2012.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmmix.MaskedImages',
        data_root='data/coco-tiny',
        data_prefix=dict(
            img_path='train2017', seg_map_path='semantic/train2017'),
        pipeline=_base_.pipeline))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmmix.MaskedImages',
        data_root='data/coco-tiny',
        # of both splits
        data_prefix=dict(img_path='', seg_map_path='semantic'),
        test_mode=True,
        pipeline=_base_.pipeline))
test_dataloader = val_dataloader
