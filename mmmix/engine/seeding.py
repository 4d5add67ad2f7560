"""Randomness that is derived, so that no state of it has to be stored.

What a run draws, in its data pipeline or in a step, follows from the seed, the
iteration, the rank and the place in the batch, however often the run was
stopped and by how many workers the data are loaded.
"""
import random
from hashlib import blake2b
from typing import Any, Iterator, Optional

import numpy as np
import torch
from mmengine.registry import DATA_SAMPLERS as ALL_SAMPLERS
from torch.utils.data import BatchSampler

from mmmix.errors import MmmixError
from mmmix.registry import DATA_SAMPLERS


def seed_generators(*key: Any) -> None:
    """Seed the generators of torch (the CPU's and, where CUDA is used, that of
    the current device), NumPy and ``random``, all different.

    Args:
        *key: What identifies the draws; its ``repr`` counts.

    >>> seed_generators('step', 0, 7)
    >>> first = torch.rand(1), np.random.rand(), random.random()
    >>> seed_generators('step', 0, 7)
    >>> first == (torch.rand(1), np.random.rand(), random.random())
    True
    """
    # NumPy's SeedSequence takes ten times as long, torch.manual_seed without
    # a GPU a hundred times
    digest = blake2b(repr(key).encode(), digest_size=16).digest()
    np.random.seed(int.from_bytes(digest[:4], 'little'))
    random.seed(int.from_bytes(digest[4:8], 'little'))
    number = int.from_bytes(digest[8:], 'little', signed=True)
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(number)


class SeededBatch(list):
    """The indices of a batch, which seed the random generators as they are
    read: in the process that loads the images, before each of them.

    Args:
        indices (list): What a batch sampler yields.
        key (tuple): Identifies the batch.

    >>> batch = SeededBatch([5, 5], ('data', 0))
    >>> first = [np.random.rand() for _ in batch]
    >>> first == [np.random.rand() for _ in batch], first[0] == first[1]
    (True, False)
    """

    def __init__(self, indices: list, key: tuple):
        super().__init__(indices)
        self.key = key

    def __reduce__(self) -> tuple:
        return SeededBatch, (list(super().__iter__()), self.key)

    def __iter__(self) -> Iterator:
        for place, index in enumerate(super().__iter__()):
            # a worker of a run on GPUs is a fork, in which CUDA is not used
            seed_generators(*self.key, place)
            yield index


@DATA_SAMPLERS.register_module()
class SeededBatchSampler:
    """The batches of another batch sampler, as :class:`SeededBatch` with the
    number of the iteration that trains on them.

    Args:
        sampler (Sampler): Yields the indices.
        batch_size (int): Images in a batch.
        seed (int): The seed of the run, the same on all ranks.
        rank (int): Of this process. Defaults to 0.
        batch_sampler (dict, optional): The config of the other one. Defaults
            to None: torch's ``BatchSampler``.
        drop_last (bool): Of torch's. Defaults to False.

    Raises:
        MmmixError: If both a ``batch_sampler`` and ``drop_last`` are given.

    >>> batches = SeededBatchSampler(range(5), batch_size=2, seed=0)
    >>> [len(batch) for batch in batches]
    [2, 2, 1]
    >>> batches.start(iteration=1, skip=1)
    >>> [batch.key for batch in batches]
    [('data', 0, 0, 1), ('data', 0, 0, 2)]
    """

    def __init__(self,
                 sampler: Any,
                 batch_size: int,
                 seed: int,
                 rank: int = 0,
                 batch_sampler: Optional[dict] = None,
                 drop_last: bool = False):
        if drop_last and batch_sampler is not None:
            raise MmmixError(
                'A batch sampler of its own says itself what becomes of the '
                'last batch: give drop_last=True to `batch_sampler`, not to '
                'the data loader.')
        self.batches = BatchSampler(
            sampler, batch_size,
            drop_last) if batch_sampler is None else ALL_SAMPLERS.build(
                batch_sampler,
                default_args=dict(sampler=sampler, batch_size=batch_size))
        self.sampler, self.batch_size = sampler, batch_size
        self.seed, self.rank = seed, rank
        self.start(0)

    def start(self,
              iteration: int,
              skip: int = 0,
              epoch: Optional[int] = None) -> None:
        """Say where the next pass over the data begins.

        Args:
            iteration (int): The one that trains on its first batch.
            skip (int): How many batches a stopped run has consumed before it,
                in this pass or, if it has fewer, the ones after it. Their
                images are not loaded. Defaults to 0.
            epoch (int, optional): Of this pass, for a loop that knows no
                epochs; they are counted from here on. Defaults to None: the
                loop sets the epoch of the sampler.
        """
        self.iteration, self.skip, self.epoch = iteration, skip, epoch

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[SeededBatch]:
        batches = self._pass()
        while self.skip:
            if next(batches, None) is None:
                batches = self._pass()
            else:
                self.skip -= 1
        for indices in batches:
            iteration, self.iteration = self.iteration, self.iteration + 1
            yield SeededBatch(indices,
                              ('data', self.seed, self.rank, iteration))

    def _pass(self) -> Iterator[list]:
        if self.epoch is not None:
            if hasattr(self.sampler, 'set_epoch'):
                self.sampler.set_epoch(self.epoch)
            self.epoch += 1
        return iter(self.batches)
