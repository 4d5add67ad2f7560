"""No part lets the GPU wait, by torch's own account.

``tests/test_models/test_waiting_for_gpu.py`` asks a stand-in the same.
"""
import warnings
from contextlib import contextmanager

import one_step
import pytest
import torch


@contextmanager
def sync_debug_mode(mode):
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode(mode)
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


def warmed_up(name):
    """A model on the GPU that has taken a step: guides have moved there."""
    model = one_step.move(one_step.build(one_step.CASES[name]), 'cuda')
    losses, _ = one_step.losses_of(model, one_step.data(seed=1), 0)
    sum(losses.values()).backward()
    model.zero_grad()
    torch.cuda.synchronize()
    return model


@pytest.mark.filterwarnings('ignore:FrozenGuide has no checkpoint')
@pytest.mark.parametrize('name', one_step.CASES)
def test_a_step_waits_only_where_its_page_says_so(name):
    if name == 'PuzzleMix':
        pytest.importorskip('scipy')
    model = warmed_up(name)
    # an error in the first wait, or a warning for each of them
    expected = int(name in one_step.WAIT_ONCE)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        with sync_debug_mode('warn' if expected else 'error'):
            losses, _ = one_step.losses_of(model, one_step.data(), 1)
            sum(losses.values()).backward()
    waits = [
        warning for warning in caught
        if 'synchronizing CUDA operation' in str(warning.message)
    ]
    assert len(waits) == expected, [str(w.message) for w in waits]


def test_a_wait_is_noticed():
    with sync_debug_mode('error'), pytest.raises(
            RuntimeError, match='synchronizing CUDA operation'):
        torch.ones(2, device='cuda').sum().item()
