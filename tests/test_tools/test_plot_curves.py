import json

import cv2
import pytest

from mmmix.visualization.curves import choose_panels, draw_curves, read_curves

TOOL = 'visualization/plot_curves.py'


def write_log(work_dir, rows, time='20260101_000000'):
    log = work_dir / time / 'vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text('\n'.join(map(json.dumps, rows)))
    return log


def test_runs_with_different_losses_share_a_picture(run_tool, tmp_path):
    for name, losses in (('cutmix', {}), ('smmix', dict(loss_fine=2.))):
        write_log(tmp_path / name, [
            dict(loss=3., epoch=1, step=50, **losses), {
                'accuracy/top1': 20.,
                'step': 1
            }
        ])
    run_tool(TOOL, tmp_path / 'cutmix', tmp_path / 'smmix', '--out',
             tmp_path / 'curves.png')
    height, width, _ = cv2.imread(str(tmp_path / 'curves.png')).shape
    assert width > 2.5 * height  # three panels: loss, accuracy, loss_fine


MIXED = [
    {'mix/alpha_mean': .2, 'epoch': 1, 'iter': 10, 'step': 10},
    {'histogram/alpha': [4, 0], 'epoch': 1, 'iter': 10, 'step': 10},
    {'mix/alpha_mean': .4, 'epoch': 1, 'iter': 20, 'step': 20},
    {'loss': 3., 'epoch': 1, 'iter': 20, 'step': 20},
    {'accuracy/top1': 20., 'step': 1},
    {'mix/alpha_mean': .5, 'epoch': 2, 'iter': 30, 'step': 30},
    {'histogram/alpha': [1, 2], 'epoch': 2, 'iter': 30, 'step': 30},
    {'histogram/alpha': [0, 1], 'epoch': 2, 'iter': 40, 'step': 40},
    {'loss': 2., 'epoch': 2, 'iter': 40, 'step': 40},
    {'accuracy/top1': 45., 'step': 2}]  # yapf: disable


def drawn(axis):
    line, = axis.get_lines()
    return [list(map(float, data)) for data in line.get_data()]


def test_error_alpha_and_its_histogram(tmp_path):
    write_log(tmp_path, MIXED)
    runs = dict(mixpro=read_curves(tmp_path))
    names = ['error/top1', 'mix/alpha_mean', 'loss', 'histogram/alpha']
    error, alpha, loss, histogram = draw_curves(runs, names).axes
    assert drawn(error) == [[1, 2], [80, 55]]
    # of what was mixed the mean of an epoch
    assert drawn(alpha) == [[1, 2], [pytest.approx(.3), .5]]
    assert drawn(loss) == [[1, 2], [3, 2]]
    # the last epoch alone
    shares = histogram.patches[0].get_data()
    assert list(shares.values) == [.25, .75]
    assert list(shares.edges) == [0, .5, 1]
    error, alpha, *_ = draw_curves(runs, names, 'iteration').axes
    assert drawn(error) == [[20, 40], [80, 55]]
    assert drawn(alpha) == [[10, 20, 30], [.2, .4, .5]]
    # by default what a reader looks for, but no histogram
    assert choose_panels(runs,
                         None) == ['mix/alpha_mean', 'loss', 'accuracy/top1']


def test_runs_by_iteration(run_tool, tmp_path):
    rows = [
        {'loss': 3., 'iter': 50, 'step': 50},
        {'histogram/alpha': [2, 0], 'iter': 50, 'step': 50},
        {'accuracy/top1': 20., 'step': 50},
        {'loss': 2., 'iter': 100, 'step': 100},
        {'histogram/alpha': [0, 2], 'iter': 100, 'step': 100}]  # yapf: disable
    write_log(tmp_path / 'iterations', rows)
    write_log(tmp_path / 'epochs', MIXED)
    runs = {'it': read_curves(tmp_path / 'iterations')}
    names = ['loss', 'accuracy/top1', 'histogram/alpha']
    loss, accuracy, histogram = draw_curves(runs, names).axes
    assert drawn(loss) == [[50, 100], [3, 2]]
    assert drawn(accuracy) == [[50], [20]]
    assert loss.get_xlabel() == accuracy.get_xlabel() == 'iteration'
    assert histogram.get_ylabel() == 'share, iteration 100'
    assert list(histogram.patches[0].get_data().values) == [0, 1]
    both = [TOOL, tmp_path / 'iterations', tmp_path / 'epochs']
    with pytest.raises(SystemExit, match='iterations logged no epochs'):
        run_tool(*both)
    run_tool(*both, '--by', 'iteration')


def test_panels_that_do_not_fill_a_row(tmp_path):
    write_log(tmp_path, [dict(step=1, **{f'loss_{i}': 1. for i in range(5)})])
    runs = dict(run=read_curves(tmp_path))
    names = choose_panels(runs, None)
    assert len(draw_curves(runs, names).axes) == 5


def test_bad_input(run_tool, tmp_path):
    with pytest.raises(SystemExit, match=f'No log of a run below {tmp_path}'):
        run_tool(TOOL, tmp_path, '--out', tmp_path / 'curves.png')
    log = write_log(tmp_path / 'run', [dict(loss=1., step=1)] * 2)
    with pytest.raises(
            SystemExit,
            match='logged mix/alpha_mean; there are '
            'loss. .*MixStatisticsHook'):
        run_tool(TOOL, tmp_path / 'run', '--panels', 'mix/alpha_mean')
    with pytest.raises(SystemExit, match='must differ'):
        run_tool(TOOL, tmp_path / 'run', tmp_path / 'run')
    log.write_text('{"step": 1, "lo\n{"step": 1}\n')
    with pytest.raises(SystemExit, match='Line 1 of .* is broken'):
        run_tool(TOOL, tmp_path / 'run')
    # a run that was stopped while it wrote
    log.write_text('{"step": 1, "loss": 1}\n{"step"')
    run_tool(TOOL, tmp_path / 'run')


def test_a_resumed_run_is_one_curve(tmp_path):
    first = [
        dict(loss=4., epoch=1, iter=10, step=10), {
            'accuracy/top1': 20.,
            'step': 1
        },
        dict(loss=3., epoch=2, iter=20, step=20)
    ]
    later = [dict(loss=2., epoch=2, iter=20, step=20),
             {'accuracy/top1': 30., 'step': 2}]  # yapf: disable
    write_log(tmp_path, first, '20260101_000000')
    write_log(tmp_path, later, '20260102_000000')
    curves = read_curves(tmp_path)
    assert curves['loss'] == [(1, 10, 4.), (2, 20, 2.)]
    assert curves['accuracy/top1'] == [(1, 10, 20.), (2, 20, 30.)]
    # begun again from the start
    write_log(tmp_path, first[:2], '20260103_000000')
    assert read_curves(tmp_path)['loss'] == [(1, 10, 4.)]
