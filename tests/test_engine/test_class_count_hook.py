from types import SimpleNamespace

import pytest
from torch import nn

from mmmix.engine.hooks import ClassCountHook


def runner_of(num_classes, names):
    """What the hook reads of a runner."""
    head = nn.Conv2d(1, 1, 1)
    head.num_classes = num_classes
    dataset = SimpleNamespace(metainfo=dict(classes=names))
    loader = SimpleNamespace(dataset=dataset)
    return SimpleNamespace(
        model=nn.ModuleDict(dict(decode_head=head, backbone=nn.Identity())),
        train_dataloader=loader,
        val_loop=None,
        val_dataloader=loader,
        test_dataloader=loader)


@pytest.mark.parametrize('moment', ['train', 'val', 'test'])
def test_numbers_of_classes_are_compared(moment):
    check = getattr(ClassCountHook(), f'before_{moment}')
    check(runner_of(2, ('a', 'b')))
    check(runner_of(2, None))
    for num_classes in (1, 3):
        with pytest.raises(
                ValueError,
                match=f'decode_head has num_classes={num_classes}, but the '
                'SimpleNamespace has 2 classes'):
            check(runner_of(num_classes, ('a', 'b')))


def test_validation_is_checked_before_the_training():
    runner = runner_of(2, ('a', 'b'))
    runner.val_dataloader = runner_of(2, ('a', )).val_dataloader
    ClassCountHook().before_train(runner)
    runner.val_loop = runner.val_dataloader
    with pytest.raises(ValueError, match='has 1 classes'):
        ClassCountHook().before_train(runner)
