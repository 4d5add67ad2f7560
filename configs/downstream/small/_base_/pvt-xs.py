# The small PVT for dense prediction: the feature maps of all stages, without
# the class token. Use as `model.backbone`.
_base_ = '../../../_base_/models/pvt-xs-128px.py'

backbone = dict(
    _base_.model.backbone,
    out_type='featmap',
    out_indices=(0, 1, 2, 3),
    init_cfg=dict(
        type='Pretrained',
        _scope_='mmmix',
        checkpoint='work_dirs/pvt-xs_smmix_1xb128-15e_tiny-imagenet-25/'
        'epoch_15.pth',
        prefix='backbone.'))
