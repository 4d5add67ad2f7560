# The small ViT for dense prediction: the feature maps of four layers, without
# the class token. Use as `model.backbone`.
_base_ = '../../../_base_/models/vit-xs-64px.py'

backbone = dict(
    _base_.model.backbone,
    type='mmpretrain.VisionTransformer',
    out_type='featmap',
    out_indices=[1, 3, 4, 5],
    init_cfg=dict(
        type='Pretrained',
        _scope_='mmmix',
        checkpoint='work_dirs/vit-xs_smmix_1xb128-15e_tiny-imagenet-25/'
        'epoch_15.pth',
        prefix='backbone.'))
