from typing import Sequence

from mmmix.registry import BATCH_AUGMENTS
from .at_site import AtSite


@BATCH_AUGMENTS.register_module()
class MixToken(AtSite):
    """CutMix of the tokens after the patch embedding.

    `All Tokens Matter: Token Labeling for Training Better Vision Transformers
    <https://arxiv.org/abs/2104.10858>`_. One box for the batch, whose area
    share is drawn from Beta(alpha, alpha), lies on the grid of the tokens, so
    that no token shows two images, also where patches overlap. Positions are
    embedded afterwards. The label weight is the share of the tokens.

    Args:
        alpha (float): Positive parameter of the Beta distribution. Defaults
            to 1, the public code's.
        pairing (str): 'flip' (the batch is paired with its reverse, as in the
            public code), 'shuffle' or 'distinct'. Defaults to 'flip'.
        sites (Sequence[str]): Where to mix, see :class:`AtSite`. Defaults to
            ('patch_embed', ), the name in MMPretrain's transformers.

    Raises:
        MmmixError: If ``alpha`` is not positive, the pairing is unknown, or
            as :class:`AtSite`.

    >>> import numpy as np
    >>> mixer, rng = MixToken(), np.random.default_rng(0)
    >>> grids = dict(patch_embed=(14, 14))
    >>> params = mixer.sample(rng, 4, (224, 224), grids)
    >>> params['source'], params['site'], params['grid']
    (array([3, 2, 1, 0]), 'patch_embed', (14, 14))
    """

    def __init__(self,
                 alpha: float = 1.0,
                 pairing: str = 'flip',
                 sites: Sequence[str] = ('patch_embed', )):
        super().__init__(
            dict(type='mmmix.CutMix', alpha=alpha, pairing=pairing), sites)
