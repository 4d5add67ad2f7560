"""A preflight leaves no trace: states, files, weights, memory of the scope."""
import random

import numpy as np
import pytest
import torch
from inputs import check, folders, pets, tiny
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope

from mmmix.cli.preflight import Finding, Report
from mmmix.cli.preflight.finding import finding_of
from mmmix.errors import MmmixError


def states():
    return (random.getstate(), np.random.get_state()[1].tolist(),
            torch.get_rng_state().tolist(),
            MMLogger.get_current_instance().level,
            getattr(DefaultScope.get_current_instance(), 'scope_name', None))


@pytest.mark.parametrize('changes', [{}, {'model.head.in_channels': 3}])
def test_states_config_and_files(tmp_path, monkeypatch, changes, capsys):
    monkeypatch.chdir(tmp_path)
    cfg = pets(folders(tmp_path / 'data' / 'train').parent, changes)
    check(cfg)  # sets the defaults of the loaders
    files = sorted(tmp_path.rglob('*'))
    before, text, hub = states(), cfg.dump(), dict(MessageHub._instance_dict)
    capsys.readouterr()
    report = check(cfg)
    assert report.passed == (not changes)
    assert states() == before and cfg.dump() == text
    assert sorted(tmp_path.rglob('*')) == files
    assert MessageHub._instance_dict == hub
    assert capsys.readouterr() == ('', '')


def test_it_repeats_itself():
    one, other = (check(tiny()) for _ in range(2))
    assert one.looked_at == other.looked_at


def test_the_report():
    report = Report('a.py', ['train: 3 images'], [
        Finding('too many', 'data/list.txt'),
        Finding('odd\nlayout', 'train_cfg', False)
    ], 2.34)
    assert str(report) == ('Preflight of a.py\n'
                           '  looked at train: 3 images\n'
                           '  warning: train_cfg: odd\n'
                           '    layout\n'
                           '  problem: data/list.txt: too many\n'
                           'Preflight: 1 problem (2.3 s)')


def test_an_error_of_a_library_is_one_line():
    try:
        torch.zeros(2) @ torch.zeros(3)
    except RuntimeError as error:
        what = finding_of(error, 'here').what
    assert what.startswith('RuntimeError: ') and '\n' not in what
    assert 'test_untouched.py, line' in what
    assert finding_of(MmmixError('Set it.'), 'here').what == 'Set it.'
