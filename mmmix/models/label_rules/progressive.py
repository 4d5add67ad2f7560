from typing import Optional

import torch
from torch import Tensor, nn

from mmmix.errors import MmmixError, check_name
from mmmix.functional import progressive_factor
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch
from ..progress import share_of_training
from .transmix import TransMixLabel

PROGRESS = ('cosine', 'equal', 'linear', 'parabolic', 'learnable')


@MODELS.register_module()
class ProgressiveAttentionLabel(TransMixLabel):
    r"""Progressive attention labeling, PAL (MixPro, Eq. 8 and 9).

    `MixPro: Data Augmentation with MaskMix and Progressive Attention Labeling
    for Vision Transformer <https://arxiv.org/abs/2304.12043>`_. The better
    the model fits a mixed image, the more its attention is trusted:

    .. math::
        \lambda = \alpha \lambda_{attn} + (1 - \alpha) \lambda_{area}, \quad
        \alpha = \cos(\mathrm{softmax}(z), \tilde y)

    It works with any mixer that cuts and pastes. The authors' public code is
    ``normalize=True, label_smooth=0.1, stop_gradient=False`` with a
    classification loss without label smoothing.

    Args:
        progress (str): How alpha is set (MixPro, Table 10): 'cosine', the
            paper's and the default; 'equal', always 0.5; 'linear', T/T_max,
            and 'parabolic', its square, where T counts the iterations of the
            run; 'learnable', one number for the whole model, initially 0.5.
            The last one adds the parameter ``head.label_rule.logit``, which
            must be dropped before a strict load into a stock model.
        label_smooth (float): Label smoothing of the mixed label in the
            cosine, in [0, 1). Defaults to 0.
        stop_gradient (bool): Whether no gradient flows through alpha.
            Defaults to True.
        normalize (bool): See :class:`TransMixLabel`.
        downsample (str): See :class:`TransMixLabel`.

    Raises:
        MmmixError: If ``progress`` is unknown, or ``label_smooth`` is outside
            [0, 1).

    >>> import numpy as np
    >>> from mmmix.models import CutMix
    >>> source, box = np.array([1, 0]), np.array([0, 0, 8, 8])
    >>> params = dict(source=source, box=box, lam=0.25)
    >>> mixed = CutMix().mix(torch.rand(2, 3, 16, 16), torch.eye(2), params)
    >>> attention = torch.tensor([[0.4, 0.2], [0.3, 0.1]]).expand(2, 2, 2)
    >>> rule = ProgressiveAttentionLabel(progress='equal')
    >>> rule(torch.zeros(2, 2), mixed, class_attention=attention)
    tensor([0.3250, 0.3250])
    """

    def __init__(self,
                 progress: str = 'cosine',
                 label_smooth: float = 0.0,
                 stop_gradient: bool = True,
                 normalize: bool = False,
                 downsample: str = 'nearest'):
        super().__init__(normalize=normalize, downsample=downsample)
        check_name('progress', progress, PROGRESS)
        if not 0 <= label_smooth < 1:
            raise MmmixError('`label_smooth` must be in [0, 1), not '
                             f'{label_smooth!r}.')
        self.progress = progress
        self.label_smooth = label_smooth
        self.stop_gradient = stop_gradient
        self.one_class = progress == 'cosine'  # of a softmax
        if progress == 'learnable':
            self.logit = nn.Parameter(torch.zeros(1))

    def factor(self, logits: Tensor, mixed: MixedBatch) -> Tensor:
        """The progressive factor alpha, ``(N,)`` or a scalar, in [0, 1]."""
        if self.progress == 'cosine':
            if self.stop_gradient:
                logits = logits.detach()
            labels = mixed.mixed_labels()
            labels = labels.lerp(
                torch.full_like(labels, 1 / labels.size(1)), self.label_smooth)
            return progressive_factor(logits.softmax(1), labels)
        if self.progress == 'learnable':
            return self.logit.sigmoid()
        if self.progress == 'equal':
            return logits.new_full((), 0.5)
        progress = share_of_training(f'progress={self.progress!r}',
                                     logits.device)
        return progress if self.progress == 'linear' else progress**2

    def compute(self, logits: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                class_attention: Optional[Tensor]) -> Tensor:
        attended = self.attention_lambda(mixed, class_attention)
        factor = self.factor(logits, mixed)
        return factor * attended + (1 - factor) * mixed.lam
