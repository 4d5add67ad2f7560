from functools import partial
from typing import NoReturn, Optional, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmmix.errors import MmmixError, check_name
from mmmix.functional.features import check_floating
from mmmix.registry import BATCH_AUGMENTS, MODELS, build_as
from mmmix.structures import Guidance, MixedBatch
from ..attention import declared_size
from ..eval_mode import evaluating
from ..losses import GeneratorLoss
from .base import (BatchMixer, Params, check_alpha, check_pairing, pair,
                   to_device)


class MixBlock(nn.Module):
    r"""The module of AutoMix: what the source weighs at each place.

    Every place of the target looks for places of the source like it, and
    takes what these are worth:

    .. math::
        \mathrm{softmax}\Big(\frac{W_q z_B (W_q z_A)^T}{\sqrt d}\Big) W_v z_A

    for the features z of target B and source A at the h x w places, with d
    channels after :math:`W_q`. Both W are 1 x 1 convolutions with bias. It
    always runs in the precision of its weights.

    Args:
        in_channels (int): Channels C of the features.
        lam_channel (bool): Whether one more channel holds lambda in the
            source's features, and 1 - lambda in the target's. Defaults to
            False.
        reduction (int): d is C over this, at least 1. Defaults to 2.

    >>> sum(p.numel() for p in MixBlock(256).parameters())
    33153
    """

    def __init__(self,
                 in_channels: int,
                 lam_channel: bool = False,
                 reduction: int = 2):
        super().__init__()
        self.in_channels = in_channels
        self.lam_channel = lam_channel
        channels = in_channels + lam_channel
        self.query = nn.Conv2d(channels, max(in_channels // reduction, 1), 1)
        self.value = nn.Conv2d(channels, 1, 1)
        for layer in (self.query, self.value):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor, source: Tensor, lam: float) -> Tensor:
        """Weigh the sources.

        Args:
            features (Tensor): Features of the unmixed images
                ``(N, C, h, w)``.
            source (Tensor): ``(N,)`` int64, index of each image's source.
            lam (float): Weight of the sources' labels.

        Returns:
            Tensor: ``(N, 1, h, w)``, any numbers; the larger, the more of the
            source is seen.

        Raises:
            MmmixError: If the features have other channels.
        """
        if features.size(1) != self.in_channels:
            raise MmmixError(
                f'The mix block is for features of {self.in_channels} '
                f'channels, but the guide gives {features.size(1)}: set '
                'AutoMix(in_channels=...), or None for those of the guide.')
        with torch.autocast(features.device.type, enabled=False):
            query, slope = self._project(self.query, features)
            value, value_slope = self._project(self.value, features)
            attended = F.scaled_dot_product_attention(
                query + (1 - lam) * slope, query[source] + lam * slope,
                value[source] + lam * value_slope)
            return attended.transpose(1, 2).unflatten(2, features.shape[-2:])

    def _project(self, layer: nn.Conv2d,
                 features: Tensor) -> Tuple[Tensor, Tensor]:
        """The convolution ``(N, h * w, d)`` without the channel of lambda, and
        what this adds, times its value, at all places ``(d,)``."""
        weight = layer.weight
        projected = F.conv2d(
            features.to(weight), weight[:, :self.in_channels], layer.bias)
        slope = weight[:, self.in_channels:].sum((1, 2, 3))  # 0 without it
        return projected.flatten(2).transpose(1, 2), slope


@BATCH_AUGMENTS.register_module()
class AutoMix(BatchMixer):
    r"""Images are mixed by a module that learns to.

    `AutoMix: Unveiling the Power of Mixup for Stronger Classifiers
    <https://arxiv.org/abs/2103.13027>`_. From the features of both images in
    a layer of the guide's network k a :class:`MixBlock` tells what the source
    weighs at each place, M:

    .. math::
        x = M \odot x_A + (1 - M) \odot x_B, \quad
        M = \sigma(\mathrm{upsample}(\mathrm{MixBlock}(z_A, z_B, \lambda)))

    Labels are mixed by the lambda that was drawn, one for the batch, not by
    the mean of M. The network under training, q, is shown one such batch. A
    second one, with pairs and lambda of its own, is shown to k, and its loss
    trains the block alone: :class:`~mmmix.models.GeneratorLoss`, logged as
    ``loss_generator``. In the paper k is the moving average of q, and q also
    learns from the unmixed images::

        train_cfg=dict(
            augments=[dict(type='mmmix.AutoMix')],
            guide=dict(type='mmmix.EMAGuide', feature_layer='layer3'))
        head=dict(mix_losses=dict(unmixed=dict(type='mmmix.UnmixedLoss')))
        custom_hooks=[
            dict(type='mmmix.EMAGuideHook', momentum=1e-3, end_momentum=1e-6)]

    Any guide that is a network will do. The block is part of the classifier
    under training, as ``mixers.AutoMix``; a stock model loads a checkpoint
    without these keys.

    Args:
        alpha (float): Positive parameter of the Beta distribution of lambda.
            Defaults to 2, the public code's on all sets.
        lam_margin (float): If lambda or 1 - lambda is at most this, q is
            shown plain Mixup, in [0, 0.5]. Defaults to 0.08.
        lam_channel (bool): Whether the block is told lambda, see
            :class:`MixBlock`; the public code does it on CUB-200 and ImageNet,
            not on CIFAR-100 and Tiny-ImageNet. Defaults to True.
        in_channels (int, optional): Channels of the features. Defaults to
            None, those that the guide gives of an RGB image.
        upsampling (str): 'nearest' or 'bilinear'. Defaults to 'nearest', the
            paper's.
        pairing (str): How images are paired, see
            :func:`~mmmix.models.batch_augments.base.pair`; the public code
            has 'shuffle' (the default), and 'distinct' on CUB-200.
        train_share (float): Share of the steps in which k's loss trains the
            block; in the others only the mask's mean does, and k is not run a
            second time. 0.8 in the public configs of ViT and Swin. Defaults
            to 1.
        loss (dict, optional): Config of the loss that trains the block.
            Defaults to None, ``dict(type='mmmix.GeneratorLoss')``.

    Raises:
        MmmixError: If a number or name is out of range, or ``loss`` is no
            GeneratorLoss.

    >>> mixer = AutoMix(lam_channel=False)
    >>> features = torch.rand(2, 16, 4, 4)
    >>> params = mixer.sample(np.random.default_rng(0), 2, (32, 32))
    >>> mixed = mixer.mix(torch.rand(2, 3, 32, 32), torch.eye(2), params,
    ...                   Guidance(features=features))
    >>> mixed.kind, mixed.mask.shape
    ('soft', torch.Size([2, 32, 32]))
    """

    requires = frozenset({'features', 'classifier'})
    kind = 'soft'

    def __init__(self,
                 alpha: float = 2.0,
                 lam_margin: float = 0.08,
                 lam_channel: bool = True,
                 in_channels: Optional[int] = None,
                 upsampling: str = 'nearest',
                 pairing: str = 'shuffle',
                 train_share: float = 1.0,
                 loss: Optional[dict] = None):
        if not 0 <= lam_margin <= 0.5 or not 0 <= train_share <= 1:
            raise MmmixError(
                '`lam_margin` must be in [0, 0.5] and `train_share` in '
                f'[0, 1], but they are {lam_margin!r} and {train_share!r}.')
        check_name('upsampling', upsampling, ('nearest', 'bilinear'))
        self.alpha = check_alpha(alpha)
        self.lam_margin = lam_margin
        self.lam_channel = lam_channel
        self.upsampling = upsampling
        self.pairing = check_pairing(pairing)
        self.train_share = train_share
        self.loss = build_as(GeneratorLoss, MODELS, loss
                             or dict(type='mmmix.GeneratorLoss'), 'loss')
        if in_channels is not None:
            self.module = MixBlock(in_channels, lam_channel)

    def __call__(self, *args) -> NoReturn:
        raise MmmixError(
            'AutoMix mixes by a module that a loss of its own trains, which a '
            'plain batch augment cannot do: use '
            '`mmmix.MixClassifier`.')

    def prepare(self, model: nn.Module) -> None:
        if self.module is not None:
            return
        guide = model.data_preprocessor.guides['features']
        device = next(model.parameters()).device
        size = declared_size(model.backbone) or (64, 64)
        image = torch.zeros(1, 3, *size, device=device)
        with evaluating(model):  # an average may be missing yet
            guidance = guide(model, image, frozenset({'features'}))
        self.block_for(guidance.features)

    def block_for(self, features: Tensor) -> nn.Module:
        """The mix block, made for these features if there is none."""
        if self.module is None:
            block = MixBlock(features.size(1), self.lam_channel)
            self.module = block.to(features.device)
        return self.module

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        for_q, for_block = (self._draw(rng, batch_size) for _ in range(2))
        for_block['train'] = rng.random() < self.train_share
        return dict(for_q, block=for_block)

    def _draw(self, rng: np.random.Generator, batch_size: int) -> Params:
        return dict(
            source=pair(rng, batch_size, self.pairing),
            lam=np.float32(rng.beta(self.alpha, self.alpha)))

    @torch.no_grad()
    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        check_floating(inputs)
        features = self.required(guidance, 'features')
        lam = float(params['lam'])
        plain = min(lam, 1 - lam) <= self.lam_margin
        mixed = self.blend(inputs, labels, params, features, plain)
        mixed.generator_loss = partial(self.generator_loss, inputs, labels,
                                       params['block'], guidance)
        return mixed

    def blend(self,
              inputs: Tensor,
              labels: Tensor,
              draw: Params,
              features: Tensor,
              plain: bool = False) -> MixedBatch:
        """Mix by the block, with a gradient to it if there are gradients.

        Args:
            inputs, labels: See :meth:`mix`.
            draw (dict): Source and lambda.
            features (Tensor): Of the unmixed images ``(N, C, h, w)``.
            plain (bool): Whether to mix by lambda alone, as Mixup does.
        """
        source, lam = to_device(draw['source'], inputs), float(draw['lam'])
        weights = torch.full((len(source), ), lam, device=inputs.device)
        if plain:
            mask = weights.view(-1, 1, 1).expand(-1, *inputs.shape[-2:])
        else:
            worth = self.block_for(features)(features, source, lam)
            mask = self.upsampled(worth, inputs.shape[-2:])
        return MixedBatch(
            inputs=inputs.lerp(inputs[source], mask[:, None].to(inputs.dtype)),
            labels=labels,
            source=source,
            lam=weights,
            mask=mask,
            kind=self.kind,
            mixer='AutoMix')

    def upsampled(self, worth: Tensor, image_size: Sequence[int]) -> Tensor:
        """The mask ``(N, H, W)`` of what the block returns."""
        if self.upsampling == 'nearest':  # a pixel shows its centre's cell
            mask = F.interpolate(
                worth.sigmoid(), image_size, mode='nearest-exact')
        else:
            mask = F.interpolate(
                worth, image_size, mode=self.upsampling).sigmoid()
        return mask.squeeze(1)

    def generator_loss(self, inputs: Tensor, labels: Tensor, draw: Params,
                       guidance: Guidance, head: nn.Module) -> Tensor:
        """The loss that trains the block; no other weight gets a gradient.

        Args:
            inputs, labels, guidance: See :meth:`mix`.
            draw (dict): Source, lambda, and whether k's loss is used.
            head (nn.Module): Whose classification loss is used.
        """
        mixed = self.blend(inputs, labels, draw, guidance.features)
        if not draw['train']:
            return self.loss.loss_weight * self.loss.mask_term(mixed)
        classifier = self.required(guidance, 'classifier')
        return self.loss(head, classifier(mixed.inputs), mixed)
