"""For all tests: one thread, one seed and no scope, hub or log level of
an earlier test, so that a test repeats alone."""
import gc
import random
from functools import lru_cache

import numpy as np
import pytest
import torch
from anew import start_anew
from mmengine.config import utils
from yapf.yapflib import yapf_api

# MMEngine reads all metafiles of a package for each file that a config takes
# from there
utils.load = lru_cache(maxsize=None)(utils.load)
# such small models only wait for a second one
torch.set_num_threads(1)
# the first backward pass starts a thread for each GPU, also for those that a
# compiler has pretended by then, and tests could not fork any more
torch.ones(1, requires_grad=True).sum().backward()

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
def nothing_current_left(monkeypatch):
    """No scope; no hub, by whose seed and iteration mixers draw; no logger
    that a tool made quiet; and no visualizer, which would write to the folder
    of an earlier test."""
    start_anew(monkeypatch.setattr)


@pytest.fixture(autouse=True)
def fixed_seed():
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
