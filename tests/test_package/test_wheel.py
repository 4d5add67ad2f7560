"""The wheel that ``pip install`` makes."""
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import mmmix

ROOT = Path(mmmix.__file__).parents[1]


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    if not (ROOT / 'setup.py').exists():
        pytest.skip('mmmix is installed without its checkout')
    folder = tmp_path_factory.mktemp('wheel')
    # a copy, so that no build product is left in the checkout
    shutil.copytree(
        ROOT,
        folder / 'copy',
        ignore=shutil.ignore_patterns('.*', 'data', 'work_dirs', 'build'))
    subprocess.run([
        sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps', '--no-index',
        '--no-build-isolation', '-w', folder, folder / 'copy'
    ],
                   check=True)
    with zipfile.ZipFile(next(folder.glob('mmmix-*.whl'))) as archive:
        yield archive


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


def test_metafiles_of_the_model_index_exist(wheel):
    assert 'mmmix/imagenet_wnids.txt' in wheel.namelist()
    index = yaml.safe_load(wheel.read('mmmix/.mim/model-index.yml'))
    for name in index['Import']:
        metafile = yaml.safe_load(wheel.read(f'mmmix/.mim/{name}'))
        for model in metafile['Models']:
            assert f'mmmix/.mim/{model["Config"]}' in wheel.namelist()


def test_nothing_is_required_beside_the_extras(wheel):
    name = next(n for n in wheel.namelist() if n.endswith('METADATA'))
    requirements = [
        line for line in wheel.read(name).decode().splitlines()
        if line.startswith('Requires-Dist:')
    ]
    assert requirements
    assert all('extra ==' in line for line in requirements)
    stacks = {'onedl': 'onedl-mmpretrain==', 'official': 'mmpretrain=='}
    for extra, pin in stacks.items():
        assert any(f' {pin}' in line and extra in line.partition(';')[2]
                   for line in requirements)
