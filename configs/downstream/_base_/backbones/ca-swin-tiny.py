# CA-Swin for dense prediction. Its last block changes only the class token,
# which is not part of the feature map: the gradient of that block is 0.
_base_ = './swin-tiny.py'

backbone = dict(
    type='mmmix.CASwin',
    out_type='featmap',
    init_cfg=dict(
        checkpoint='work_dirs/ca-swin-tiny_mixpro_8xb128-warm20-300e_in1k/'
        'epoch_300.pth'))
