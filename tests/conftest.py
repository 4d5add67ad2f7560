"""For all tests: one thread, one seed and no scope, hub or log level of
an earlier test, so that a test repeats alone."""
import gc
import random
from functools import lru_cache

import numpy as np
import pytest
import torch
from mmengine.config import utils
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer
from yapf.yapflib import yapf_api

# MMEngine reads all metafiles of a package for each file that a config takes
# from there
utils.load = lru_cache(maxsize=None)(utils.load)
# such small models only wait for a second one
torch.set_num_threads(1)

# whole folders that `make test-fast` leaves out, beside the tests marked slow
SLOW_FOLDERS = ('test_analysis', 'test_configs', 'test_dev_scripts',
                'test_docs', 'test_distributed', 'test_package',
                'test_playground', 'test_preflight', 'test_reported',
                'test_tools', 'test_transfer')


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent.name in SLOW_FOLDERS:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True, scope='module')
def no_old_objects_searched():
    """MMEngine collects garbage for each data set, among all objects of all
    tests, which takes longer than a short training."""
    gc.freeze()


@pytest.fixture(autouse=True)
def no_config_laid_out(monkeypatch):
    """MMEngine has yapf format the config of a run several times, also for
    each checkpoint, which takes longer than a short training."""
    monkeypatch.setattr(yapf_api, 'FormatCode', lambda text, **_:
                        (text, False))


@pytest.fixture(autouse=True)
def nothing_current_left():
    """No scope; no hub, by whose seed and iteration mixers draw; and no
    visualizer, which would write to the folder of an earlier test."""
    kinds = DefaultScope, MessageHub, Visualizer
    before = [kind._instance_dict for kind in kinds]
    for kind in kinds:
        kind._instance_dict = type(kind._instance_dict)()
    yield
    for kind, instances in zip(kinds, before):
        kind._instance_dict = instances


@pytest.fixture(autouse=True)
def no_level_left():
    """Tools are quiet, and set the level of a logger that others share."""
    levels = {log: log.level for log in MMLogger._instance_dict.values()}
    yield
    for log in MMLogger._instance_dict.values():
        log.setLevel(levels.get(log, 0))


@pytest.fixture(autouse=True)
def fixed_seed():
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
