from mmpretrain.models.backbones import ResNet_CIFAR, ResNeXt

from mmmix.registry import MODELS


@MODELS.register_module()
class ResNeXt_CIFAR(ResNet_CIFAR, ResNeXt):
    """MMPretrain's ResNeXt with the stem of its ``ResNet_CIFAR``.

    The first convolution is 3 x 3 with stride 1, without max pooling, for
    images of 32 or 64 pixels. The mixup benchmarks on CIFAR and Tiny-ImageNet
    call it ResNeXt-50. All other parameters are those of ResNeXt, under the
    same names.

    Args:
        depth (int): 50, 101 or 152.
        **kwargs: Passed to ``mmpretrain.ResNeXt``, except ``deep_stem``.

    >>> import torch
    >>> ResNeXt_CIFAR(depth=50)(torch.rand(1, 3, 32, 32))[0].shape
    torch.Size([1, 2048, 4, 4])
    """
