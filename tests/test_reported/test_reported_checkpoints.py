"""Checkpoints that are none, or another model's, through every door."""
import shutil
import zipfile
from collections import OrderedDict

import pytest
import torch
from families import PVT
from helpers import build, vit_config
from mmengine.config import Config
from short_run import SHORT
from test_tools.tiny_smmix import __file__ as CONFIG
from torch import nn

from mmmix.checkpoint import files, load_weights
from mmmix.cli import build_model, build_runner, load_config
from mmmix.cli.models import read_model
from mmmix.models import FrozenGuide
from mmmix.registry import MODELS

WIDE = {'model.backbone.arch.embed_dims': 32, 'model.head.in_channels': 32}
DEEP = {'model.backbone.arch.num_layers': 3}
TWELVE = {'data_preprocessor.num_classes': 12, 'model.head.num_classes': 12}
PAGE = b'<!DOCTYPE html><html>not found</html>'
POINTER = b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n'


def options(values):
    return [f'{key}={value}' for key, value in values.items()]


def start(path, work_dir, resume, values=None):
    """The door of tools/train.py."""
    cfg = load_config(
        CONFIG, {
            'load_from': str(path),
            'resume': resume,
            'work_dir': str(work_dir),
            **(values or {})
        })
    runner = build_runner(cfg)
    runner.load_or_resume()
    return runner.model


def initialize(path):
    cfg = load_config(CONFIG).model
    cfg.init_cfg = dict(
        type='Pretrained', _scope_='mmmix', checkpoint=str(path))
    model = MODELS.build(cfg)
    model.init_weights()
    return model


def load(path):
    model = build_model(load_config(CONFIG))
    load_weights(model, str(path))
    return model


def guide(path):
    """A frozen guide's network."""
    model = build_model(load_config(CONFIG))
    return FrozenGuide(CONFIG, str(path)).network(model)


DOORS = dict(
    load_from=lambda path, tmp: start(path, tmp, False),
    resume=lambda path, tmp: start(path, tmp, True),
    init_cfg=lambda path, tmp: initialize(path),
    test=lambda path, tmp: load(path),
    frozen_guide=lambda path, tmp: guide(path),
    analysis=lambda path, tmp: read_model('a', CONFIG, str(path)).model)


@pytest.fixture
def through(run_tool, tmp_path):
    return lambda door, path: DOORS[door](path, tmp_path)


@pytest.fixture(scope='module')
def checkpoint(trained):
    return torch.load(trained / 'epoch_2.pth', weights_only=False)


def assert_loaded(model, state):
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, state[name]), name


# files that are no checkpoint: B070, B071


def write_cut(path, checkpoint):
    torch.save(checkpoint, path)
    path.write_bytes(path.read_bytes()[:-1000])


def write_old_and_cut(path, checkpoint):
    """Unlisted: cut, in the form of torch 1.5, which has no end record."""
    torch.save(checkpoint, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-1000])


def write_archive(path, checkpoint):
    """Unlisted: a zip archive of something else."""
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('readme.txt', 'weights')


FILES = {
    'page': (lambda path, _: path.write_bytes(PAGE), 'is a web page'),
    'pointer': (lambda path, _: path.write_bytes(POINTER), 'Git LFS pointer'),
    'empty': (lambda path, _: path.touch(), 'is empty'),
    'folder': (lambda path, _: path.mkdir(), 'is a folder'),
    'cut': (write_cut, 'its end is missing'),
    'old and cut': (write_old_and_cut, 'damaged, or not a checkpoint'),
    'archive': (write_archive, 'damaged, or not a checkpoint'),
}


@pytest.mark.parametrize('door', [*DOORS])
@pytest.mark.parametrize('kind', [*FILES])
def test_b070_b071_a_file_that_is_no_checkpoint(kind, door, through, tmp_path,
                                                checkpoint):
    path = tmp_path / 'weights.pth'
    write, problem = FILES[kind]
    write(path, checkpoint)
    with pytest.raises(ValueError, match=problem) as error:
        through(door, path)
    assert str(path) in str(error.value)
    assert '\n' not in str(error.value)


