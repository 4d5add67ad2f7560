"""A checkpoint made by a stranger runs nothing, whatever it is given to."""
import argparse
import io
import pickle
import subprocess
import sys
import tarfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from test_tools.conftest import tool_runner
from test_tools.tiny_smmix import __file__ as CONFIG
from torch import nn

from mmmix.checkpoint import (check_checkpoint, load_weights, read_checkpoint,
                              read_weights, trust_checkpoints)
from mmmix.checkpoint.unpickling import TRUST
from mmmix.cli import build_model, load_config
from mmmix.models import FrozenGuide
from mmmix.registry import MODELS


class Program:
    """Makes a file when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (Path(self.trace), )


class Gadget:
    """Reaches a function through the attributes of a harmless one."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, '__init__')


def weights():
    return build_model(load_config(CONFIG)).state_dict()


def legacy(content, path):
    torch.save(content, path, _use_new_zipfile_serialization=False)


def raw(content, path):
    Path(path).write_bytes(pickle.dumps(content))


def in_tar(content, path):
    data = pickle.dumps(content)
    with tarfile.open(path, 'w') as archive:
        for name in ('pickle', 'storages', 'tensors', 'sys_info'):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


FORMS = {
    'state_dict': (lambda p: dict(state_dict=p), torch.save),
    'a weight': (lambda p: dict(state_dict=dict(weights(), w=p)), torch.save),
    'an extra key':
    (lambda p: dict(state_dict=weights(), extra=p), torch.save),
    'message_hub':
    (lambda p: dict(state_dict=weights(), message_hub=dict(runtime_info=p)),
     torch.save),
    'a key': (lambda p: {
        'state_dict': weights(),
        p: 1
    }, torch.save),
    'the whole': (lambda p: p, torch.save),
    'older torch': (lambda p: dict(state_dict=p), legacy),
    'a raw pickle': (lambda p: dict(state_dict=p), raw),
    'a tar': (lambda p: dict(state_dict=p), in_tar),
}


@pytest.fixture
def trace(tmp_path):
    return tmp_path / 'trace'


def hostile(form, path, trace):
    wrap, save = FORMS[form]
    save(wrap(Program(trace)), path)
    return str(path)


@pytest.mark.parametrize('form', FORMS)
def test_no_form_of_it_runs(form, tmp_path, trace):
    path = hostile(form, tmp_path / 'w.pth', trace)
    with pytest.raises(ValueError, match='more than tensors and plain data'):
        read_checkpoint(path)
    assert not trace.exists()


def test_it_would_have_run(tmp_path, trace):
    path = hostile('an extra key', tmp_path / 'w.pth', trace)
    trust_checkpoints()
    try:
        assert read_weights(path).keys() == weights().keys()
    finally:
        trust_checkpoints(False)
    assert trace.exists()


def test_no_gadget_is_reached(tmp_path):
    path = tmp_path / 'w.pth'
    for content in (Gadget(), [HistoryBuffer.min, Gadget()]):
        torch.save(dict(extra=content), path)
        with pytest.raises(ValueError, match="getattr.*'__init__'"):
            read_checkpoint(path)


def test_a_torchscript_file_is_refused(tmp_path):
    path = str(tmp_path / 'w.pth')
    torch.jit.script(nn.Linear(1, 1)).save(path)
    with pytest.raises(ValueError, match='TorchScript'):
        read_checkpoint(path)


def test_what_mmengine_and_others_save_is_plain(tmp_path):
    content = dict(
        state_dict=OrderedDict(
            half=torch.ones(2, dtype=torch.bfloat16),
            parameter=nn.Parameter(torch.ones(2)),
            strided=torch.arange(6.).view(2, 3).t()),
        message_hub=dict(
            log_scalars=OrderedDict(lr=HistoryBuffer([1., 2.], [1, 1])),
            runtime_info=dict(
                eta=np.float64(3), flags=np.array([True]),
                names=np.array('a'))),
        args=argparse.Namespace(lr=.1, sizes={1, 2}, span=slice(2)),
        meta=dict(cfg='model = dict()', shape=torch.Size([2]), half=2 + 1j))
    for save in (torch.save, legacy):
        save(content, tmp_path / 'w.pth')
        found = read_checkpoint(tmp_path / 'w.pth')
        for name, value in content['state_dict'].items():
            assert torch.equal(found['state_dict'][name], value)
            assert found['state_dict'][name].dtype == value.dtype
        hub = found['message_hub']
        assert hub['log_scalars']['lr'].current() == 2.
        assert hub['log_scalars']['lr'].statistics('mean') == 1.5
        assert hub['runtime_info']['flags'].tolist() == [True]
        assert found['args'] == content['args']
        assert found['meta'] == content['meta']


