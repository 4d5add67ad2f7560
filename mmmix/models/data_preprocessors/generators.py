"""Random numbers that a resumed run draws again."""
from typing import Optional, Tuple

import numpy as np
import torch
from mmengine.dist import broadcast_object_list, get_rank
from mmengine.logging import MessageHub


class StepGenerators:
    """Generators that are derived anew in every iteration.

    One from (seed, iteration), which is the same on all ranks, and one from
    (seed, iteration, rank). Seed and iteration are read from MMEngine's
    message hub, so no state needs to be stored for a resumed run to draw what
    an uninterrupted one would have drawn.

    >>> shared, own = StepGenerators()()
    """

    def __init__(self):
        self._seed: Optional[int] = None
        self._shared_seed: Optional[int] = None
        self._last_iteration: Optional[int] = None
        self._repeats = 0

    def __call__(self) -> Tuple[np.random.Generator, np.random.Generator]:
        """The generator that all ranks share, and that of this rank alone."""
        hub = MessageHub.get_current_instance()
        iteration = hub.get_info('iter', 0)
        seed = hub.get_info('seed', None)
        if seed is None:
            seed = torch.initial_seed()
        if seed != self._seed:
            # once a run: MMEngine can give every rank a seed of its own
            shared = [seed]
            broadcast_object_list(shared)
            self._seed, self._shared_seed = seed, shared[0]
        # without a running trainer all calls see the same iteration
        self._repeats = (
            self._repeats + 1 if iteration == self._last_iteration else 0)
        self._last_iteration = iteration
        key = [self._shared_seed, iteration, self._repeats]
        return (np.random.default_rng(key),
                np.random.default_rng([*key, 1 + get_rank()]))