# a run that is resumed after a full disk: B072


@pytest.fixture
def full_disk(trained, tmp_path):
    """The work directory of a run whose last checkpoint is cut."""
    shutil.copytree(trained, tmp_path / 'run')
    last = tmp_path / 'run/epoch_2.pth'
    last.write_bytes(last.read_bytes()[:5000])
    (tmp_path / 'run/last_checkpoint').write_text(str(last))
    return tmp_path / 'run'


def resume_error(run_tool, work_dir, *arguments):
    with pytest.raises(SystemExit) as error:
        run_tool('train.py', CONFIG, '--work-dir', work_dir, '--resume',
                 *arguments, *SHORT)
    message = str(error.value)
    assert '\n' not in message
    return message


def resume(run_tool, work_dir, monkeypatch):
    """What a run says that goes on with the last checkpoint that is whole."""
    said = []
    monkeypatch.setattr(files, 'print_log',
                        lambda text, *args: said.append(text))
    run_tool('train.py', CONFIG, '--work-dir', work_dir, '--resume', *SHORT)
    again = torch.load(work_dir / 'epoch_2.pth', weights_only=False)
    assert again['meta']['epoch'] == 2
    return ''.join(said)


def test_b072_the_last_checkpoint_is_cut(run_tool, full_disk, monkeypatch):
    said = resume(run_tool, full_disk, monkeypatch)
    assert f'{full_disk}/epoch_2.pth is damaged' in said
    assert f'resumed from {full_disk}/epoch_1.pth' in said


def test_b072_unlisted_the_given_checkpoint_is_cut(run_tool, full_disk):
    message = resume_error(run_tool, full_disk, full_disk / 'epoch_2.pth')
    assert f'--resume {full_disk}/epoch_1.pth' in message


def test_b072_unlisted_the_name_of_the_last_one_was_not_written(
        run_tool, full_disk, monkeypatch):
    (full_disk / 'last_checkpoint').write_text('')
    said = resume(run_tool, full_disk, monkeypatch)
    assert 'last_checkpoint is empty' in said
    assert f'resumed from {full_disk}/epoch_1.pth' in said


@pytest.mark.parametrize('last', ['epoch_2.pth', 'elsewhere/epoch_2.pth'])
def test_b072_unlisted_the_last_one_was_deleted_or_moved(
        run_tool, full_disk, monkeypatch, last):
    (full_disk / 'epoch_2.pth').unlink()
    (full_disk / 'last_checkpoint').write_text(str(full_disk / last))
    said = resume(run_tool, full_disk, monkeypatch)
    assert 'no checkpoint' in said and 'resumed from' in said


def test_b072_unlisted_none_is_whole(run_tool, full_disk):
    (full_disk / 'epoch_1.pth').write_bytes(b'')
    assert 'is whole: start the run again' in resume_error(run_tool, full_disk)


# another model: B073, B075


@pytest.mark.parametrize(
    'values, problem', [
        (WIDE, 'of another size:\n    backbone.cls_token'),
        (DEEP, 'missing in the checkpoint:\n    backbone.layers.2.ln1.weight'),
        ({
            'model.backbone.arch.num_layers': 1
        }, 'not in the model:\n    backbone.layers.1.ln1.weight'),
        (TWELVE, 'of another size:\n    head.layers.head.weight'),
    ],
    ids=['wide', 'deep', 'shallow', 'classes'])
def test_b073_another_architecture(run_tool, trained, tmp_path, values,
                                   problem):
    with pytest.raises(ValueError, match=problem) as error:
        start(trained / 'epoch_2.pth', tmp_path, False, values)
    assert 'model.init_cfg=dict(' in str(error.value)


def test_b073_unlisted_another_family(run_tool, tmp_path):
    path = tmp_path / 'resnet.pth'
    torch.save(
        build(dict(type='mmpretrain.ResNet', depth=18)).state_dict(), path)
    with pytest.raises(ValueError, match='missing in the checkpoint'):
        start(path, tmp_path, False)


