import json

import cv2
import numpy as np
import pytest
import torch

from mmmix.analysis import OutOfDistribution
from mmmix.cli import build_model, load_config

TOOL = 'analysis/out_of_distribution.py'
HEAD = [f'n{i:02d}' for i in range(10)]  # of the ten classes of the config
SMALL = ['--cfg-options', 'test_dataloader.dataset.num_images=20']


def save(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((32, 32, 3), 90, dtype=np.uint8))


@pytest.fixture
def checkpoint(config, tmp_path):
    """A model that answers class 2, else class 5, whatever it sees."""
    model = build_model(load_config(config))
    with torch.no_grad():
        layer = model.head.layers.head
        layer.weight.zero_()
        layer.bias.fill_(-100)
        layer.bias[2], layer.bias[5] = 2, 1
    path = tmp_path / 'weights.pth'
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return path


@pytest.fixture
def model(config, checkpoint, tmp_path):
    """The arguments that name it, and its wnids."""
    (tmp_path / 'wnids.txt').write_text('\n'.join(HEAD))
    return [config, checkpoint, '--wnids', 'wnids.txt']


@pytest.fixture
def data(tmp_path, config):
    """Three images of class 5, one of class 8, two of a foreign class."""
    for name in ('n05/a.png', 'n05/b.png', 'n05/c.png', 'n08/a.png',
                 'm01/a.png', 'm01/b.png'):
        save(tmp_path / 'data' / name)
    for name in ('n05', 'n08'):
        (tmp_path / 'known').mkdir(exist_ok=True)
        (tmp_path / 'known' / name).symlink_to(tmp_path / 'data' / name)
    return tmp_path


def result(out):
    content = json.loads((out.with_suffix('.json')).read_text())
    return next(iter(content['checkpoints'].values()))


def test_accuracy_and_calibration(run_tool, model, data, capsys):
    run_tool(TOOL, *model, '--sets', 'mine=known', '--out', 'out/ood')
    mine = result(data / 'out' / 'ood')['mine']
    # among the classes 5 and 8 the answer is 5, without doubt
    assert mine['top1'] == 75 and mine['top1_all_classes'] == 0
    assert mine['rms_calibration_error'] == pytest.approx(25)
    # all four tie, so each response rate has the accuracy of all
    assert mine['aurra'] == pytest.approx(75)
    assert (mine['images'], mine['classes']) == (4, 2)
    assert mine['rms_calibration_error_public_code'] is None
    assert (data / 'out' / 'ood.png').stat().st_size > 1000
    output = capsys.readouterr().out
    assert '| 75.00 | 25.00 | 75.00 |' in output
    assert 'mine: 4 images, 2 classes.' in output


def test_all_classes_may_answer(run_tool, model, data):
    run_tool(TOOL, *model, '--sets', 'mine=known', '--all-classes', '--out',
             'out')
    mine = result(data / 'out')['mine']
    confidence = 1 / (1 + np.exp(-1))  # class 2 before class 5
    assert mine['top1'] == 0
    assert mine['rms_calibration_error'] == pytest.approx(
        100 * confidence, rel=1e-5)


def test_foreign_images(run_tool, model, data, capsys):
    pytest.importorskip('sklearn')
    run_tool(TOOL, *model, '--foreign', 'other=data', '--test-set', '--out',
             'out', *SMALL)
    found = result(data / 'out')
    # one confidence for all images: a guess
    assert found['other']['aupr'] == pytest.approx(100 * 2 / 22)
    assert found['other']['aupr_of_a_guess'] == pytest.approx(100 * 2 / 22)
    assert found['other']['images_inside'] == 20
    assert found['test']['top1'] == 10  # of ten classes class 2
    output = capsys.readouterr().out
    assert 'of 6 images 4 were left out: images of classes that the head has' \
        in output
    assert '2 foreign images, the positives, against 20 test images' in output


