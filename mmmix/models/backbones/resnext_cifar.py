from mmpretrain.models.backbones import ResNet_CIFAR, ResNeXt

from mmmix.registry import MODELS


@MODELS.register_module()
class ResNeXt_CIFAR(ResNet_CIFAR, ResNeXt):
    """MMPretrain's ResNeXt with the stem of its ``ResNet_CIFAR``.

    The first convolution is 3 x 3 with stride 1, without max pooling, for
    images of 32 or 64 pixels: the mixup benchmarks on CIFAR and Tiny-ImageNet
    call it ResNeXt-50. All other parameters are ResNeXt's, by the same names.

    Args:
        depth (int): 50, 101 or 152.
        **kwargs: Of ``mmpretrain.ResNeXt``, but for ``deep_stem``.
    """
