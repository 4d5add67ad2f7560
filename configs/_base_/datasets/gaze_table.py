# Any images in folders of their classes, with maps of where people looked from
# a fixation table (docs/datasets.md), for
# tools/analysis/inconsistency.py --data _base_/datasets/gaze_table.py
# --truth maps. The sorted folders are the classes of the models' heads.
_base_ = './cub200_gaze.py'

test_pipeline = [
    _base_.test_pipeline[0],
    dict(type='mmmix.LoadGaze', kind='table', files='data/gaze/fixations.csv'),
    *_base_.test_pipeline[2:],
]

val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CustomDataset',
        data_root='data/gaze',
        data_prefix='images',
        test_mode=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader
