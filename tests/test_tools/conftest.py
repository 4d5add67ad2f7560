import runpy
import sys
from pathlib import Path

import pytest
from anew import start_anew

from mmmix.progress import QUIET

TOOLS = Path(__file__).parents[2] / 'tools'


@pytest.fixture
def config():
    return str(Path(__file__).with_name('tiny_smmix.py'))


@pytest.fixture
def run_tool(monkeypatch, tmp_path):
    return tool_runner(monkeypatch, tmp_path)


def tool_runner(monkeypatch, folder):
    """Run a tool as its own process would, from an empty folder, without the
    seconds that a process needs to start."""
    monkeypatch.setenv(QUIET, '')  # what --quiet sets ends with the test
    monkeypatch.chdir(folder)

    def run(name, *arguments):
        # two runs that start in one second would share a log
        start_anew(monkeypatch.setattr)
        monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
        runpy.run_path(str(TOOLS / name), run_name='__main__')

    return run
