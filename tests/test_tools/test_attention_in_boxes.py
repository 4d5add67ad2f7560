import re
from pathlib import Path

import pytest
import torch

from mmmix.cli import build_model, load_config

TOOL = 'analysis/attention_in_boxes.py'
# its pipeline packs boxes
SHIPPED = 'vanilla/vit-xs_vanilla_1xb64-10e_synthetic.py'
SMALL = ['--cfg-options', 'val_dataloader.dataset.num_images=20']
TWENTY = {'model.head.num_classes': 20, 'data_preprocessor.num_classes': 20}


def save(config, path, options=None):
    """Weights without queries: all patches are attended to alike."""
    model = build_model(load_config(config, options))
    with torch.no_grad():
        model.backbone.layers[-1].attn.qkv.weight.zero_()
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return path


def test_aimless_attention_reaches_one(run_tool, tmp_path, capsys):
    run_tool(TOOL, SHIPPED, save(SHIPPED, tmp_path / 'weights.pth'), '--maps',
             'BottomUp', 'ClassAttention', 'TopDown', *SMALL)
    table = capsys.readouterr().out
    for kind in ('BottomUp', 'ClassAttention', 'TopDown'):
        assert re.search(
            rf'{Path(SHIPPED).stem} \| {kind} '
            r'\| 20 \| 1.00 \| 0.00 \| 1.00 \|', table)


def test_labels_of_another_number_of_classes(run_tool, tmp_path):
    path = save(SHIPPED, tmp_path / 'weights.pth', TWENTY)
    common = [
        TOOL, SHIPPED, path, *SMALL, *(f'{k}={v}' for k, v in TWENTY.items())
    ]
    run_tool(*common)  # maps that depend on no label
    with pytest.raises(
            SystemExit, match='knows 20 classes, but the data set has 10'):
        run_tool(*common, '--maps', 'BottomUp', 'TopDown')


def test_bad_input(run_tool, config, tmp_path):
    with pytest.raises(SystemExit, match='`gt_bboxes` of the data samples'):
        run_tool(TOOL, config, save(config, tmp_path / 'weights.pth'))
    with pytest.raises(SystemExit, match='needs its CHECKPOINT'):
        run_tool(TOOL, config)
