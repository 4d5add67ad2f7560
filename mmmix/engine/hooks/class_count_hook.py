from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch import nn

from mmmix.errors import MmmixError
from mmmix.registry import HOOKS


@HOOKS.register_module()
class ClassCountHook(Hook):
    """Check that heads and data set have the same number of classes.

    For segmentation and detection, where nothing else does: with too few
    classes training ends in an index error, with too many some stay empty.

    Raises:
        MmmixError: Before the first step, if they differ.
    """

    def before_train(self, runner) -> None:
        """Check the training set, and the validation set ahead of time."""
        self._check(runner, 'train_dataloader')
        if runner.val_loop is not None:
            self._check(runner, 'val_dataloader')

    def before_val(self, runner) -> None:
        """Check the validation set."""
        self._check(runner, 'val_dataloader')

    def before_test(self, runner) -> None:
        """Check the test set."""
        self._check(runner, 'test_dataloader')

    def _check(self, runner, loader: str) -> None:
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        check_class_count(model, getattr(runner, loader).dataset, loader)


def check_class_count(model: nn.Module, dataset, loader: str) -> None:
    """Raise a MmmixError if a head and the data set differ in the number of
    classes.

    Args:
        model (nn.Module): A segmentor or detector.
        dataset (mmengine.dataset.BaseDataset): With ``classes`` in its
            ``metainfo``; without them nothing is compared.
        loader (str): Name of its data loader, for the error message.
    """
    classes = dataset.metainfo.get('classes')
    if classes is None:
        return
    for name, head in model.named_modules():
        count = getattr(head, 'num_classes', None)
        # a region proposal head separates objects from background only
        if (count is None or 'head' not in name or 'rpn_head' in name
                or count == len(classes)):
            continue
        raise MmmixError(
            f'model.{name} has num_classes={count}, but the '
            f'{type(dataset).__name__} of {loader} has {len(classes)} '
            f'classes: {", ".join(map(str, classes[:3]))}'
            f'{", ..." if len(classes) > 3 else ""}. Make them agree: set '
            f'num_classes, or metainfo=dict(classes=...) of the data set.')