def test_b073_the_remedy_loads_the_part_that_fits(trained, checkpoint):
    cfg = load_config(CONFIG, TWELVE).model
    head = ['head.layers.head.*']
    cfg.init_cfg = dict(
        type='Pretrained',
        _scope_='mmmix',
        checkpoint=str(trained / 'epoch_2.pth'),
        new=head,
        unused=head)
    model = MODELS.build(cfg)
    model.init_weights()
    assert_loaded(model, {
        **checkpoint['state_dict'],
        **model.head.state_dict(prefix='head.')
    })


@pytest.mark.parametrize(
    'values, problem', [
        (TWELVE, 'head.layers.head.weight'),
        (WIDE, 'backbone.cls_token'),
        (DEEP, 'backbone.layers.2.ln1.weight'),
        ({
            'model.backbone.img_size': 40
        }, 'on another grid:\n    backbone.pos_embed'),
    ],
    ids=['classes', 'wide', 'deep', 'images'])
def test_b075_resumed_with_another_model(run_tool, trained, values, problem):
    """The last input is unlisted."""
    with pytest.raises(SystemExit, match=problem) as error:
        run_tool('train.py', CONFIG, '--work-dir', trained, '--resume', *SHORT,
                 'train_cfg.max_epochs=4', *options(values))
    assert 'epoch_2.pth does not hold the weights' in str(error.value)
    assert 'start a new one' in str(error.value)


def test_b075_unlisted_resumed_from_weights_alone(run_tool, tmp_path,
                                                  checkpoint):
    path = tmp_path / 'weights.pth'
    torch.save(dict(state_dict=checkpoint['state_dict']), path)
    with pytest.raises(SystemExit, match='not the state of a run.*load_from'):
        run_tool('train.py', CONFIG, '--resume', path, *SHORT)


def test_unlisted_a_first_run_with_resume_still_loads_from(
        run_tool, tmp_path, trained, checkpoint):
    run_tool('train.py', CONFIG, '--work-dir', tmp_path / 'new', '--resume',
             *SHORT, f'load_from={trained}/epoch_2.pth',
             'optim_wrapper.optimizer.lr=0.', 'param_scheduler=None')
    new = torch.load(tmp_path / 'new/epoch_2.pth', weights_only=False)
    assert new['meta']['epoch'] == 2
    for name, weight in checkpoint['state_dict'].items():
        assert torch.equal(new['state_dict'][name], weight), name


# names with the prefixes of wrappers: B074


def in_the_middle(name):
    """Unlisted: the backbone alone was compiled."""
    return name.replace('backbone.', 'backbone._orig_mod.')


@pytest.mark.parametrize(
    'rename', [
        '_orig_mod.{}'.format,
        'module.{}'.format,
        'module._orig_mod.{}'.format,
        '_orig_mod.module.{}'.format,
        '_fsdp_wrapped_module.{}'.format,
        in_the_middle,
    ],
    ids=lambda rename: rename('backbone.w'))
@pytest.mark.parametrize('door', [door for door in DOORS if door != 'resume'])
def test_b074_prefixes_of_wrappers(door, rename, through, tmp_path,
                                   checkpoint):
    state = checkpoint['state_dict']
    path = tmp_path / 'wrapped.pth'
    torch.save(dict(state_dict={rename(n): w for n, w in state.items()}), path)
    assert_loaded(through(door, path), state)


def test_unlisted_the_version_of_weights_is_kept(tmp_path):
    """By it a module knows which names a checkpoint has."""

    class Renamed(nn.Linear):
        _version = 2

        def _load_from_state_dict(self, state, prefix, metadata, *args):
            if metadata.get('version', 1) < 2:
                state[f'{prefix}weight'] = state.pop(f'{prefix}kernel')
            super()._load_from_state_dict(state, prefix, metadata, *args)

    new = Renamed(2, 2)
    old = OrderedDict(kernel=new.weight, bias=new.bias)
    for state in (new.state_dict(), old):
        torch.save(state, tmp_path / 'weights.pth')
        model = Renamed(2, 2)
        load_weights(model, str(tmp_path / 'weights.pth'))
        assert torch.equal(model.weight, new.weight)


