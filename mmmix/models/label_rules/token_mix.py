from typing import Optional, Tuple

import torch
from torch import Tensor

from mmmix.errors import MmmixError, check_name
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch
from .base import LabelRule


@MODELS.register_module()
class TokenMixLabel(LabelRule):
    r"""Two labels, each weighed by what is left of its own image (TokenMix).

    `TokenMix: Rethinking Image Mixing for Data Augmentation in Vision
    Transformers <https://arxiv.org/abs/2207.08409>`_. With the maps
    :math:`\alpha` of the unmixed images, each summing to 1, and the mask M:

    .. math::
        y = \lambda_A y_A + \lambda_B y_B, \quad
        \lambda_A = \sum M \alpha_A, \quad
        \lambda_B = \sum (1 - M) \alpha_B

    The two weights need not sum to 1: a mix that shows both objects weighs
    both labels with 1, one that hides both with 0. The classification loss
    is therefore a binary cross-entropy. What is shown of an image is read
    where it was taken from. An image whose map is zero everywhere is weighed
    by area.

    The paper's maps are what a teacher says of the image's class at each
    place: the attention of a :class:`~mmmix.models.LabelMapGuide`, or the
    label maps of a network. Any other attention will do.

    What differs in public code, by option:

    ============================ ==========================================
    ``split_smooth=0.1``         the authors': of the smoothing s = 0.1 half
                                 is taken off each weight, however small, so
                                 that a weight below s/2 becomes negative
    ``normalize=False``          OpenMixup: the class attention as it is,
    and ``swapped=True``         which does not sum to 1; each label weighs
                                 what is *hidden* of its image, a slip
    ============================ ==========================================

    In the authors' code a map of zeros weighs 0.

    Args:
        maps (str): Which maps of the guide: 'attention', or 'label_maps', of
            which the weight of the image's own label at each place is taken.
            Defaults to 'attention'.
        normalize (bool): Divide each map by its sum. Defaults to True.
        swapped (bool): Weigh each label by the part of its image that cannot
            be seen, as OpenMixup does by mistake. Defaults to False.
        split_smooth (float): ``label_smooth_val`` s of the head's
            ``LabelSmoothLoss``, in [0, 1), to be split as in the authors'
            code: a weight w becomes :math:`(w - s / 2) / (1 - s)`, which that
            loss turns into :math:`w - s / 2`. Defaults to 0.

    Raises:
        MmmixError: If ``maps`` is unknown, or ``split_smooth`` outside
            [0, 1).

    >>> import numpy as np
    >>> from mmmix.models import CutMix
    >>> source, box = np.array([1, 0]), np.array([0, 0, 8, 8])
    >>> params = dict(source=source, box=box, lam=0.25)
    >>> mixed = CutMix().mix(torch.rand(2, 3, 16, 16), torch.eye(2), params)
    >>> attention = torch.tensor([[[1., 3.], [3., 3.]], [[4., 0.], [0., 0.]]])
    >>> lam, own = TokenMixLabel()(torch.zeros(2, 2), mixed,
    ...                            Guidance(attention))
    >>> lam, own  # the first image shows nearly all of both, in its place
    (tensor([1.0000, 0.1000]), tensor([0.9000, 0.0000]))
    """

    def __init__(self,
                 maps: str = 'attention',
                 normalize: bool = True,
                 swapped: bool = False,
                 split_smooth: float = 0.0):
        super().__init__()
        check_name('maps', maps, ('attention', 'label_maps'))
        if not 0 <= split_smooth < 1:
            raise MmmixError('`split_smooth` must be in [0, 1), not '
                             f'{split_smooth!r}.')
        self.requires = frozenset({maps, 'mask'})
        self.normalize = normalize
        self.swapped = swapped
        self.split_smooth = split_smooth

    def compute(self, logits: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                class_attention: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
        if 'attention' in self.requires:
            maps = guidance.attention.float()
        else:
            maps = torch.einsum('nk,nkhw->nhw', mixed.labels.float(),
                                guidance.label_maps.float())
        grid = maps.shape[1:]
        shown, hidden = mixed.source_mask(grid), mixed.hidden_mask(grid)
        lam = self._attended(maps[mixed.source], shown, mixed.lam)
        own = self._attended(maps, 1 - hidden, 1 - mixed.lam)
        smooth = self.split_smooth
        lam, own = ((w - smooth / 2) / (1 - smooth) for w in (lam, own))
        return lam, own

    def _attended(self, maps: Tensor, mask: Tensor, area: Tensor) -> Tensor:
        """What a map has inside a mask, ``(N,)``; in place of a map of zeros
        the area."""
        if self.swapped:
            mask, area = 1 - mask, 1 - area
        total = maps.sum((1, 2))
        attended = (maps * mask).sum((1, 2))
        empty = total == 0
        if self.normalize:
            attended = attended / total.masked_fill(empty, 1)
        return torch.where(empty, area, attended)
