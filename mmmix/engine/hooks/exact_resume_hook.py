from typing import Any, Dict, Optional

import torch
from mmengine.dist import get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop

from mmmix.engine.lr_scaling import passes_per_step
from mmmix.engine.seeding import SeededBatchSampler, seed_generators
from mmmix.private import is_resuming
from mmmix.registry import HOOKS

KEY = 'place_in_run'


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Let a run that is resumed compute what it would have computed without
    the interruption, to the last bit.

    The random generators are seeded before each step from (seed, iteration,
    rank), so that drop path and dropout need no stored state; those of the
    data pipelines are seeded by the batches of a
    :class:`~mmmix.engine.seeding.SeededBatchSampler`. A run that stopped in
    the middle of an epoch goes on with the batches that are left of it.

    Where the resumed run cannot be exact, the log says so when it begins.

    ``mmmix.cli.build_runner`` puts it into every training.

    Args:
        seed (int): The seed of the run, the same on all ranks.
    """
    priority = 'VERY_HIGH'

    def __init__(self, seed: int):
        self.seed = seed
        self.place: Dict[str, Any] = {}
        self.resumed: Optional[Dict[str, Any]] = None
        self.consumed = 0

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Note where the run stopped that is resumed."""
        if is_resuming(runner):
            self.resumed = checkpoint.get(KEY, {})

    def before_train(self, runner) -> None:
        """Begin in the middle of an epoch, and say what will not be exact."""
        loader = runner.train_dataloader
        self.place = dict(
            processes=get_world_size(),
            batch_size=getattr(loader.batch_sampler, 'batch_size', None),
            batches_per_epoch=len(loader),
            accumulative_counts=passes_per_step(runner.cfg),
            torch=str(torch.__version__),
            device=_device())
        if self.resumed is None:
            return
        self._warn(runner)
        if isinstance(loader.batch_sampler, SeededBatchSampler):
            self.consumed = consumed_batches({KEY: self.resumed}, len(loader))

    def before_train_epoch(self, runner) -> None:
        """Seed what draws before the first batch, and skip the batches that
        were consumed before the run stopped."""
        seed_generators('epoch', self.seed, get_rank(), runner.epoch)
        loop = runner.train_loop
        batches = loop.dataloader.batch_sampler
        if not isinstance(batches, SeededBatchSampler):
            return
        if isinstance(loop, IterBasedTrainLoop):
            # MMEngine's own way loads all images if there are workers; where
            # it has none to replace (0.10.7), it is the only one
            if hasattr(loop.dataloader_iterator, 'skip_iter'):
                loop.dataloader_iterator.skip_iter = (
                    lambda skip: batches.start(skip, skip, epoch=0))
            return
        batches.start(runner.iter, skip=self.consumed)
        if self.consumed:
            _number_from(loop, self.consumed)
            runner.logger.info(
                f'{self.consumed} of {len(batches)} batches of epoch '
                f'{runner.epoch + 1} were consumed before the run stopped: it '
                'goes on with the next.')

    def before_train_iter(self, runner, *args, **kwargs) -> None:
        """Seed what the step draws."""
        seed_generators('step', self.seed, get_rank(), runner.iter)

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        """Count the batches of the epoch."""
        self.consumed += 1

    def after_train_epoch(self, runner) -> None:
        """Begin to count anew."""
        self.consumed = 0
        vars(runner.train_loop).pop('run_iter', None)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Save where the run is."""
        checkpoint[KEY] = dict(self.place, consumed=self.consumed)

    def _warn(self, runner) -> None:
        """Say why the run will differ from the uninterrupted one."""
        if not self.resumed:
            runner.logger.warning(
                'The checkpoint was not saved by a training of this version '
                'of mmmix: the run is resumed, but not exactly.')
            return
        others = [
            f'{key.replace("_", " ")} {self.resumed.get(key)} -> {value}'
            for key, value in self.place.items()
            if self.resumed.get(key, value) != value
        ]
        if others:
            runner.logger.warning(
                'The run is not resumed as it was stopped, so it will differ '
                f'from an uninterrupted one: {", ".join(others)}.')
        elif (torch.cuda.is_available()
              and not torch.are_deterministic_algorithms_enabled()):
            runner.logger.info(
                'Some kernels of a GPU add in another order each time: the '
                'run may differ from an uninterrupted one in the last bits, '
                'unless both have randomness=dict(deterministic=True).')


def consumed_batches(checkpoint: dict, length: int) -> int:
    """How many of the ``length`` batches of its epoch a run had consumed when
    it saved a checkpoint: as large a share, where the epoch has become
    shorter or longer."""
    place = checkpoint.get(KEY, {})
    before = place.get('batches_per_epoch')
    return place['consumed'] * length // before if before else 0


def _device() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return 'cpu'


def _number_from(loop: Any, first: int) -> None:
    """Let a loop number the batches of an epoch from another one than 0, for
    the log."""
    run_iter = loop.run_iter

    def run_later(idx: int, data_batch: Any) -> None:
        run_iter(first + idx, data_batch)

    loop.run_iter = run_later
