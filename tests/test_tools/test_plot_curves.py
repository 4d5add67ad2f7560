import json

import cv2
import pytest


TOOL = 'visualization/plot_curves.py'


def write_log(work_dir, rows):
    log = work_dir / '20260101_000000/vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text('\n'.join(map(json.dumps, rows)))


def test_runs_with_different_losses_share_a_picture(run_tool, tmp_path):
    for name, losses in (('cutmix', {}), ('smmix', dict(loss_fine=2.))):
        write_log(tmp_path / name, [
            dict(loss=3., epoch=1, step=50, **losses),
            {'accuracy/top1': 20., 'step': 1}
        ])
    run_tool(TOOL, tmp_path / 'cutmix', tmp_path / 'smmix', '--out',
             tmp_path / 'curves.png')
    height, width, _ = cv2.imread(str(tmp_path / 'curves.png')).shape
    assert width > 2.5 * height  # three panels: loss, accuracy, loss_fine


def test_a_folder_without_a_log_is_named(run_tool, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run_tool(TOOL, tmp_path, '--out', tmp_path / 'curves.png')
    assert f'No log of a run below {tmp_path}' in capsys.readouterr().err
