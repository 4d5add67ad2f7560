"""What mmmix needs of the environment that imports it.

Two stacks provide the same modules: the OpenMMLab packages of 2024 and their
maintained forks (``onedl-*``). Only this file knows the difference.
"""
import contextlib
import io
import re
import warnings
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path

# module: (distributions that provide it, lowest version, first one too new)
SUPPORTED = {
    'torch': (['torch'], '2.1', '3'),
    'mmengine': (['mmengine', 'onedl-mmengine'], '0.10.7', '0.11'),
    'mmcv': (['mmcv', 'mmcv-lite', 'onedl-mmcv'], '2.1', '2.4'),
    'mmpretrain': (['mmpretrain', 'onedl-mmpretrain'], '1.2', '1.4'),
}
STACKS = {
    'onedl': 'maintained forks, Python 3.11 or 3.12',
    'official': 'OpenMMLab packages of 2024, Python 3.10',
}


def check_versions():
    """Check that torch and one OpenMMLab stack are installed and supported.

    Raises:
        ImportError: Naming every module that is missing, too old, too new or
            installed by two distributions at once, and the pip command that
            installs the stack.
    """
    problems, stacks = [], set()
    for module, (distributions, lowest, too_new) in SUPPORTED.items():
        installed = {
            name: version
            for name in distributions if (version := version_of(name))
        }
        if module != 'torch':
            stacks |= {
                'onedl' if name.startswith('onedl-') else 'official'
                for name in installed
            }
        if len(installed) > 1:
            problems.append(
                f'{" and ".join(installed)} overwrite each other; first run: '
                f'pip uninstall -y {" ".join(installed)}')
        elif find_spec(module) is None:
            problems.append(f'{module} is not installed')
        else:
            version = (
                next(iter(installed.values()), None)
                or import_module(module).__version__)
            if not _numbers(lowest) <= _numbers(version) < _numbers(too_new):
                problems.append(f'{module} {version} is installed, but '
                                f'>={lowest},<{too_new} is needed')
    if problems:
        wanted = stacks if len(stacks) == 1 else STACKS
        source = 'mmmix' if version_of('mmmix') else Path(__file__).parents[1]
        raise ImportError('\n'.join([
            'mmmix cannot be imported:', *(f'  {line}' for line in problems),
            'To install what it needs, run' +
            (' one of' if len(wanted) > 1 else ''),
            *(f"  pip install '{source}[{stack}]'   # {STACKS[stack]}"
              for stack in wanted)
        ]))


@contextlib.contextmanager
def silent_import():
    """Silence what the OpenMMLab packages print and warn on import;
    exceptions pass."""
    with warnings.catch_warnings(), \
            contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter('ignore')
        yield


def support_config_scopes():
    """Make ``_base_ = 'mmmix::...'`` and ``'mmseg::...'`` resolve.

    MMEngine looks for the configs in ``mmmix/.mim``: links in a checkout,
    copies in a wheel.
    """
    from mmengine.config.utils import MODULE2PACKAGE

    # The value is tried as a distribution first and as a module next, and a
    # module is found in every installation; with the distribution's name,
    # MMEngine 0.10.7 misses an editable one.
    MODULE2PACKAGE['mmmix'] = 'mmmix.version'
    MODULE2PACKAGE['mmseg'] = 'mmseg'


def shipped(path):
    """The ``Path`` of a file or folder that is installed with mmmix, such as
    'tools/train.py': in ``mmmix/.mim`` or, where that is missing, in the
    checkout. Raises FileNotFoundError if neither has it."""
    package = Path(__file__).parent
    for root in (package / '.mim', package.parent):
        if (root / path).exists():
            return root / path
    raise FileNotFoundError(
        f'{path} is neither in {package / ".mim"} nor in {package.parent}. '
        'If it is part of mmmix, install mmmix again: pip install . in its '
        'checkout.')


def find_config(name):
    """The ``Path`` of a config: a file, or a config of mmmix such as
    'smmix/vit-xs_smmix_1xb64-10e_synthetic.py', with or without 'mmmix::' and
    '.py'. Raises FileNotFoundError if there is no such config."""
    path = Path(name).expanduser()
    if path.is_file():
        return path
    inside = str(name).removeprefix('mmmix::').removesuffix('.py')
    try:
        return shipped(f'configs/{inside}.py')
    except FileNotFoundError:
        raise FileNotFoundError(
            f'There is no config {name}: neither a file, seen from '
            f'{Path.cwd()}, nor one of the configs that are installed with '
            'mmmix.') from None


def version_of(distribution):
    """The version of an installed distribution; None if there is none."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version):
    """The release as a tuple, ``2.1.2+cu121`` as ``(2, 1, 2)``."""
    return tuple(map(int, re.match(r'[\d.]*\d', version)[0].split('.')))
