# A PVT with 0.77 M parameters and a last feature map of 4 x 4 for images of
# 128 x 128 pixels, for short trainings on a CPU; `head.num_classes` comes from
# the data set.
_base_ = './pvt-tiny.py'

model = dict(
    backbone=dict(
        arch=dict(
            _delete_=True,
            embed_dims=(32, 64, 96, 128),
            depths=(1, 1, 2, 1),
            num_heads=(1, 2, 3, 4),
            mlp_ratios=(4, 4, 3, 3),
            sr_ratios=(8, 4, 2, 1)),
        img_size=128,
        drop_path_rate=0.),
    head=dict(in_channels=128))
