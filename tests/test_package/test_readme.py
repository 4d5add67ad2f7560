"""What the README shows works as printed."""
import re
from pathlib import Path

from mmengine.config import Config

import mmmix  # noqa: F401
from mmmix.registry import MODELS

ROOT = Path(__file__).parents[2]
README = (ROOT / 'README.md').read_text(encoding='utf-8')


def test_the_variant_builds(tmp_path):
    variant = re.search(r'```python\n(_base_ = .*?)```', README, re.S)[1]
    path = tmp_path / 'variant.py'
    path.write_text(variant)
    model = MODELS.build(Config.fromfile(path).model)
    assert set(model.head.mix_losses) == {'fine'}
    guides = model.data_preprocessor.guides
    assert {type(guide).__name__ for guide in guides.values()} == {'EMAGuide'}


def test_every_file_that_is_named_exists():
    links = re.findall(r'\]\(([^)#:]+)\)', README)
    paths = re.findall(r'(?:bash|python) (tools/[\w./-]+)', README)
    configs = re.findall(r'configs/\S+\.py', README)
    assert links and paths and configs
    for path in (*links, *paths, *configs):
        assert (ROOT / path).exists(), path
