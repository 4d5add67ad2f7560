"""The wheel and the source distribution."""
import email
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import torch
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import mmmix
from mmmix.environment import SUPPORTED

ROOT = Path(mmmix.__file__).parents[1]
ENVIRON = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
PIP = [sys.executable, '-m', 'pip', '--disable-pip-version-check']
BUILD = ('from setuptools import build_meta; '
         'build_meta.build_sdist({0!r}); build_meta.build_wheel({0!r})')


def run(*command, cwd=None):
    done = subprocess.run([*map(str, command)],
                          cwd=cwd,
                          env=ENVIRON,
                          capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    """The folder of a wheel and a source distribution."""
    if not (ROOT / 'setup.py').exists():
        pytest.skip('mmmix is installed without its checkout')
    if Version(metadata.version('setuptools')) < Version('77'):
        pytest.skip('this stack has a setuptools that cannot build the wheel')
    folder = tmp_path_factory.mktemp('built')
    # a copy, so that no build product is left in the checkout
    shutil.copytree(
        ROOT,
        folder / 'copy',
        ignore=shutil.ignore_patterns('.git', '.venv*', '*cache*', '*.whl',
                                      'data', 'work_dirs', 'build', '_build'))
    run(sys.executable, '-c', BUILD.format(str(folder)), cwd=folder / 'copy')
    return folder


@pytest.fixture(scope='module')
def wheel_file(built):
    path, = built.glob('mmmix-*.whl')
    return path


@pytest.fixture(scope='module')
def wheel(wheel_file):
    with zipfile.ZipFile(wheel_file) as archive:
        yield archive


@pytest.fixture(scope='module')
def described(wheel):
    """The metadata of the wheel."""
    name = next(n for n in wheel.namelist() if n.endswith('METADATA'))
    return email.message_from_bytes(wheel.read(name))


def test_wheel_ships_configs_tools_model_index_and_data_set_page(wheel):
    shipped = {
        f'mmmix/.mim/{path.relative_to(ROOT)}'
        for folder in ('configs', 'tools')
        for path in (ROOT / folder).rglob('*')
        if path.is_file() and '__pycache__' not in path.parts
    }
    shipped |= {'mmmix/.mim/model-index.yml', 'mmmix/.mim/docs/datasets.md'}
    inside = {name for name in wheel.namelist() if '/.mim/' in name}
    assert inside == shipped
    others = {'mmmix/imagenet_wnids.txt', 'mmmix/py.typed'}
    assert others < {*wheel.namelist()}
    assert any(name.endswith('/LICENSE') for name in wheel.namelist())


def test_metafiles_of_the_model_index_exist(wheel):
    index = yaml.safe_load(wheel.read('mmmix/.mim/model-index.yml'))
    for name in index['Import']:
        metafile = yaml.safe_load(wheel.read(f'mmmix/.mim/{name}'))
        for model in metafile['Models']:
            assert f'mmmix/.mim/{model["Config"]}' in wheel.namelist()


def test_nothing_is_required_beside_the_extras(described):
    requirements = described.get_all('Requires-Dist')
    assert requirements
    assert all('extra ==' in line for line in requirements)


def test_the_description_has_no_link_that_leads_nowhere(described):
    text = described.get_payload()
    targets = re.findall(r'\]\(([^)]*)\)', text)
    assert targets
    assert all(re.match(r'https?://|#', target) for target in targets)
    assert '![' not in text  # the pictures are files of the checkout
    for anchor in (t[1:] for t in targets if t.startswith('#')):
        headings = re.findall(r'^#+ (.*)$', text, re.MULTILINE)
        assert anchor in {
            re.sub(r'[^\w -]', '', h).lower().replace(' ', '-')
            for h in headings
        }


def test_twine_finds_no_fault(built):
    pytest.importorskip('twine', reason='twine is in the full environment')
    out = run(sys.executable, '-m', 'twine', 'check', '--strict',
              *built.glob('mmmix-*'))
    assert out.count('PASSED') == 2


def test_the_source_distribution_builds_the_same_wheel(built, wheel, tmp_path):
    archive, = built.glob('mmmix-*.tar.gz')
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter='data')
    source, = tmp_path.iterdir()
    assert (source / 'tests/conftest.py').is_file()
    run(sys.executable, '-c', BUILD.format(str(tmp_path)), cwd=source)
    with zipfile.ZipFile(next(tmp_path.glob('*.whl'))) as other:
        assert {
            i.filename: i.CRC
            for i in other.infolist()
        } == {
            i.filename: i.CRC
            for i in wheel.infolist()
        }


def test_ranges_are_those_of_the_import_and_hold_the_pins():
    tomllib = pytest.importorskip('tomllib', reason='Python 3.11')
    extras = tomllib.loads(
        (ROOT /
         'pyproject.toml').read_text())['project']['optional-dependencies']
    ranges = {
        (extra, wanted.name): wanted.specifier
        for extra, lines in extras.items()
        for wanted in map(Requirement, lines)
    }
    for module, (distributions, lowest, too_new) in SUPPORTED.items():
        for stack in ('onedl', 'official'):
            own = [
                specifier for (extra, name), specifier in ranges.items()
                if extra == stack and name in distributions
            ]
            assert own == [f'>={lowest},<{too_new}'], (module, stack)
    section, checked = None, 0
    for line in (ROOT / 'requirements/pins.txt').read_text().splitlines():
        if line.startswith('['):
            section = line.strip('[]')
        elif line and line[0] != '#':
            pin = Requirement(line)
            version, = (s.version for s in pin.specifier)
            wanted = ranges.get((section, pin.name))
            if wanted is not None:
                assert wanted.contains(version), (section, line)
                checked += 1
    assert checked > 12
    assert not any(s.operator == '==' for specifier in ranges.values()
                   for s in specifier)


def test_an_installation_moves_nothing_of_the_stack(wheel_file):
    """With the extras that are installed here."""
    extras = ['mincut']
    if metadata.packages_distributions().get('mmpretrain') == [
            'onedl-mmpretrain'
    ]:
        extras.append('onedl')
    else:
        extras.append('official')
    for module, extra in (('timm', 'timm'), ('mmdet', 'downstream'),
                          ('pytorch_grad_cam', 'analysis')):
        if module in metadata.packages_distributions():
            extras.append(extra)
    report = json.loads(
        run(*PIP, 'install', '-q', '--dry-run', '--no-index',
            '--ignore-requires-python', '--report', '-',
            f'mmmix[{",".join(extras)}] @ {wheel_file.as_uri()}'))
    moved = {item['metadata']['name'] for item in report['install']}
    assert moved <= {'mmmix'}


def test_the_wheel_works_in_an_environment_over_the_stack(
        wheel_file, tmp_path):
    venv.create(tmp_path / 'env', with_pip=False)
    python = tmp_path / 'env/bin/python'
    site, = (tmp_path / 'env').glob('lib/python*/site-packages')
    (site / 'stack.pth').write_text(f'{Path(torch.__file__).parents[1]}\n')
    run(*PIP, '--python', python, 'install', '-q', '--no-deps', '--no-index',
        '--ignore-installed', wheel_file)
    assert {path.name.partition('-')[0]
            for path in site.iterdir()} == {'mmmix', 'stack.pth'}
    done = subprocess.run(
        [tmp_path / 'env/bin/mmmix', 'dist-train', 'config.py'],
        cwd=tmp_path,
        env=ENVIRON,
        capture_output=True,
        text=True)
    # the tool, a file of the wheel, was found and has its arguments
    assert done.stderr.startswith(str(site / 'mmmix/.mim/tools'))
    assert 'number of processes is missing' in done.stderr
