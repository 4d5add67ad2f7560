# PVT for dense prediction, as in its public code: the feature maps of all
# stages, without class token and final norm. Use as `model.backbone`. The
# position embeddings are kept for 224 pixels: PVT resizes them to each image.
backbone = dict(
    _delete_=True,
    type='mmmix.PyramidVisionTransformer',
    arch='tiny',
    img_size=224,
    drop_path_rate=0.1,
    conv_norm_eps=1e-5,
    out_indices=(0, 1, 2, 3),
    out_type='featmap',
    with_cls_token=False,
    init_cfg=dict(
        type='Pretrained',
        _scope_='mmmix',
        checkpoint='work_dirs/pvt-tiny_smmix_8xb128-300e_in1k/epoch_300.pth',
        prefix='backbone.',
        unused=['cls_token', '*.pos_embed_cls', 'norm.*']))
