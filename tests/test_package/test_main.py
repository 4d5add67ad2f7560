"""``mmmix`` and ``python -m mmmix``."""
import subprocess
import sys

import pytest

from mmmix.__main__ import GROUPS, ONLY_IN_CHECKOUT, find_tools, main
from mmmix.environment import shipped

TOOLS = {
    command: path
    for tools in find_tools().values()
    for command, path in tools.items()
}


def test_every_tool_is_a_command():
    found = {
        path
        for path in shipped('tools').rglob('*.*')
        if path.suffix in ('.py', '.sh') and path.name not in ONLY_IN_CHECKOUT
    }
    assert found == {*TOOLS.values()}
    assert len(find_tools()) == len(GROUPS)


def test_help_lists_every_command():
    # a process of its own, to see that nothing else is printed
    done = subprocess.run([sys.executable, '-m', 'mmmix', '--help'],
                          capture_output=True,
                          text=True,
                          check=True)
    assert done.stderr == ''
    lines = done.stdout.splitlines()
    for command in TOOLS:
        line, = (line for line in lines if line.startswith(f'  {command} '))
        assert len(line.split()) > 3  # and what it does
    assert '  train                   Train the model of a config' in lines
    assert any('dist-train' in line and line.endswith('on CPUs')
               for line in lines)


@pytest.mark.parametrize(
    'command', [name for name in TOOLS if TOOLS[name].suffix == '.py'])
def test_command_hands_its_arguments_on(command, capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', [])
    with pytest.raises(SystemExit) as stop:
        main([command, '--help'])
    assert stop.value.code == 0
    assert TOOLS[command].name in capsys.readouterr().out


def test_unknown_command_is_refused():
    with pytest.raises(SystemExit, match='unknown command: trian'):
        main(['trian', 'config.py'])


def test_missing_file_says_where_it_was_looked_for():
    with pytest.raises(FileNotFoundError, match='configs/no.py is neither in'):
        shipped('configs/no.py')
