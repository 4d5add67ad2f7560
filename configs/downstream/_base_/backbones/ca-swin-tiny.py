# CA-Swin for dense prediction. Its last block moves the class token alone,
# which is not in the map: that block gets no gradient, so that distributed
# training needs `find_unused_parameters`.
_base_ = './swin-tiny.py'

backbone = dict(
    type='mmmix.CASwin',
    out_type='featmap',
    init_cfg=dict(
        checkpoint='work_dirs/ca-swin-tiny_mixpro_8xb128-warm20-300e_in1k/'
        'epoch_300.pth'))
find_unused_parameters = True
