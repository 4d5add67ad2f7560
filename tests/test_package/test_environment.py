"""What the package needs, registers and prints when it is imported."""
import os
import shutil
import subprocess
import sys
import warnings
from importlib import metadata
from pathlib import Path

import mmengine
import pytest
from mmengine.config import Config
from mmengine.registry import Registry
from mmpretrain import registry as mmpretrain_registry

import mmmix
from mmmix import environment, registry

ROOT = Path(mmmix.__file__).parents[1]
MODULES = {'torch', 'mmengine', 'mmcv', 'mmpretrain'}
FORKS = {
    'torch': '2.11.0',
    'onedl-mmengine': '0.10.12',
    'onedl-mmcv': '2.3.6',
    'onedl-mmpretrain': '1.3.6'
}
OFFICIAL = {
    'torch': '2.1.2+cu121',
    'mmengine': '0.10.7',
    'mmcv-lite': '2.1.0',
    'mmpretrain': '1.2.0'
}


def run_python(code, cwd, root=ROOT):
    return subprocess.run([sys.executable, '-c', code],
                          cwd=cwd,
                          env={
                              **os.environ, 'PYTHONPATH': str(root)
                          },
                          capture_output=True,
                          text=True,
                          check=True)


@pytest.fixture
def pretend(monkeypatch):
    """Let check_versions see these distributions and modules."""

    def set_installed(versions, modules=MODULES):

        def version(name):
            if name not in versions:
                raise metadata.PackageNotFoundError(name)
            return versions[name]

        monkeypatch.setattr(metadata, 'version', version)
        monkeypatch.setattr(environment, 'find_spec', lambda name: name
                            if name in modules else None)

    return set_installed


@pytest.mark.parametrize('versions', [FORKS, OFFICIAL])
def test_supported_stacks_pass(pretend, versions):
    pretend(versions)
    environment.check_versions()


def test_version_of_the_module_counts_without_metadata(pretend, monkeypatch):
    pretend({k: v for k, v in FORKS.items() if k != 'onedl-mmengine'})
    environment.check_versions()
    monkeypatch.setattr(mmengine, '__version__', '0.7.0')
    with pytest.raises(ImportError, match='mmengine 0.7.0 is installed, but'):
        environment.check_versions()


@pytest.mark.parametrize('missing', sorted(MODULES))
def test_missing_module_is_named_with_both_commands(pretend, missing):
    pretend({'mmmix': '1'}, MODULES - {missing})
    with pytest.raises(ImportError) as error:
        environment.check_versions()
    assert f'{missing} is not installed' in str(error.value)
    assert "pip install 'mmmix[onedl]'" in str(error.value)
    assert "pip install 'mmmix[official]'" in str(error.value)


@pytest.mark.parametrize('versions, name, version, stack', [
    (FORKS, 'onedl-mmcv', '2.4.0', 'onedl'),
    (OFFICIAL, 'mmpretrain', '1.1.1', 'official'),
    (FORKS, 'torch', '1.13.1', 'onedl'),
])
def test_wrong_version_names_the_stack_in_use(pretend, versions, name, version,
                                              stack):
    pretend({**versions, name: version})
    with pytest.raises(ImportError) as error:
        environment.check_versions()
    message = str(error.value)
    assert f'{name.removeprefix("onedl-")} {version} is installed' in message
    assert [f'[{s}]' in message for s in ('onedl', 'official')
            ] == [s == stack for s in ('onedl', 'official')]
    # away from an installation the command names the checkout
    assert f"pip install '{ROOT}[{stack}]'" in message


def test_official_beside_fork_is_refused(pretend):
    pretend({**FORKS, 'mmpretrain': '1.2.0'})
    with pytest.raises(
            ImportError,
            match='mmpretrain and onedl-mmpretrain overwrite each other; '
            'first run: pip uninstall -y mmpretrain onedl-mmpretrain'):
        environment.check_versions()


def test_silent_import_hides_noise_but_no_error(capsys, recwarn):
    with pytest.raises(RuntimeError, match='real'), \
            environment.silent_import():
        print('noise')
        warnings.warn('noise', stacklevel=1)
        raise RuntimeError('real')
    assert capsys.readouterr().out == ''
    assert not recwarn.list


def test_import_prints_nothing(tmp_path):
    done = run_python('import mmmix', tmp_path)
    assert done.stdout == done.stderr == ''


REGISTRIES = [
    pytest.param(value, id=name) for name, value in vars(registry).items()
    if isinstance(value, Registry)
]


@pytest.mark.parametrize('child', REGISTRIES)
def test_every_registry_has_the_scope(child):
    assert child.scope == 'mmmix'


@pytest.mark.parametrize('kind, ours, theirs', [
    ('MODELS', 'MixClassifier', 'ImageClassifier'),
    ('BATCH_AUGMENTS', 'SMMix', 'ResizeMix'),
    ('DATASETS', 'SyntheticObjects', 'CIFAR10'),
    ('HOOKS', 'EMAGuideHook', 'VisualizationHook'),
    ('VISUALIZERS', None, 'UniversalVisualizer'),
    ('METRICS', None, 'Accuracy'),
    ('TRANSFORMS', None, 'PackInputs'),
])
def test_names_are_found_across_scopes(kind, ours, theirs):
    child = getattr(registry, kind)
    parent = getattr(mmpretrain_registry, kind)
    assert child.get(theirs) is not None
    assert child.get(f'mmpretrain.{theirs}') is parent.get(theirs)
    if ours:
        assert parent.get(f'mmmix.{ours}') is child.get(ours) is not None
        assert parent.get(ours) is None


@pytest.fixture(scope='module')
def checkout(tmp_path_factory):
    """A copy of the checkout as git has it, without an installation."""
    folder = tmp_path_factory.mktemp('checkout')
    shutil.copytree(
        ROOT / 'mmmix',
        folder / 'mmmix',
        symlinks=True,
        ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('configs', 'tools', 'docs', 'model-index.yml'):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.mark.parametrize('where', ['here', 'a plain checkout'])
def test_base_config_resolves_elsewhere(where, checkout, tmp_path):
    root = ROOT if where == 'here' else checkout
    (tmp_path / 'own.py').write_text(
        "_base_ = 'mmmix::smmix/vit-xs_smmix_1xb64-10e_synthetic.py'\n"
        'mine = 1\n')
    done = run_python(
        'import mmmix\n'
        'from mmengine.config import Config\n'
        "cfg = Config.fromfile('own.py')\n"
        "print(cfg.mine, cfg.model.type)\n"
        'print(mmmix.__file__)', tmp_path, root)
    assert done.stdout.split() == [
        '1', 'mmmix.MixClassifier',
        str(root / 'mmmix/__init__.py')
    ]


def test_a_base_that_does_not_exist(tmp_path):
    path = tmp_path / 'own.py'
    path.write_text("_base_ = 'mmmix::smmix/nothing.py'")
    with pytest.raises(FileNotFoundError, match='smmix/nothing.py'):
        Config.fromfile(path)


def test_tools_are_found_in_a_plain_checkout(checkout, tmp_path):
    done = run_python(
        "from mmmix.__main__ import main\nmain(['train', '--help'])", tmp_path,
        checkout)
    assert '--auto-scale-lr' in done.stdout