def test_safetensors_are_read(tmp_path):
    safetensors = pytest.importorskip('safetensors.torch')
    path = str(tmp_path / 'w.safetensors')
    safetensors.save_file(weights(), path)
    model = build_model(load_config(CONFIG))
    load_weights(model, path)
    for name, value in read_weights(path).items():
        assert torch.equal(model.state_dict()[name], value)


def test_an_address_is_read_as_a_file(tmp_path, trace, monkeypatch):
    """Also one that MMEngine looks up by the name of a model."""
    monkeypatch.setattr(torch.hub, '_hub_dir', str(tmp_path))

    def download(address, path, digest):
        hostile('state_dict', path, trace)

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    for address in ('https://host/w.pth', 'http://host/w.pth',
                    'torchvision://resnet18'):
        with pytest.raises(ValueError, match='more than tensors'):
            CheckpointLoader.load_checkpoint(address, 'cpu')
    for address in ('s3://bucket/w.pth', 'pavi://w.pth'):
        with pytest.raises(ValueError, match='download it'):
            CheckpointLoader.load_checkpoint(address, 'cpu')
    assert not trace.exists()


@pytest.mark.parametrize('name, its_digest', [
    ('net-0123abcd', '0123abcd'),
    ('resnet-50', None),
    ('vit-b', None),
])
def test_an_address_is_downloaded_once(tmp_path, monkeypatch, name,
                                       its_digest):
    monkeypatch.setattr(torch.hub, '_hub_dir', str(tmp_path))
    found = []

    def download(address, path, digest):
        found.append((address, digest))
        torch.save(dict(w=torch.ones(1)), path)

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    address = f'https://host/{name}.pth?x=1'
    for _ in range(2):
        assert read_weights(address)['w'] == 1
    assert found == [(address, its_digest)]


def test_files_of_the_same_name_at_two_addresses(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, '_hub_dir', str(tmp_path))
    monkeypatch.setattr(
        torch.hub, 'download_url_to_file',
        lambda address, path, digest: torch.save(
            dict(w=torch.tensor(len(address))), path))
    addresses = [
        f'https://host/{method}/epoch_300.pth'
        for method in ('smmix', 'cutmix', 'smmix')
    ]
    for address in addresses:
        assert read_weights(address)['w'] == len(address)
    assert len(list((tmp_path / 'checkpoints').iterdir())) == 2


def initialize(path, **init_cfg):
    cfg = load_config(CONFIG).model
    cfg.init_cfg = dict(type='Pretrained', checkpoint=path, **init_cfg)
    MODELS.build(cfg).init_weights()


def guide(path):
    model = dict(load_config(CONFIG).model, train_cfg=None)
    FrozenGuide(Config(dict(model=model)), path).network(nn.Linear(1, 1))


# every function that loads weights
DOORS = {
    'load_weights':
    lambda path: load_weights(build_model(load_config(CONFIG)), path),
    'read_weights':
    read_weights,
    'CheckpointLoader':
    lambda path: CheckpointLoader.load_checkpoint(check_checkpoint(path)),
    'init_cfg of mmmix':
    lambda path: initialize(path, _scope_='mmmix'),
    'init_cfg of MMEngine':
    lambda path: initialize(path, _scope_='mmengine'),
    'FrozenGuide':
    guide,
}


@pytest.mark.parametrize('door', DOORS)
def test_no_function_runs_it(door, tmp_path, trace):
    path = hostile('an extra key', tmp_path / 'w.pth', trace)
    with pytest.raises(ValueError, match='more than tensors'):
        DOORS[door](path)
    assert not trace.exists()


