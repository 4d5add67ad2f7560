"""The toolboxes of segmentation and detection, imported when a config asks."""
import re
from importlib import import_module
from importlib.util import find_spec
from typing import Optional

from mmengine.config import Config

from mmmix.environment import silent_import
from mmmix.errors import MmmixError

TOOLBOXES = {'mmseg': 'MMSegmentation', 'mmdet': 'MMDetection'}
REMEDY = ('bash tools/setup_env.sh full makes an environment that has them, '
          '.venv/full')


def toolbox_of(cfg: Config) -> Optional[str]:
    """The toolbox whose task a config is: 'mmseg', 'mmdet', or None for a
    classification config.

    The scope of the model's type decides (``'mmseg.EncoderDecoder'``), or the
    package of the class or its bases, or, where it has none,
    ``default_scope``.
    """
    kind = (cfg.get('model') or {}).get('type')
    if isinstance(kind, type):
        scopes = [base.__module__.split('.')[0] for base in kind.__mro__]
    elif isinstance(kind, str) and '.' in kind:
        scopes = [kind.split('.')[0]]
    else:
        scopes = [cfg.get('default_scope')]
    return next((scope for scope in scopes if scope in TOOLBOXES), None)


def register_toolboxes(cfg: Config) -> None:
    """Import, silently, every toolbox that a config uses.

    Args:
        cfg (Config): A toolbox is used if a value is its name, as a default
            scope is, or begins with it, as in ``'mmdet.MaskRCNN'``.

    Raises:
        MmmixError: If a toolbox, or mmcv's compiled ops, cannot be imported.
    """
    text = str(cfg.to_dict())
    required = [name for name in TOOLBOXES if re.search(f"'{name}['.]", text)]
    if not required:
        return
    names = ' and '.join(TOOLBOXES[name] for name in required)
    missing = [name for name in required if find_spec(name) is None]
    if missing:
        raise MmmixError(f'This config uses {names}, but '
                         f'{" and ".join(missing)} cannot be found: {REMEDY}.')
    try:
        import_module('mmcv._ext')
    except ImportError as error:
        raise MmmixError(
            f"This config uses {names}, which need mmcv's compiled ops, but "
            f'those of the installed mmcv cannot be imported ({error}). A '
            f'plain pip install leaves them out. {REMEDY}.') from None
    for name in required:
        with silent_import():
            import_module(f'{name}.utils').register_all_modules(
                init_default_scope=False)
