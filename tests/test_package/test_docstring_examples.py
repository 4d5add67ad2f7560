"""Every part that a config can name shows how it is used, and it works."""
import doctest
import pkgutil
from importlib import import_module

import pytest
from mmengine.logging import MMLogger

import mmmix.functional
import mmmix.models
import mmmix.structures
from mmmix.models import AttentionMap, BatchMixer, Guide, LabelRule, MixLoss
from mmmix.registry import BATCH_AUGMENTS, MODELS, TASK_UTILS

KINDS = {
    BATCH_AUGMENTS: (BatchMixer, ),
    MODELS: (LabelRule, MixLoss),
    TASK_UTILS: (Guide, AttentionMap),
}


def parts():
    """Registered classes of mmmix of the kinds above."""
    return [
        part for registry, kinds in KINDS.items()
        for part in registry.module_dict.values()
        if part.__module__.startswith('mmmix.') and issubclass(part, kinds)
    ]


def examples_of(name):
    """The examples of a module, by docstring."""
    return [
        test for test in doctest.DocTestFinder().find(import_module(name))
        if test.examples
    ]


def modules():
    """Names of the modules that hold examples."""
    names = ['mmmix.errors', 'mmmix.progress']
    for package in (mmmix.functional, mmmix.models, mmmix.structures):
        names += [
            module.name for module in pkgutil.walk_packages(
                package.__path__, f'{package.__name__}.')
        ]
    return [n for n in names if examples_of(n)]


@pytest.mark.parametrize('part', parts(), ids=lambda part: part.__name__)
def test_a_registered_part_has_an_example(part):
    assert doctest.DocTestParser().get_examples(part.__doc__)


@pytest.mark.parametrize('name', modules())
def test_examples_work(name):
    # made within an example, its lines would be the example's output
    MMLogger.get_current_instance()
    for test in examples_of(name):
        report = []
        runner = doctest.DocTestRunner(verbose=False)
        runner.run(test, out=report.append)
        assert runner.summarize(verbose=False).failed == 0, ''.join(report)


def test_all_kinds_are_found():
    for kind in {*sum(KINDS.values(), ())}:
        assert any(issubclass(part, kind) for part in parts()), kind
