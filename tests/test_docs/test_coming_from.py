"""docs/coming_from.md names what there is, on both sides."""
import inspect
import re
from pathlib import Path

import mmpretrain.models
import pytest
from torchvision.transforms import v2

from mmmix.models import BatchMixer
from mmmix.registry import (BATCH_AUGMENTS, DATASETS, HOOKS, MODELS,
                            TASK_UTILS, TRANSFORMS)

TEXT = (Path(__file__).parents[2] / 'docs/coming_from.md').read_text('utf-8')
CODE = re.compile(r'`([^`\n]+)`')


def first_column(heading):
    """The code in the first column of a section's table."""
    section = re.search(rf'^## {heading}\n(.*?)(?=^## |\Z)', TEXT,
                        re.M | re.S)[1]
    rows = re.findall(r'^\| (.*?) \| ', section, re.M)
    return [code for row in rows for code in CODE.findall(row)]


def arguments(codes):
    """The names of arguments such as ``alpha=1.``."""
    return {code.split('=')[0] for code in codes if re.match(r'\w+=', code)}


def test_parts_of_mmmix_exist():
    names = {*re.findall(r'mmmix\.([A-Z]\w+)', TEXT)}
    known = {
        name
        for registry in (BATCH_AUGMENTS, DATASETS, HOOKS, MODELS, TASK_UTILS,
                         TRANSFORMS)
        for name in registry.module_dict
    }
    assert len(names) >= 20
    assert names <= known


def test_mixers_that_are_written_out_build():
    configs = [c for c in CODE.findall(TEXT) if c.startswith("dict(type='mm")]
    built = [BATCH_AUGMENTS.build(eval(c)) for c in configs]
    assert len(built) > 5
    assert all(isinstance(mixer, BatchMixer) for mixer in built)


def test_arguments_of_timm_exist():
    mixup = pytest.importorskip('timm.data').Mixup
    named = arguments(first_column('timm')) | {'prob', 'num_classes'}
    assert len(named) > 5
    assert named <= {*inspect.signature(mixup).parameters}


def test_arguments_of_mmpretrain_and_torchvision_exist():
    for heading, module in (('MMPretrain', mmpretrain.models), ('torchvision',
                                                                v2)):
        calls = [
            re.match(r'([A-Z]\w+)\((.*)\)$', code)
            for code in first_column(heading)
        ]
        calls = [call for call in calls if call]
        assert calls
        for call in calls:
            part = getattr(module, call[1],
                           None) or BATCH_AUGMENTS.get(f'mmpretrain.{call[1]}')
            assert arguments(call[2].split(', ')) <= {
                *inspect.signature(part).parameters
            }, call[0]
