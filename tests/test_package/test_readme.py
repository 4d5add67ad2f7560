"""What the README and the page of combinations show works as printed."""
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

import mmmix  # noqa: F401
from mmmix.__main__ import find_tools
from mmmix.registry import MODELS

ROOT = Path(__file__).parents[2]
README = (ROOT / 'README.md').read_text(encoding='utf-8')
COMBINATIONS = (ROOT / 'docs/combinations.md').read_text(encoding='utf-8')
BLOCKS = re.findall(r'```(\w+)\n(.*?)```', README, re.S)


def block(language, start, text=README):
    """The code of the block that begins so."""
    return re.search(rf'```{language}\n({start}.*?)```', text, re.S)[1]


def model_of(config, folder):
    path = folder / 'own.py'
    path.write_text(config)
    return MODELS.build(Config.fromfile(path).model)


def test_the_lines_of_plain_pytorch_run():
    pytest.importorskip('timm')
    code = block('python', 'import')
    assert len([line for line in code.splitlines() if line.strip()]) <= 11
    names = {}
    exec(code, names)
    assert names['mixed'].shape == (8, 3, 224, 224)
    torch.testing.assert_close(names['mixed_targets'].sum(1), torch.ones(8))
    assert all(p.grad is not None for p in names['model'].parameters())


def test_the_config_of_mmpretrain_builds(tmp_path):
    config = block('python', '_base_')
    assert len(config.splitlines()) <= 12
    model = model_of(config, tmp_path)
    assert set(model.head.mix_losses) == {'fine', 'consistency'}
    mixer, = model.data_preprocessor.batch_augments.augments
    assert type(mixer).__name__ == 'SMMix'


def test_the_variant_builds(tmp_path):
    model = model_of(block('python', '_base_', COMBINATIONS), tmp_path)
    assert set(model.head.mix_losses) == {'fine'}
    guides = model.data_preprocessor.guides
    assert {type(guide).__name__ for guide in guides.values()} == {'EMAGuide'}


def test_the_first_two_commands():
    commands = [
        code.strip() for language, code in BLOCKS if language == 'bash'
    ]
    assert commands[:2] == [
        'bash tools/quickstart.sh', 'bash tools/run_tests.sh'
    ]


def test_every_file_and_command_that_is_named_exists():
    links = re.findall(r'\]\(([^)#:]+)[)#]', README)
    paths = re.findall(r'(?:bash|python) (tools/[\w./-]+)', README)
    assert len(links) > 60 and paths
    for path in (*links, *paths):
        assert (ROOT / path).exists(), path
    tools = {name for group in find_tools().values() for name in group}
    commands = re.findall(r'^mmmix ([\w-]+)', README, re.M)
    assert {'train', 'dist-train'} < set(commands)
    assert {*commands} - {'--help'} <= tools


def test_it_is_short():
    assert len(README.splitlines()) < 200
