import runpy
import sys
from pathlib import Path

import pytest
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

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
    kinds = MessageHub, MMLogger, DefaultScope, Visualizer
    before = [kind._instance_dict.copy() for kind in kinds]
    monkeypatch.chdir(folder)

    def run(name, *arguments):
        # two runs that start in one second would share a log
        for kind, instances in zip(kinds, before):
            monkeypatch.setattr(kind, '_instance_dict', instances.copy())
        monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
        runpy.run_path(str(TOOLS / name), run_name='__main__')

    return run
