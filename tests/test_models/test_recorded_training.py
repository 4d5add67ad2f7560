"""Losses and weights of short trainings are those on record."""
import json

import pytest
from recorded_training import RECORD, configs, machine, train

RECORDED = json.loads(RECORD.read_text())


@pytest.mark.parametrize('name', RECORDED['runs'])
def test_no_number_of_a_training_has_changed(name, tmp_path):
    recorded = RECORDED['runs'][name]
    found = train(configs(tmp_path)[name])
    assert len(found['losses']) == len(recorded['losses']) >= 10
    assert found['weights'].keys() == recorded['weights'].keys()
    for now, then in zip(found['losses'], recorded['losses']):
        assert now.keys() == then.keys()
    if machine() == RECORDED['machine']:
        assert found['losses'] == recorded['losses']
        for key, values in found['weights'].items():
            assert list(values) == recorded['weights'][key], key
        return
    for now, then in zip(found['losses'], recorded['losses']):
        assert now == pytest.approx(then, rel=1e-6, abs=1e-6)
    # the sum of the weights, beside the sum of their absolute values
    for key, (_, total, size) in found['weights'].items():
        _, total_then, size_then = recorded['weights'][key]
        assert abs(total - total_then) <= 1e-6 * size_then + 1e-12, key
        assert size == pytest.approx(size_then, rel=1e-6), key