def test_some_test_images_are_of_all_classes(run_tool, model, data,
                                             monkeypatch):
    """Not every tenth, which is of one class where the labels cycle."""
    pytest.importorskip('sklearn')
    show, labels = OutOfDistribution._show, []

    def recorded(*args):
        answers = show(*args)
        labels.append(set(answers[3].tolist()))
        return answers

    monkeypatch.setattr(OutOfDistribution, '_show', recorded)
    foreign = [
        TOOL, *model, '--foreign', 'other=data', '--cfg-options',
        'test_dataloader.dataset.num_images=300'
    ]
    run_tool(*foreign, '--num-images', 30)
    assert len(labels[0]) > 5 and labels[1] == {-1}
    with pytest.raises(SystemExit, match='between 1 and 300, not -1'):
        run_tool(*foreign, '--num-images', -1)


def test_images_out_of_a_relative_of_imagenet(run_tool, model, data, capsys):
    """Its folders name known classes; only their test images compare."""
    pytest.importorskip('sklearn')
    run_tool(TOOL, *model, '--sets', 'O=known', '--allow-partial', '--out',
             'out', *SMALL)
    found = result(data / 'out')['O']
    assert (found['images_inside'], found['images_outside']) == (4, 4)
    assert found['classes'] == 2
    assert 'a part only, 4 of 2,000 images, 2 of 200 classes' in (
        capsys.readouterr().out)


def test_known_only(run_tool, model, data, capsys):
    run_tool(TOOL, *model, '--sets', 'mine=data', '--known-only', '--out',
             'out')
    assert result(data / 'out')['mine']['images'] == 4
    assert '2 were left out: images of classes that the head does not have' \
        in capsys.readouterr().out


def test_list_of_images(run_tool, model, data):
    (data / 'list').mkdir()
    (data / 'data' / 'n05').rename(data / 'list' / 'images')
    (data / 'list' / 'labels.txt').write_text('a.png\tn05\nb.png\tn08\n')
    run_tool(TOOL, *model, '--sets', 'mine=list/labels.txt', '--out', 'out')
    mine = result(data / 'out')['mine']
    assert mine['top1'] == 50 and mine['images'] == 2


@pytest.mark.parametrize('arguments, message', [
    ([], 'nothing to measure'),
    (['--sets', 'mine'], "NAME=PATH.*'mine'"),
    (['--sets', 'mine=gone'], 'mine is not at gone'),
    (['--sets', 'mine=data'], '1 of the 3 classes.*m01.*--known-only'),
    (['--sets', 'A=known'], '4 images of 2 classes.*7,500 of 200.*'
     '--allow-partial'),
    (['--sets', 'a=known', '--foreign', 'a=data'], 'a does not fit'),
    (['--sets', 'a=known', '--as-they-are', 'b'], 'b does not fit'),
    (['--foreign', 'a=known'], 'None of the 4 images'),
])
def test_bad_input(run_tool, model, data, arguments, message):
    with pytest.raises(SystemExit, match=message):
        run_tool(TOOL, *model, *arguments)


@pytest.mark.parametrize('line, message', [
    ('test_dataloader = None', 'has no test_dataloader'),
    ("test_dataloader = dict(dataset=dict(_delete_=True, type='ConcatDataset',"
     ' datasets=[_base_.test_dataloader.dataset]))',
     'a ConcatDataset, has no pipeline of its own'),
])
@pytest.mark.parametrize('option', ['--sets', '--foreign'])
def test_test_sets_that_prepare_no_image(run_tool, model, data, option, line,
                                         message):
    (data / 'other.py').write_text(f'_base_ = {model[0]!r}\n{line}\n')
    with pytest.raises(SystemExit, match=message):
        run_tool(TOOL, 'other.py', *model[1:], option, 'mine=data')


def test_wnids_that_do_not_fit(run_tool, model, data):
    sets = ['--sets', 'mine=known']
    with pytest.raises(SystemExit, match='does not say their wnids.*--wnids'):
        run_tool(TOOL, *model[:2], *sets, *SMALL)
    (data / 'wnids.txt').write_text('n01\nn02\n')
    with pytest.raises(SystemExit, match='2 wnids for the 10 classes'):
        run_tool(TOOL, *model, *sets)
