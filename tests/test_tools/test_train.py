import json
import re
from pathlib import Path

import pytest
import torch
from helpers import compiling

from mmmix.cli import load_config

ROOT = Path(__file__).parents[2]

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
    assert re.search(r'INFO - epoch 1 of \d: loss \S+, [\d,]+ images/s, ',
                     output)
    assert ('Global batch: 8 images x 1 process (cpu) x 2 passes a step = 16'
            in output)
    assert 'accuracy' not in output
    # MMEngine alone would not count the second pass
    assert 'Learning rate: 0.001 for a batch of 32 -> 0.0005 for 16' in output
    assert 'lr: 5.0000e-04' in output


def test_a_work_dir_in_the_home_folder(run_tool, config, tmp_path,
                                       monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    run_tool('train.py', config, '--work-dir=~/run', '--no-validate',
             *TWO_EPOCHS[:2])
    assert (tmp_path / 'run/epoch_1.pth').is_file()


@pytest.mark.parametrize('passes, processes, said', [
    (1, 1, [
        'Global batch: 8 images x 1 process (cpu) x 1 pass a step = 8.',
        'Learning rate: 0.001, not scaled; it is for a batch of 32, and '
        '--auto-scale-lr scales it.'
    ]),
    (4, 3, [
        'Global batch: 8 images x 3 processes (cpu) x 4 passes a step = 96.',
        'Iterations count passes, also in schedules: 10 are 3 steps of the '
        'optimizer.', 'Learning rate: 0.001 for a batch of 32 -> 0.003 for 96.'
    ]),
])
def test_described_batch(config, monkeypatch, passes, processes, said):
    from mmmix.engine import lr_scaling
    monkeypatch.setattr(lr_scaling, 'get_device', lambda: 'cpu')
    cfg = load_config(
        config, {
            'optim_wrapper.accumulative_counts': passes,
            'auto_scale_lr.enable': passes > 1
        })
    if passes > 1:
        cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=10)
    assert lr_scaling.describe_batch(cfg, processes) == said


def test_quiet_leaves_the_terminal_alone_and_the_logs_whole(
        run_tool, config, tmp_path, capsys):
    """Also TensorBoard's, as docs/logging.md sets it up."""
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing import event_accumulator
    page = (ROOT / 'docs/logging.md').read_text('utf-8')
    own = re.search(r'```python\n(.*?)```', page, re.DOTALL)[1]
    own = re.sub('_base_ = .*', f'_base_ = {config!r}', own)
    own = re.sub('.*WandbVisBackend.*', '',
                 own).replace('visualizer = dict(',
                              "visualizer = dict(type='UniversalVisualizer',")
    path = tmp_path / 'tiny_smmix.py'
    path.write_text(own)
    run_tool('train.py', path, '--quiet')
    output, said = capsys.readouterr()
    assert 'INFO' not in output + said and 'epoch' not in output + said
    log, = tmp_path.glob('work_dirs/tiny_smmix/*/*.log')
    assert 'epoch 1 of 1: loss' in log.read_text()
    scalars, = tmp_path.glob('work_dirs/tiny_smmix/*/vis_data/scalars.json')
    assert 'accuracy/top1' in scalars.read_text()
    events = event_accumulator.EventAccumulator(str(scalars.parent)).Reload()
    assert {'loss', 'accuracy/top1'} < {*events.Tags()['scalars']}


def test_auto_scale_lr_wants_a_base(run_tool, config):
    with pytest.raises(SystemExit, match='base_batch_size=N'):
        run_tool('train.py', config, '--auto-scale-lr', '--cfg-options',
                 'auto_scale_lr=None')


@pytest.mark.parametrize('key, hint', [
    ('optim_wraper.optimizer.lr', 'did you mean optim_wrapper?'),
    ('train_dataloder.batch_size', 'did you mean train_dataloader?'),
    ('mine', 'add it to the config'),
    ('cfg.train_cfg', 'did you mean'),
])
def test_an_option_that_nobody_reads(run_tool, config, key, hint):
    with pytest.raises(SystemExit) as error:
        run_tool('train.py', config, '--cfg-options', f'{key}=1')
    assert f'option {key} changes' in str(error.value)
    assert hint in str(error.value)


