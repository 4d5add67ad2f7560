# In every batch, each image gets the six most attended cells of another
# (Attentive CutMix, section 3.1). The extractor is a pretrained ResNet-152,
# the paper's example; small images are enlarged to 224 pixels for it. Its
# config and weights are MMPretrain's; the weights are downloaded when the
# model is built. Use as `model.train_cfg`.
mixing = dict(
    augments=[dict(type='mmmix.AttentiveCutMix', num_cells=6)],
    probs=[1.0],
    guide=dict(
        type='mmmix.FrozenGuide',
        config='mmpretrain::resnet/resnet152_8xb32_in1k.py',
        checkpoint='https://mmassets.onedl.ai/mmclassification/v0/resnet/'
        'resnet152_8xb32_in1k_20210901-4d7582fa.pth',
        input_size=224))
