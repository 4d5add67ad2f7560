import re
from pathlib import Path

import pytest
from aimless import SHIPPED, SMALL, save

TOOL = 'analysis/attention_in_boxes.py'


def test_aimless_attention_reaches_one(run_tool, tmp_path, capsys):
    run_tool(TOOL, SHIPPED, save(SHIPPED, tmp_path / 'weights.pth'), '--maps',
             'BottomUp', 'ClassAttention', 'TopDown', *SMALL)
    table = capsys.readouterr().out
    for kind in ('BottomUp', 'ClassAttention', 'TopDown'):
        assert re.search(
            rf'{Path(SHIPPED).stem} \| {kind} '
            r'\| 20 \| 1.00 \| 0.00 \| 1.00 \|', table)


def test_bad_input(run_tool, config, tmp_path):
    with pytest.raises(SystemExit, match='`gt_bboxes` of the data samples'):
        run_tool(TOOL, config, save(config, tmp_path / 'weights.pth'))
    with pytest.raises(SystemExit, match='needs its CHECKPOINT'):
        run_tool(TOOL, config)
