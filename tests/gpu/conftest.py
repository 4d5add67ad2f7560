"""What only a GPU can tell. On any other machine these tests are skipped."""
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    if torch.cuda.is_available():
        return
    skipped = pytest.mark.skip(
        reason='tests/gpu need a GPU: torch.cuda.is_available() is False')
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(skipped)


@pytest.fixture(autouse=True)
def full_precision():
    """By default cuDNN rounds the factors of a convolution to 10 bits."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


@pytest.fixture(autouse=True)
def no_sync_debug_mode_left():
    yield
    if torch.cuda.is_available():
        torch.cuda.set_sync_debug_mode('default')
