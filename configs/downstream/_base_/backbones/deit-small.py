# DeiT for dense prediction: the feature maps of four layers, without the class
# token. Use as `model.backbone`; the position embeddings of the checkpoint are
# resized to `img_size`.
backbone = dict(
    _delete_=True,
    type='mmpretrain.VisionTransformer',
    arch='deit-small',
    img_size=512,
    patch_size=16,
    drop_path_rate=0.1,
    out_indices=[2, 5, 8, 11],
    out_type='featmap',
    init_cfg=dict(
        type='Pretrained',
        _scope_='mmmix',
        checkpoint='work_dirs/deit-small_smmix_8xb128-300e_in1k/epoch_300.pth',
        prefix='backbone.'))
