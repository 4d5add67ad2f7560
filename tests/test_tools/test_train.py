from pathlib import Path

import pytest
import torch

TWO_EPOCHS = [
    '--cfg-options', 'train_dataloader.dataset.num_images=16',
    'val_dataloader.dataset.num_images=10', 'train_cfg.max_epochs=2'
]


def load(path):
    return torch.load(path, map_location='cpu', weights_only=False)


def interrupt(work_dir):
    """What a run that was stopped in its second epoch would have left."""
    (work_dir / 'epoch_2.pth').unlink()
    (work_dir / 'last_checkpoint').write_text(str(work_dir / 'epoch_1.pth'))


def test_resumed_run_equals_uninterrupted_one(run_tool, config, tmp_path):
    work_dir = tmp_path / 'run'
    run_tool('train.py', config, '--work-dir', work_dir, *TWO_EPOCHS)
    first, last = (load(work_dir / f'epoch_{n}.pth') for n in (1, 2))
    name = 'backbone.layers.0.attn.qkv.weight'
    assert not torch.equal(first['state_dict'][name], last['state_dict'][name])

    interrupt(work_dir)
    run_tool('train.py', config, '--work-dir', work_dir, '--resume',
             *TWO_EPOCHS)
    resumed = load(work_dir / 'epoch_2.pth')
    assert resumed['meta']['iter'] == last['meta']['iter'] == 4
    for name, weight in last['state_dict'].items():
        assert torch.equal(resumed['state_dict'][name], weight), name


def test_non_finite_loss_stops_with_the_checkpoint_safe(
        run_tool, config, tmp_path):
    work_dir = tmp_path / 'run'
    run_tool('train.py', config, '--work-dir', work_dir, *TWO_EPOCHS)
    interrupt(work_dir)
    checkpoint = (work_dir / 'epoch_1.pth').read_bytes()
    with pytest.raises(SystemExit, match='not finite in iteration 3'):
        run_tool('train.py', config, '--work-dir', work_dir, '--resume',
                 *TWO_EPOCHS, 'data_preprocessor.std=[0.,0.,0.]')
    assert (work_dir / 'epoch_1.pth').read_bytes() == checkpoint
    assert not (work_dir / 'epoch_2.pth').exists()


def test_default_work_dir_and_reported_batch(run_tool, config, tmp_path,
                                             capsys):
    run_tool('train.py', config, '--no-validate', '--auto-scale-lr',
             *TWO_EPOCHS[:2], 'optim_wrapper.accumulative_counts=2')
    assert (tmp_path / 'work_dirs/tiny_smmix/epoch_1.pth').is_file()
    output = capsys.readouterr().out
    assert ('Global batch: 8 images x 1 process (cpu) x 2 passes a step = 16'
            in output)
    assert 'accuracy' not in output
    # MMEngine alone would not count the second pass
    assert 'Learning rate: 0.001 for a batch of 32 -> 0.0005 for 16' in output
    assert 'lr: 5.0000e-04' in output


def test_auto_scale_lr_wants_a_base(run_tool, config):
    with pytest.raises(SystemExit, match='base_batch_size=N'):
        run_tool('train.py', config, '--auto-scale-lr', '--cfg-options',
                 'auto_scale_lr=None')


@pytest.mark.parametrize('arguments', [
    ['nothing.py'],
    ['smmix/nothing'],
])
def test_missing_config(run_tool, arguments):
    with pytest.raises(SystemExit, match=f'no config {arguments[0]}'):
        run_tool('train.py', *arguments)


def test_missing_checkpoint_to_resume(run_tool, config):
    with pytest.raises(SystemExit, match='no checkpoint gone.pth'):
        run_tool('train.py', config, '--resume', 'gone.pth')


@pytest.mark.skipif(torch.cuda.is_available(), reason='AMP runs on a GPU')
def test_amp_refuses_the_cpu(run_tool, config, capsys):
    with pytest.raises(SystemExit):
        run_tool('train.py', config, '--amp')
    assert '--amp needs a GPU' in capsys.readouterr().err


@pytest.mark.parametrize('launcher, variable, remedy', [
    ('pytorch', 'RANK', 'tools/dist_train.sh CONFIG NUM_PROCESSES'),
    ('slurm', 'SLURM_PROCID', 'tools/slurm_train.sh'),
    ('mpi', 'OMPI_COMM_WORLD_RANK', 'mpirun'),
])
def test_launcher_without_its_environment(run_tool, config, monkeypatch,
                                          launcher, variable, remedy):
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(SystemExit) as error:
        run_tool('train.py', config, '--launcher', launcher)
    assert variable in str(error.value) and remedy in str(error.value)


@pytest.mark.parametrize('name', [
    'smmix/vit-xs_smmix_synthetic.py', 'smmix/vit-xs_smmix_synthetic',
    'mmmix::smmix/vit-xs_smmix_synthetic.py'
])
def test_configs_have_names(name):
    from mmmix.engine.launch import load_config
    cfg = load_config(name, {'train_cfg.max_epochs': 3})
    assert Path(cfg.filename).name == 'vit-xs_smmix_synthetic.py'
    assert cfg.train_cfg.max_epochs == 3
