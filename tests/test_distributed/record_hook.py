"""Imported by the processes that the test starts."""
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from mmmix.registry import HOOKS


@HOOKS.register_module()
class RecordHook(Hook):
    """Note what each rank mixed, and its weights after each step."""

    def before_train(self, runner):
        assert is_model_wrapper(runner.model)
        self.model = runner.model.module
        self.notes = []
        self.model.data_preprocessor.register_forward_hook(self.note_mix)

    def note_mix(self, module, arguments, output):
        mixed = output.get('mixed')
        if mixed is not None:
            self.notes.append(
                dict(mixer=mixed.mixer, source=mixed.source, lam=mixed.lam))

    def after_train_iter(self, runner, *args, **kwargs):
        self.notes[-1]['weights'] = torch.cat(
            [weight.detach().flatten() for weight in self.model.parameters()])

    def after_train(self, runner):
        torch.save(self.notes, f'{runner.work_dir}/rank{get_rank()}.pt')
