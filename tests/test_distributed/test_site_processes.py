"""Two CPU processes that mix inside of the network, each where it draws."""
from pathlib import Path

import pytest
import torch
from launching import fork
from site_steps import FIELDS, LR, new_model

from mmmix.structures import MixedBatch

SCRIPT = Path(__file__).parent / 'site_steps.py'


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    """What both ranks noted."""
    folder = tmp_path_factory.mktemp('ranks')
    fork(SCRIPT, folder)
    return [torch.load(folder / f'rank{rank}.pt') for rank in (0, 1)]


def test_a_step_is_the_mean_of_both_processes(ranks):
    """As one process computes it, from what each has mixed."""
    for notes in zip(*ranks):
        gradients = []
        for note in notes:
            model = new_model().train()
            model.load_state_dict(note['before'], strict=False)
            mixed = MixedBatch(**{name: note[name] for name in FIELDS})
            logits = model.head(model.extract_mixed_feat(mixed)[0])
            model.head.loss_module(logits, mixed.mixed_labels()).backward()
            gradients.append({n: p.grad for n, p in model.named_parameters()})
        for name, weight in notes[0]['before'].items():
            mean = sum(each[name] for each in gradients) / 2
            for note in notes:
                torch.testing.assert_close(
                    note['after'][name],
                    weight - LR * mean,
                    atol=1e-6,
                    rtol=1e-5)


def test_processes_draw_different_sites(ranks):
    sites = [[note['site'] for note in notes] for notes in ranks]
    assert sites[0] != sites[1]
    assert {*sites[0], *sites[1]} == {None, 'layer1', 'layer2.0.conv2'}
