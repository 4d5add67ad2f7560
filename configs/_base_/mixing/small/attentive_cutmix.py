# In half of the iterations: the protocol of the small sets, which
# ../cutmix.py explains. The extractor is the small ResNet, trained without
# mixing: set `model.train_cfg.guide.checkpoint` to its weights. Use as
# `model.train_cfg`.
mixing = dict(
    augments=[dict(type='mmmix.AttentiveCutMix', num_cells=6)],
    probs=[0.5],
    guide=dict(
        type='mmmix.FrozenGuide',
        config='mmmix::vanilla/'
        'resnet-xs_vanilla_1xb128-15e_tiny-imagenet-25.py',
        input_size=112))  # a 7 x 7 map
