"""Number of classes of a segmentor: MMPretrain has ``ClassNumCheckHook`` and
mmdet ``NumClassCheckHook``, but mmseg has no such hook."""
from mmengine.dataset import BaseDataset
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmmix.errors import MmmixError
from mmmix.registry import HOOKS


@HOOKS.register_module()
class ClassCountHook(Hook):
    """Check that the heads of a segmentor have as many classes as the data.

    With too few, training ends in an index error; with too many, it goes on
    and the others stay empty.

    Raises:
        MmmixError: Before the first step, if the numbers differ.

    Example::

        custom_hooks = [dict(type='mmmix.ClassCountHook')]
    """

    def before_train(self, runner: Runner) -> None:
        """Check the training data, and the validation data in advance."""
        self._check(runner, runner.train_dataloader.dataset)
        if runner.val_loop is not None:
            self.before_val(runner)

    def before_val(self, runner: Runner) -> None:
        """Check the validation data."""
        self._check(runner, runner.val_dataloader.dataset)

    def before_test(self, runner: Runner) -> None:
        """Check the test data."""
        self._check(runner, runner.test_dataloader.dataset)

    def _check(self, runner: Runner, dataset: BaseDataset) -> None:
        classes = dataset.metainfo.get('classes')
        for name, head in runner.model.named_modules():
            count = getattr(head, 'num_classes', None)
            if classes and count and 'head' in name and count != len(classes):
                raise MmmixError(
                    f'{name} has num_classes={count}, but the '
                    f'{type(dataset).__name__} has {len(classes)} classes. '
                    'Set num_classes of the head to that number, or '
                    'metainfo=dict(classes=...) of the data set.')
