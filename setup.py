"""What pyproject.toml cannot say of the packaging of mmmix."""
import os
import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent


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


def index_page():
    """The README for the page of a package index: there, a link to a file of
    the checkout leads nowhere, so its words alone are kept."""
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    text = re.sub(
        r'!\[[^]]*\]\((?!\w+:)[^)]*\)\n(\n\*.*?\*\n)?',
        '',
        text,
        flags=re.DOTALL)
    return re.sub(r'\[([^]]+)\]\((?!\w+:|#)[^)]*\)', r'\1', text)


setup(
    long_description=index_page(),
    long_description_content_type='text/markdown',
    cmdclass={'build_py': BuildWithMim})
