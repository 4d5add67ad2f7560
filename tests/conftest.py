"""For all tests: one thread and one seed, so that a test repeats alone."""
import random

import numpy as np
import pytest
import torch

# such small models only wait for a second one
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def fixed_seed():
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