PAIR = [CONFIG, 'FILE']
SEGMENTATION = str(Path(CONFIG).with_name('tiny_segmentation.py'))
TOOLS = {
    'train.py': [CONFIG, '--resume', 'FILE'],
    'train.py ': [CONFIG, '--cfg-options', 'load_from=FILE'],
    'test.py': PAIR,
    'transfer.py': ['--weights', 'it=FILE'],
    'analysis/attention_in_boxes.py': PAIR,
    'analysis/attention_on_mixed.py': PAIR,
    'analysis/attention_segmentation.py': PAIR,
    'analysis/class_activation.py': PAIR,
    'analysis/inconsistency.py': PAIR,
    'analysis/mixed_accuracy.py': [*PAIR, '--judge', *PAIR],
    'analysis/occlusion.py': [*PAIR, '--grid', 4, 4],
    'analysis/out_of_distribution.py': [*PAIR, '--test-set'],
    'visualization/browse_mix.py': [CONFIG, '--checkpoint', 'FILE'],
    'visualization/playground.py': ['--guide', *PAIR],
    'visualization/show_predictions.py': [SEGMENTATION, 'FILE'],
    'model_converters/pvt.py': ['FILE', 'out.pth'],
    'model_converters/stock.py': ['FILE', 'out.pth'],
    'model_converters/absvit.py': ['FILE', 'out.pth'],
    'model_converters/select_classes.py': ['FILE', 'wnids.txt', 'out.pth'],
}
DOWNSTREAM = {'transfer.py', 'visualization/show_predictions.py'}
WITHOUT = {  # they load no checkpoint
    'check.py', 'quickstart.py', 'reliability/fill_disk.py',
    'reliability/kill_runs.py', 'reliability/measure_cost.py',
    'train_table.py', 'benchmarks/benchmark_gpu.py',
    'benchmarks/benchmark_mixers.py', 'benchmarks/benchmark_peers.py',
    'benchmarks/benchmark_training.py', 'dataset_converters/coco_semantic.py',
    'visualization/plot_curves.py'
}


def test_every_tool_is_here():
    folder = Path(__file__).parents[2] / 'tools'
    found = {str(path.relative_to(folder)) for path in folder.rglob('*.py')}
    assert found == {name.strip() for name in TOOLS} | WITHOUT


@pytest.mark.parametrize('tool', [
    pytest.param(tool, marks=pytest.mark.downstream)
    if tool in DOWNSTREAM else tool for tool in TOOLS
])
def test_no_tool_runs_it(tool, tmp_path, trace, monkeypatch):
    if tool == 'visualization/playground.py':
        pytest.importorskip('gradio')
    path = hostile('an extra key', tmp_path / 'w.pth', trace)
    (tmp_path / 'wnids.txt').write_text('n01443537\n')
    arguments = [str(a).replace('FILE', path) for a in TOOLS[tool]]
    run = tool_runner(monkeypatch, tmp_path)
    with pytest.raises(SystemExit, match='--trust-checkpoint'):
        run(tool.strip(), *arguments)
    assert not trace.exists() and not (tmp_path / 'out.pth').exists()


@pytest.mark.parametrize('tool', TOOLS)
def test_every_tool_can_be_told_to_trust(tool, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        tool_runner(monkeypatch, tmp_path)(tool.strip(), '--help')
    assert TRUST in capsys.readouterr().out


def test_a_tool_that_is_told_to_trust(tmp_path, trace):
    path = hostile('an extra key', tmp_path / 'w.pth', trace)
    subprocess.run([
        sys.executable,
        Path(__file__).parents[2] / 'tools/test.py', CONFIG, path,
        '--trust-checkpoint', '--no-preflight'
    ],
                   cwd=tmp_path,
                   check=True)
    assert trace.exists()


def test_attributes_of_a_tensor_are_left_out(tmp_path):
    """FSDP saves some."""
    weight = torch.ones(2)
    weight.gathered = True
    torch.save(dict(w=weight), tmp_path / 'w.pth')
    loaded = read_checkpoint(tmp_path / 'w.pth')['w']
    assert torch.equal(loaded, weight) and not hasattr(loaded, 'gathered')
