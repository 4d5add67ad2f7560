from typing import Optional

import torch.nn.functional as F
from torch import Tensor, nn

from mmmix.errors import check_name
from mmmix.functional import resize_mask
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch
from .base import TokenLoss


@MODELS.register_module()
class DenseLabelLoss(TokenLoss):
    r"""A soft label for each place of the last feature map.

    Each place x of the mixed image is classified by itself, and its target is
    a mix of the labels that lie there:

    .. math::
        L_{dense} = \frac{1}{h w} \sum_x CE(F(X_x), t_x), \quad
        t_x = m_x \, y_A(x) + (1 - m_x) \, y_B(x)

    averaged over the images, where :math:`m_x` is the share of the place's
    area that the source covers. The labels y(x) of an image are either its
    label, the same everywhere, or a map of labels from the guide, whose part
    in a region that was pasted elsewhere moves along.

    It is the patch-level loss of GridMix and PatchMix (``target='area'``) and
    the dense half of TokenLabel (``target='label_maps'``). Unlike
    :class:`FineGrainedLoss` it works with a CNN, with any mask, with several
    sources and with blends, whose places all have the same target.

    Args:
        loss_weight (float): Weight of the loss. Defaults to 1.
        target (str): 'area', the images' labels by their share of each place,
            or 'label_maps', the guide's maps. Defaults to 'area'.
        label_smooth (float): Label smoothing of the targets. Defaults to 0.
        second_classifier (bool): Classify places by a linear layer of their
            own (a 1x1 convolution) instead of the head's classifier F; see
            :class:`~mmmix.models.losses.TokenLoss`. Defaults to False.
        batches (str): 'regions', 'mixed' or 'all'; see :class:`MixLoss`. In
            an unmixed batch the target is the image's own. Defaults to
            'mixed'.

    Raises:
        MmmixError: If ``target`` or ``batches`` is unknown, or
            ``label_smooth`` outside [0, 1).

    >>> import numpy as np
    >>> import torch
    >>> from mmmix.models import CutMix, MixLinearClsHead
    >>> source, box = np.array([1, 0]), np.array([0, 0, 8, 8])
    >>> params = dict(source=source, box=box, lam=0.25)
    >>> mixed = CutMix().mix(torch.rand(2, 3, 16, 16), torch.eye(2), params)
    >>> head = MixLinearClsHead(num_classes=2, in_channels=2)
    >>> _ = head.load_state_dict({
    ...     'fc.weight': 100 * torch.eye(2), 'fc.bias': torch.zeros(2)})
    >>> own = torch.eye(2)[:, :, None, None].expand(-1, -1, 4, 4)
    >>> loss = DenseLabelLoss()  # certain, and wrong in a quarter
    >>> loss(head, torch.zeros(2, 2), mixed, tokens=own)
    tensor(25., grad_fn=<MulBackward0>)
    """

    def __init__(self,
                 loss_weight: float = 1.0,
                 target: str = 'area',
                 label_smooth: float = 0.0,
                 second_classifier: bool = False,
                 batches: str = 'mixed'):
        super().__init__(loss_weight, label_smooth, second_classifier, batches)
        check_name('target', target, ('area', 'label_maps'))
        self.target = target
        from_guide = {'label_maps'} if target == 'label_maps' else set()
        self.requires = frozenset({'feature_map', *from_guide})

    def compute(self, head: nn.Module, logits: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                tokens: Optional[Tensor]) -> Tensor:
        grid = tokens.shape[-2:]
        if self.target == 'label_maps':
            labels = resize_mask(guidance.label_maps.float(), grid)
        else:
            labels = mixed.labels.float()[..., None,
                                          None].expand(-1, -1, *grid)
        places, targets = (
            maps.flatten(2).transpose(1, 2).flatten(0, 1)
            for maps in (tokens, mixed.mixed_maps(labels)))
        return F.cross_entropy(
            self.classifier_of(head)(places),
            targets,
            label_smoothing=self.label_smooth)