# positions of another grid: B046, B047, B048


def resized(positions, source, grid, mode='bicubic'):
    """Positions of patches as an image, resized."""
    image = positions.view(*source, -1).permute(2, 0, 1)
    image = nn.functional.interpolate(image[None], grid, mode=mode)
    return image[0].permute(1, 2, 0).reshape(1, grid[0] * grid[1], -1)


@pytest.fixture
def rectangle(tmp_path):
    """A checkpoint of images of 32 x 48 pixels."""
    cfg = load_config(CONFIG, {'model.backbone.img_size': (32, 48)})
    model = build(cfg.model)
    path = tmp_path / 'rectangle.pth'
    torch.save(
        dict(meta=dict(cfg=cfg.pretty_text), state_dict=model.state_dict()),
        path)
    return path, model.backbone.pos_embed


@pytest.mark.parametrize('door', ['load_from', 'init_cfg', 'test'])
@pytest.mark.parametrize(
    'size', [(48, 64), (48, 32), (24, 64), 40],
    ids=['B047', 'B048', 'as_many', 'square'])
def test_b046_b047_b048_positions_of_another_grid(run_tool, rectangle, door,
                                                  size, tmp_path):
    """24 x 64 pixels have as many places as 32 x 48, too."""
    path, positions = rectangle
    values = {'model.backbone.img_size': size}
    if door == 'load_from':
        model = start(path, tmp_path, False, values)
    else:
        cfg = load_config(CONFIG, values)
        if door == 'init_cfg':
            cfg.model.init_cfg = dict(
                type='Pretrained', _scope_='mmmix', checkpoint=str(path))
        model = build_model(cfg)
        if door == 'test':
            load_weights(model, str(path))
    height, width = (size, size) if isinstance(size, int) else size
    new = model.backbone.pos_embed
    assert torch.equal(new[:, :1], positions[:, :1])
    torch.testing.assert_close(
        new[:, 1:], resized(positions[:, 1:], (4, 6),
                            (height // 8, width // 8)))


def test_b047_unlisted_no_config_says_which_grid_it_was(
        run_tool, rectangle, tmp_path):
    path, _ = rectangle
    torch.save(torch.load(path)['state_dict'], path)
    with pytest.raises(ValueError, match='24 places.*init_cfg.img_size'):
        start(path, tmp_path, False, {'model.backbone.img_size': (48, 64)})


def test_b048_unlisted_all_grids_of_a_pvt(tmp_path):
    cfg = Config(dict(model=vit_config()))
    cfg.model.backbone = dict(PVT, img_size=(96, 64))
    old = build(cfg.model)
    path = tmp_path / 'pvt.pth'
    torch.save(
        dict(meta=dict(cfg=cfg.pretty_text), state_dict=old.state_dict()),
        path)
    cfg.model.backbone.img_size = (64, 96)
    new = build(cfg.model)
    load_weights(new, str(path))
    for i, stride in enumerate((4, 8, 16, 32)):
        before, after = (
            m.backbone.layers[i][1][0].pos_embed for m in (old, new))
        torch.testing.assert_close(
            after,
            resized(before, (96 // stride, 64 // stride),
                    (64 // stride, 96 // stride), 'bilinear'))


def test_unlisted_the_config_in_a_checkpoint_is_not_run(tmp_path):
    path, model = tmp_path / 'weights.pth', build(vit_config())
    trace = tmp_path / 'trace'
    torch.save(
        dict(
            meta=dict(cfg=f'open({str(trace)!r}, "w")\nmodel = dict('
                      f'backbone=dict(img_size=open({str(trace)!r}, "w")))'),
            state_dict=model.state_dict()), path)
    load_weights(build(vit_config()), str(path))
    assert not trace.exists()


# a path that begins with ~: B076


@pytest.mark.parametrize('door', [*DOORS])
def test_b076_a_path_in_the_home_folder(door, through, monkeypatch, trained,
                                        checkpoint):
    monkeypatch.setenv('HOME', str(trained))
    assert_loaded(through(door, '~/epoch_2.pth'), checkpoint['state_dict'])