def test_options_of_keys_that_a_config_lacks(config):
    """But a runner, or MMEngine before it, reads them."""
    options = {
        'find_unused_parameters': True,
        'compile.backend': 'eager',
        'visualizer.vis_backends': [],
        'load_from': None
    }
    assert load_config(config, options).compile.backend == 'eager'


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


def losses(work_dir):
    """Of each pass, in order."""
    log, = work_dir.glob('*/vis_data/scalars.json')
    lines = map(json.loads, log.read_text().splitlines())
    return [line['loss'] for line in lines if 'loss' in line]


PLAIN = [
    'model.train_cfg=None', 'model.head.mix_losses=None',
    'log_processor.window_size=1'
]


@pytest.fixture
def plain_run(run_tool, config, tmp_path):
    """Two epochs without mixing: the log's losses and the last weights."""

    def run(name, *arguments, options=()):
        run_tool('train.py', config, '--work-dir', tmp_path / name,
                 '--no-validate', *arguments, *TWO_EPOCHS, *PLAIN, *options)
        weights = load(tmp_path / name / 'epoch_2.pth')['state_dict']
        return losses(tmp_path / name), weights

    return run


def test_accumulation_gives_the_curve_of_the_whole_batch(plain_run):
    """Without batch statistics, and on the same images in the same order."""
    whole, weights = plain_run('whole')
    passes, same = plain_run(
        'passes',
        options=[
            'train_dataloader.batch_size=4',
            'optim_wrapper.accumulative_counts=2'
        ])
    assert len(whole) == 4 and len(passes) == 8
    assert [sum(pair) / 2
            for pair in zip(passes[::2], passes[1::2])] == pytest.approx(
                whole, abs=1e-5)
    assert whole[-1] != pytest.approx(whole[0], abs=1e-5)
    for name, weight in weights.items():
        torch.testing.assert_close(same[name], weight, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
@compiling
def test_a_compiled_run_follows_the_plain_run(plain_run):
    """With the optimizer that a config makes, which is compiled, too."""
    groups = [
        'optim_wrapper.optimizer.weight_decay=0.05',
        'optim_wrapper.paramwise_cfg.norm_decay_mult=0.'
    ]
    torch._dynamo.reset()
    plain, weights = plain_run('plain', options=groups)
    compiled, same = plain_run(
        'compiled', options=[*groups, 'compile.backend=eager'])
    torch._dynamo.reset()
    assert compiled == pytest.approx(plain, abs=1e-5)
    for name, weight in weights.items():
        torch.testing.assert_close(same[name], weight, rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(torch.cuda.is_available(), reason='bfloat16 on the CPU')
def test_amp_on_the_cpu_follows_the_plain_run(plain_run):
    plain, weights = plain_run('plain')
    mixed, almost = plain_run('mixed', '--amp')
    assert mixed == pytest.approx(plain, rel=2e-2)
    name = 'backbone.layers.0.attn.qkv.weight'
    assert almost[name].dtype == torch.float32
    assert not torch.equal(almost[name], weights[name])


@pytest.mark.skipif(torch.cuda.is_available(), reason='bfloat16 on the CPU')
def test_amp_goes_on_with_the_saved_config(run_tool, config, tmp_path):
    run_tool('train.py', config, '--work-dir', 'run', '--amp', *TWO_EPOCHS)
    interrupt(tmp_path / 'run')
    run_tool('train.py', 'run/tiny_smmix.py', '--amp', '--resume')
    assert (tmp_path / 'run/epoch_2.pth').is_file()


def test_amp_leaves_other_wrappers_alone(run_tool, config):
    with pytest.raises(
            SystemExit, match='of this config is of type OptimWrap2'):
        run_tool('train.py', config, '--amp', '--cfg-options',
                 'optim_wrapper.type=OptimWrap2')


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
    'smmix/vit-xs_smmix_1xb64-10e_synthetic.py',
    'smmix/vit-xs_smmix_1xb64-10e_synthetic',
    'mmmix::smmix/vit-xs_smmix_1xb64-10e_synthetic.py'
])
def test_configs_have_names(name):
    cfg = load_config(name, {'train_cfg.max_epochs': 3})
    assert Path(cfg.filename).name == 'vit-xs_smmix_1xb64-10e_synthetic.py'
    assert cfg.train_cfg.max_epochs == 3
