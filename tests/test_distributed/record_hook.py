"""Imported by the processes that the tests start."""
import atexit
from pathlib import Path

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from mmmix.registry import HOOKS


@HOOKS.register_module()
class RecordWeightsHook(Hook):
    """Note each rank's weights and its own loss after each step."""

    def before_train(self, runner):
        assert is_model_wrapper(runner.model)
        self.model = runner.model.module
        self.notes = []

    def new_note(self):
        self.notes.append({})

    def after_train_iter(self,
                         runner,
                         batch_idx,
                         data_batch=None,
                         outputs=None):
        self.new_note()
        self.notes[-1].update(
            loss=float(outputs['loss']),
            weights=torch.cat([
                weight.detach().flatten()
                for weight in self.model.parameters()
            ]))

    def after_train(self, runner):
        folder = Path(runner.work_dir)
        torch.save(self.notes, folder / f'rank{get_rank()}.pt')
        atexit.register(note_threads, folder / f'rank{get_rank()}.threads')


def note_threads(path):
    """The names of the threads that this process has, a line each."""
    path.write_text(''.join(
        name.read_text() for name in Path('/proc/self/task').glob('*/comm')))


@HOOKS.register_module()
class RecordHook(RecordWeightsHook):
    """Note, besides, what each rank mixed."""

    def before_train(self, runner):
        super().before_train(runner)
        self.model.data_preprocessor.register_mix_hook(self.note_mix)

    def note_mix(self, mixed, guidance):
        self.notes.append(
            dict(mixer=mixed.mixer, source=mixed.source, lam=mixed.lam))

    def new_note(self):
        pass  # the mix began it
