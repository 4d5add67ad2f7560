from typing import Callable, List, Optional, Sequence, Union

import numpy as np

from mmmix.errors import MmmixError
from mmmix.registry import BATCH_AUGMENTS


class RandomMixer:
    """Pick one of several batch augments, or none.

    It differs from MMPretrain's ``RandomBatchAugment`` in three ways: it
    draws from a generator that is passed in, it picks but does not mix, and
    it does not modify the caller's ``probs``.

    Args:
        augments (dict | Callable | list): Batch augments or their configs.
        probs (Sequence[float] | float, optional): Probability of each; the
            remainder up to 1 is the probability of none. Defaults to None,
            all equal.

    Raises:
        MmmixError: If there are no augments, or the probabilities are
            negative, sum to more than 1, or are not one for each augment.
    """

    def __init__(self,
                 augments: Union[dict, Callable, Sequence],
                 probs: Union[Sequence[float], float, None] = None):
        if not isinstance(augments, (list, tuple)):
            augments = [augments]
        self.augments: List[Callable] = [
            BATCH_AUGMENTS.build(augment)
            if isinstance(augment, dict) else augment for augment in augments
        ]
        if not self.augments:
            raise MmmixError('`augments` is empty: name at least one, or '
                             'remove `train_cfg` to train without mixing.')
        if probs is None:
            probs = [1 / len(augments)] * len(augments)
        probs = [float(p) for p in np.atleast_1d(probs)]
        if len(probs) != len(augments):
            raise MmmixError(f'`probs` must hold one probability for each of '
                             f'the {len(augments)} `augments`, not {probs}.')
        if not (min(probs) >= 0 and sum(probs) <= 1 + 1e-6):
            raise MmmixError('`probs` must not be negative and must sum to at '
                             f'most 1, but {probs} sums to {sum(probs):g}.')
        self.probs = probs

    def pick(self, rng: np.random.Generator) -> Optional[Callable]:
        """One of the augments, or None for no mixing."""
        edges = np.cumsum(self.probs)
        edges[-1] += 1e-6 if edges[-1] > 1 - 1e-6 else 0
        index = np.searchsorted(edges, rng.random(), side='right')
        return self.augments[index] if index < len(self.augments) else None
