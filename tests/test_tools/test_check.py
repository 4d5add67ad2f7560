"""The preflight as the tools run it."""
import pytest
import torch

SMALL = [
    f'{split}_dataloader.dataset.num_images={n}'
    for split, n in (('train', 16), ('val', 8), ('test', 8))
]
BROKEN = [*SMALL, 'val_evaluator.topk=(1,50)']


def test_a_training_is_the_same_with_and_without(run_tool, config, tmp_path):
    weights = []
    for name, options in (('with', []), ('without', ['--no-preflight'])):
        run_tool('train.py', config, '--work-dir', tmp_path / name, *options,
                 '--cfg-options', *SMALL)
        weights.append(
            torch.load(tmp_path / name / 'epoch_1.pth',
                       weights_only=False)['state_dict'])
    for key, value in weights[0].items():
        assert torch.equal(value, weights[1][key]), key


def test_train_stops_before_the_first_step(run_tool, config, tmp_path):
    with pytest.raises(SystemExit) as stop:
        run_tool('train.py', config, '--cfg-options', *BROKEN)
    assert 'topk=(1, 50)' in stop.value.code
    assert not (tmp_path / 'work_dirs').exists()
    with pytest.raises((ValueError, SystemExit), match='50'):
        run_tool('train.py', config, '--no-preflight', '--cfg-options',
                 *BROKEN)


@pytest.mark.parametrize('options, code, says', [
    (SMALL, 0, 'Preflight: passed'),
    (BROKEN, 1, 'Preflight: 1 problem'),
])
def test_check_alone(run_tool, config, capsys, options, code, says):
    with pytest.raises(SystemExit) as stop:
        run_tool('check.py', config, '--cfg-options', *options)
    assert stop.value.code == code
    assert says in capsys.readouterr().out


def test_a_test_is_checked_and_leaves_the_config_alone(run_tool, config,
                                                       tmp_path, capsys):
    work_dir = tmp_path / 'run'
    run_tool('train.py', config, '--work-dir', work_dir, '--cfg-options',
             *SMALL)
    dumped = (work_dir / 'tiny_smmix.py').read_text()
    capsys.readouterr()
    run_tool('test.py', config, work_dir / 'epoch_1.pth', '--work-dir',
             work_dir, '--cfg-options', *SMALL, 'test_dataloader.batch_size=2')
    output = capsys.readouterr().out
    assert 'test: 8 images of 10 classes' in output
    assert 'train: 16 images' not in output
    assert (work_dir / 'tiny_smmix.py').read_text() == dumped
    # that of the test is beside its log
    beside, = work_dir.glob('*/tiny_smmix.py')
    assert 'batch_size=2' in beside.read_text()
    assert list(beside.parent.glob('*.log'))


def test_a_test_stops_before_it_begins(run_tool, config, tmp_path):
    torch.save({}, tmp_path / 'any.pth')
    with pytest.raises(SystemExit, match='topk=.1, 50'):
        run_tool('test.py', config, 'any.pth', '--cfg-options', *SMALL,
                 'test_evaluator.topk=(1,50)')
