# ReLabel with CutMix in half of the iterations: the protocol of the small
# sets, which cutmix.py explains; in the others the labels alone are new. The
# teacher is the small ResNet, trained by its vanilla config on the same
# images: train it first. It sees each crop itself, so no maps are stored. The
# labels are not smoothed, as in the public code. Use as `model.train_cfg` and
# `model.head.loss`.
mixing = dict(
    augments=[
        dict(type='mmmix.ReLabel', mixer=dict(type='mmmix.CutMix', alpha=1.0)),
        dict(type='mmmix.ReLabel')
    ],
    probs=[0.5, 0.5],
    guide=dict(
        type='mmmix.FrozenGuide',
        config='mmmix::vanilla/'
        'resnet-xs_vanilla_1xb100-100e_cifar10-jpg-5000.py',
        checkpoint='work_dirs/resnet-xs_vanilla_1xb100-100e_cifar10-jpg-5000/'
        'epoch_100.pth'))

loss = dict(label_smooth_val=0.0)
