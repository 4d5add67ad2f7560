"""The configs that need no data pass the preflight."""
from pathlib import Path

import pytest
from inputs import check

from mmmix.cli import load_config

ROOT = Path(__file__).parents[2] / 'configs'
SMALL = {
    f'{split}_dataloader.dataset.num_images': n
    for split, n in (('train', 64), ('val', 20), ('test', 20))
}


@pytest.mark.parametrize(
    'path', sorted(ROOT.glob('*/*_synthetic.py')), ids=lambda path: path.stem)
def test_classification(path):
    report = check(load_config(str(path), SMALL))
    assert report.passed and not report.findings, str(report)


@pytest.mark.downstream
@pytest.mark.parametrize(
    'path',
    sorted(ROOT.glob('downstream/small/*_synthetic.py')),
    ids=lambda path: path.stem)
def test_dense(path):
    for toolbox in ('mmseg', 'mmdet'):
        pytest.importorskip(toolbox)
    cfg = load_config(str(path), SMALL)
    gone = check(cfg)
    assert 'no checkpoint work_dirs/' in str(gone) and not gone.passed
    cfg.model.backbone.init_cfg = None
    assert check(cfg).passed
