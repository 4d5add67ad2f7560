# Swin for dense prediction: the feature maps of all stages, each with a norm;
# a classifier has only the last norm. Use as `model.backbone`.
backbone = dict(
    _delete_=True,
    type='mmpretrain.SwinTransformer',
    arch='tiny',
    drop_path_rate=0.2,
    out_indices=(0, 1, 2, 3),
    # small or elongated images have maps smaller than a window
    pad_small_map=True,
    init_cfg=dict(
        type='Pretrained',
        _scope_='mmmix',
        checkpoint='work_dirs/swin-tiny_smmix_8xb128-warm20-300e_in1k/'
        'epoch_300.pth',
        prefix='backbone.',
        new=['norm0.*', 'norm1.*', 'norm2.*']))
