from typing import Sequence

from mmmix.registry import BATCH_AUGMENTS
from .at_site import AtSite


@BATCH_AUGMENTS.register_module()
class ManifoldMix(AtSite):
    r"""Mixup of the hidden states of a random layer.

    `Manifold Mixup: Better Representations by Interpolating Hidden States
    <https://arxiv.org/abs/1806.05236>`_. In each step a layer k is drawn, and
    its output :math:`g_k` is mixed as the labels are:

    .. math::
        \tilde g_k = \lambda g_k(x_A) + (1 - \lambda) g_k(x_B), \quad
        \tilde y = \lambda y_A + (1 - \lambda) y_B

    The public code and OpenMixup draw from the images and the outputs of the
    first two stages, with one lambda from Beta(alpha, alpha) and a random
    partner for each image.

    Args:
        alpha (float): Positive parameter of the Beta distribution. Defaults
            to 2, the public code's for CIFAR.
        sites (Sequence[str]): The layers, see :class:`AtSite`. Defaults to
            ('input', 'layer1', 'layer2'), the names of these places in a
            ResNet; in a Swin Transformer they are 'stages.0' and so on, in a
            ViT 'layers.3'.

    Raises:
        MmmixError: If ``alpha`` is not positive, or as :class:`AtSite`.

    >>> import numpy as np
    >>> import torch
    >>> inputs, labels = torch.rand(2, 3, 8, 8), torch.eye(2)
    >>> params = dict(
    ...     source=np.array([1, 0]), lam=0.25, site='layer1', grid=(4, 4))
    >>> mixed = ManifoldMix().mix(inputs, labels, params)
    >>> mixed.paste(torch.tensor([[0.], [4.]]))
    tensor([[1.],
            [3.]])
    """

    def __init__(self,
                 alpha: float = 2.0,
                 sites: Sequence[str] = ('input', 'layer1', 'layer2')):
        super().__init__(dict(type='mmmix.Mixup', alpha=alpha), sites)
