"""What long commands show of how far they are."""
import re
from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import IterBasedTrainLoop

from mmmix.cli import ProgressHook
from mmmix.progress import QUIET, Progress, track


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in (QUIET, 'NO_COLOR', 'FORCE_COLOR', 'TTY_COMPATIBLE'):
        monkeypatch.delenv(name, raising=False)


def test_lines_in_a_file(capsys):
    with Progress('looking', 2000, every=0) as progress:
        progress.advance(500)
        progress.say('a line [with brackets]')
    output, said = capsys.readouterr()
    assert output == ''  # results can be piped
    first, second = said.splitlines()
    assert re.fullmatch(
        r'looking: 500 of 2,000 images, [\d.,e+]+ images/s, \d+ s left', first)
    assert second == 'looking: a line [with brackets]'


def test_short_work_writes_nothing(capsys):
    assert [*track(range(5), 'counting')] == [0, 1, 2, 3, 4]
    assert capsys.readouterr() == ('', '')


def test_quiet(capsys, monkeypatch):
    monkeypatch.setenv(QUIET, '1')
    monkeypatch.setenv('FORCE_COLOR', '1')
    with Progress('looking', 2000, every=0) as progress:
        progress.advance(500)
        progress.say('a line')
    assert capsys.readouterr() == ('', '')


@pytest.mark.parametrize('colourless', [False, True])
def test_a_bar_on_a_terminal(capsys, monkeypatch, colourless):
    monkeypatch.setenv('FORCE_COLOR', '1')
    monkeypatch.setenv('COLUMNS', '120')
    if colourless:
        monkeypatch.setenv('NO_COLOR', '1')
    for _ in track(range(3), 'looking'):
        pass
    said = capsys.readouterr().err
    assert 'looking' in said and '100%' in said and 'images/s' in said
    assert ('\x1b[3' in said) is not colourless


def test_work_that_is_left_early_stops_its_bar(capsys, monkeypatch):
    monkeypatch.setenv('FORCE_COLOR', '1')
    for _ in track(range(3), 'looking'):
        break
    assert capsys.readouterr().err.count('\x1b[?25l') == 1  # hidden once
    for _ in track(range(3), 'again'):
        pass
    assert 'again' in capsys.readouterr().err


def test_a_run_in_iterations_reports_at_each_validation():
    """As those of segmentation are: they have one epoch."""
    said = []
    loop = IterBasedTrainLoop.__new__(IterBasedTrainLoop)
    runner = SimpleNamespace(
        iter=0,
        max_iters=4,
        epoch=0,
        max_epochs=1,
        train_loop=loop,
        logger=SimpleNamespace(info=said.append),
        message_hub=SimpleNamespace(
            get_scalar=lambda name: SimpleNamespace(mean=lambda steps: steps)))
    hook = ProgressHook()
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    for step in range(4):
        runner.iter = step + 1
        hook.after_train_iter(runner, step, dict(inputs=[0] * 8))
        if step % 2:
            hook.before_val_epoch(runner)
            hook.after_val_epoch(runner, dict(mIoU=20. + step))
    hook.after_train_epoch(runner)
    hook.after_train(runner)
    # the loss is the mean of the steps since the line before
    for i, line in enumerate(said):
        assert re.fullmatch(
            rf'iteration {2 * i + 2} of 4: loss 2.000, mIoU {21 + 2 * i}.0 %, '
            r'[\d,]+ images/s, 0 s left', line), line
    assert len(said) == 2


@pytest.mark.parametrize(
    'batch',
    [
        dict(inputs=[torch.zeros(4, 3, 8, 8)] * 2, data_samples=[None] * 4),
        dict(inputs=[[None] * 4] * 2, data_samples=[[None] * 4] * 2),
        dict(inputs=torch.zeros(4, 3, 8, 8)),
        dict(inputs=torch.zeros(4, 3, 8, 8), data_samples=torch.zeros(4, 2)),
        # of semi-supervised detection
        dict(
            inputs=dict(sup=[None] * 4, unsup_student=[None] * 4),
            data_samples=dict(sup=[None] * 4, unsup_student=[None] * 4)),
    ])
def test_views_of_an_image_are_one_image(batch):
    """Of pretraining by two views, and of a test that flips."""
    said = []
    runner = SimpleNamespace(logger=SimpleNamespace(info=said.append))
    hook = ProgressHook()
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0, batch)
    hook.after_test_epoch(runner, {})
    assert said[0].startswith('tested 4 images')
