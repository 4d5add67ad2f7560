"""Packaging of mmmix.

Neither torch nor an OpenMMLab package is a hard requirement: two stacks
provide them under the same import names, and installing one over the other
breaks both. ``mmmix.environment`` checks at import what is installed.
"""
import os
import runpy
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent


def read_pins():
    """Read ``requirements/pins.txt`` as ``{section: [requirement, ...]}``."""
    sections = {}
    for line in (ROOT / 'requirements/pins.txt').read_text().splitlines():
        if line.startswith('['):
            section = sections[line.strip('[]')] = []
        elif line and not line.startswith('#'):
            section.append(line)
    return sections


class BuildWithMim(build_py):
    """Put configs, tools and the page of the data sets into ``mmmix/.mim``.

    A wheel gets copies, an editable installation links to the checkout.
    """

    def run(self):
        super().run()
        root = ROOT if self.editable_mode else Path(self.build_lib)
        mim = root / 'mmmix/.mim'
        shutil.rmtree(mim, ignore_errors=True)
        mim.mkdir()
        for name in ('configs', 'tools', 'model-index.yml',
                     'docs/datasets.md'):
            (mim / name).parent.mkdir(exist_ok=True)
            if self.editable_mode:
                (mim / name).symlink_to(
                    os.path.relpath(ROOT / name, (mim / name).parent))
            elif (ROOT / name).is_dir():
                shutil.copytree(
                    ROOT / name,
                    mim / name,
                    ignore=shutil.ignore_patterns('__pycache__'))
            else:
                shutil.copy(ROOT / name, mim / name)


pins = read_pins()
setup(
    name='mmmix',
    version=runpy.run_path(str(ROOT / 'mmmix/version.py'))['__version__'],
    description='Attention-guided image mixing for OpenMMLab 2.x',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10,<3.13',
    packages=find_packages(include=['mmmix', 'mmmix.*']),
    package_data={
        'mmmix': ['imagenet_wnids.txt'],
        'mmmix.cli.playground': ['style.css'],
    },
    extras_require={
        name: pins[name]
        for name in ('onedl', 'official', 'timm', 'mincut', 'pretrained',
                     'downstream', 'analysis', 'playground', 'tests')
    },
    cmdclass={'build_py': BuildWithMim},
)
