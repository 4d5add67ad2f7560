# PVT for dense prediction: the maps of all stages, the class token kept inside
# the last. `model = dict(backbone=_base_.backbone)` takes it. The position
# embeddings stay those of 224 pixels: PVT resizes them to every image.
backbone = dict(
    _delete_=True,
    type='mmmix.PyramidVisionTransformer',
    arch='tiny',
    img_size=224,
    drop_path_rate=0.1,
    out_indices=(0, 1, 2, 3),
    out_type='featmap',
    init_cfg=dict(
        type='Pretrained',
        _scope_='mmmix',
        checkpoint='work_dirs/pvt-tiny_smmix_8xb128-300e_in1k/epoch_300.pth',
        prefix='backbone.'))
