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
    for key, (_, *sums) in found['weights'].items():
        assert sums == pytest.approx(
            recorded['weights'][key][1:], rel=1e-6, abs=1e-6), key
