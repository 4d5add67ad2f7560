"""Two CPU processes agree where they must with every label rule, and with a
mixer that learns."""
from pathlib import Path

import pytest
import torch
from launching import fork

SCRIPT = Path(__file__).parent / 'ruled_steps.py'


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    """What both ranks noted."""
    folder = tmp_path_factory.mktemp('ranks')
    fork(SCRIPT, folder)
    return [torch.load(folder / f'rank{rank}.pt') for rank in (0, 1)]


@pytest.mark.parametrize('rule',
                         ['transmix', 'learnable', 'random_beta', 'automix'])
def test_ranks_hold_equal_weights_after_each_step(ranks, rule):
    before = None
    for one, other in zip(*(rank[rule] for rank in ranks)):
        assert one['mixer'] == other['mixer']
        for name, weight in one['weights'].items():
            assert torch.equal(weight, other['weights'][name]), name
        assert before is None or not torch.equal(
            before, one['weights']['backbone.pos_embed'])
        before = one['weights']['backbone.pos_embed']
    mixer = 'AutoMix' if rule == 'automix' else 'SMMix'
    assert {note['mixer'] for note in ranks[0][rule]} == {mixer, 'Mixup'}


def test_the_block_rests_in_steps_of_another_mixer(ranks):
    before = None
    for note in ranks[0]['automix']:
        weight = note['weights']['mixers.AutoMix.value.weight']
        if before is not None:
            assert torch.equal(weight, before) == (note['mixer'] == 'Mixup')
        before = weight


def test_the_learnable_factor_rests_in_steps_without_the_rule(ranks):
    """And is still in step on both ranks."""
    before = None
    for note in ranks[0]['learnable']:
        logit = note['weights']['head.label_rule.logit']
        if before is not None:
            assert (logit == before).item() == (note['mixer'] == 'Mixup')
        before = logit


def test_each_rank_draws_a_beta_of_its_own(ranks):
    drawn = [[note['drawn'] for note in rank['random_beta']] for rank in ranks]
    assert len({*drawn[0], *drawn[1]}) == 8
