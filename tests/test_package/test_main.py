"""``python -m mmmix``."""
import subprocess
import sys
from pathlib import Path

import pytest

from mmmix.__main__ import TOOLS, main
from mmmix.environment import shipped


def test_help_lists_every_command():
    done = subprocess.run([sys.executable, '-m', 'mmmix', '--help'],
                          capture_output=True,
                          text=True,
                          check=True)
    assert done.stderr == ''
    for command in TOOLS:
        assert f'  {command} ' in done.stdout


@pytest.mark.parametrize('command', TOOLS)
def test_command_hands_its_arguments_on(command, capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', [])
    with pytest.raises(SystemExit) as stop:
        main([command, '--help'])
    assert stop.value.code == 0
    assert Path(TOOLS[command][0]).name in capsys.readouterr().out


def test_unknown_command_is_refused():
    with pytest.raises(SystemExit, match='unknown command: trian'):
        main(['trian', 'config.py'])


def test_missing_file_says_where_it_was_looked_for():
    with pytest.raises(FileNotFoundError, match='configs/no.py is neither in'):
        shipped('configs/no.py')
