# Swin with class attention in its last block
_base_ = './swin-tiny.py'

model = dict(
    backbone=dict(
        type='mmmix.CASwin',
        # class and patch tokens; the neck takes the class token
        out_type='raw'),
    neck=dict(type='mmmix.ClassTokenNeck'))
