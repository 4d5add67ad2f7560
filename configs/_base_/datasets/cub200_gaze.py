# CUB-200 with maps of where people looked, for
# tools/analysis/inconsistency.py --data _base_/datasets/cub200_gaze.py
# --truth maps. The gaze is CUB-GHA's, of all subjects. mmcv's Resize resizes
# the map with the image, which ResizeEdge does not do.
_base_ = './cub200.py'

test_pipeline = [
    dict(type='mmmix.LoadImage'),
    dict(
        type='mmmix.LoadGaze',
        files=['data/cub-gha/Fixation.txt'],
        images_file='data/CUB_200_2011/images.txt'),
    # the short side becomes 256
    dict(type='Resize', scale=(100_000, 256), keep_ratio=True),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs', algorithm_keys=('gt_seg_map', )),
]

val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
