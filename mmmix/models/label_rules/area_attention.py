from typing import Optional, Union

import torch
from torch import Tensor

from mmmix.errors import MmmixError, check_name
from mmmix.functional import area_attention_lambda
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch
from .base import LabelRule


@MODELS.register_module()
class AreaAttentionLabel(LabelRule):
    r"""Area-attention label mixing (TdAttenMix, Eq. 10-14).

    `TdAttenMix: Top-Down Attention Guided Mixup
    <https://arxiv.org/abs/2501.15409>`_:

    .. math::
        \lambda = \beta \lambda_r + (1 - \beta) \lambda_a, \quad
        \lambda_a = \frac{Att_A}{Att_A + Att_B}

    Att_A is the attention of the source in the region that was pasted, Att_B
    that of the target where it stays visible: "at the positions corresponding
    to :math:`x_M`", the mixed image. Eq. 12 itself sums over the region that
    was replaced, which contradicts this text, the authors' public code and
    the paper's Table 4; ``target='replaced'`` follows it to the letter. Where
    neither holds any attention, or nothing was pasted, only the area counts.

    The authors' public code is ``ratio='batch', source_map='target'``. The
    latter is a slip: it finds the region in the source, but sums the map of
    the target there. Without it, with the source's own map, the code would be
    ``ratio='batch'``.

    The text under the paper's Table 6 says that beta 0 is the area alone;
    Eq. 14, which is followed here, says that beta 1 is.

    Args:
        beta (float | str): Weight of the area, in [0, 1], or 'random': drawn
            for each batch from [0, 1). Defaults to 0.5, the paper's.
        target (str): Where Att_B is summed: 'visible', all of the target but
            the replaced region, or 'replaced', that region, as in Eq. 12.
            Defaults to 'visible'.
        ratio (str): 'image', one ratio for each image, the paper's, or
            'batch', one for all of them. Defaults to 'image'.
        source_map (str): The map in which Att_A is summed, over the place
            that the region has in the source: 'own', the source's, or
            'target', that of the target. Defaults to 'own', the paper's.

    Raises:
        MmmixError: If an argument is out of range.

    >>> import numpy as np
    >>> from mmmix.models import CutMix
    >>> source, box = np.array([1, 0]), np.array([0, 0, 8, 8])
    >>> params = dict(source=source, box=box, lam=0.25)
    >>> mixed = CutMix().mix(torch.rand(2, 3, 16, 16), torch.eye(2), params)
    >>> attention = torch.tensor([[[1., 2.], [2., 2.]], [[3., 1.], [1., 1.]]])
    >>> AreaAttentionLabel()(torch.zeros(2, 2), mixed, Guidance(attention))
    tensor([0.2917, 0.2500])
    """

    requires = frozenset({'attention', 'mask'})

    def __init__(self,
                 beta: Union[float, str] = 0.5,
                 target: str = 'visible',
                 ratio: str = 'image',
                 source_map: str = 'own'):
        super().__init__()
        if beta != 'random' and (isinstance(beta, str) or not 0 <= beta <= 1):
            raise MmmixError("`beta` must be in [0, 1] or 'random', not "
                             f'{beta!r}.')
        check_name('target', target, ('visible', 'replaced'))
        check_name('ratio', ratio, ('image', 'batch'))
        check_name('source_map', source_map, ('own', 'target'))
        self.beta = beta
        self.target = target
        self.ratio = ratio
        self.source_map = source_map

    def compute(self, logits: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                class_attention: Optional[Tensor]) -> Tensor:
        maps = guidance.attention
        grid = maps.shape[1:]
        source_mask = mixed.source_mask(grid)
        target_mask = mixed.hidden_mask(grid)
        if self.target == 'visible':
            target_mask = 1 - target_mask
        source_maps = maps[mixed.source] if self.source_map == 'own' else maps
        arguments = [source_maps, source_mask, maps, target_mask]
        if self.ratio == 'batch':
            # the batch as one image of many rows
            arguments = [t.flatten(0, 1)[None] for t in arguments]
        attended = area_attention_lambda(*arguments).expand_as(mixed.lam)
        by_area = attended.isnan() | (mixed.lam == 0)
        attended = torch.where(by_area, mixed.lam, attended)
        beta = _draw(mixed) if isinstance(self.beta, str) else self.beta
        return beta * mixed.lam + (1 - beta) * attended


# a number that changes in every step would cause a recompilation in each
@torch.compiler.disable
def _draw(mixed: MixedBatch) -> Tensor:
    """A number in [0, 1), 0-d, from the generator that drew the mix."""
    if mixed.rng is None:
        raise MmmixError("beta='random' draws from the generator of the mix, "
                         'but `mixed.rng` is None: mix with '
                         '`MixDataPreprocessor.mix_by`, or set it.')
    return torch.tensor(mixed.rng.random())
