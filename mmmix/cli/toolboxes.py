"""The toolboxes of segmentation and detection: imported when a config asks."""
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Iterator, Optional

from mmengine.config import Config

from mmmix.environment import silent_import
from mmmix.errors import MmmixError

TOOLBOXES = {'mmseg': 'MMSegmentation', 'mmdet': 'MMDetection'}
REMEDY = ('bash tools/setup_env.sh full makes an environment that has them, '
          '.venv/full')


def toolbox_of(cfg: Config) -> Optional[str]:
    """The toolbox whose task a config is: 'mmseg', 'mmdet', or None for a
    classification config.

    The model's type tells it (``'mmseg.EncoderDecoder'``), and where that has
    no scope, ``default_scope``.
    """
    kind = (cfg.get('model') or {}).get('type')
    scope = kind.split('.')[0] if isinstance(kind, str) and '.' in kind \
        else cfg.get('default_scope')
    return scope if scope in TOOLBOXES else None


def register_toolboxes(cfg: Config) -> None:
    """Import, silently, every toolbox that a config takes parts of.

    Args:
        cfg (Config): Its task, and the scopes of the types in it, tell which.

    Raises:
        ValueError: If a toolbox, or mmcv's compiled ops, cannot be imported.
    """
    scopes = set(_scopes(cfg._cfg_dict)) | {toolbox_of(cfg)}
    wanted = [name for name in TOOLBOXES if name in scopes]
    if not wanted:
        return
    names = ' and '.join(TOOLBOXES[name] for name in wanted)
    missing = [name for name in wanted if find_spec(name) is None]
    if missing:
        raise MmmixError(f'This config takes parts of {names}, but '
                         f'{" and ".join(missing)} cannot be found: {REMEDY}.')
    _check_ops(names)
    for name in wanted:
        with silent_import():
            import_module(f'{name}.utils').register_all_modules(
                init_default_scope=False)


def _check_ops(names: str) -> None:
    try:
        import_module('mmcv._ext')
    except ImportError as error:
        raise MmmixError(
            f"This config takes parts of {names}, which need mmcv's compiled "
            f'ops, but the installed mmcv has none that load ({error}). A '
            f'plain pip install leaves them out. {REMEDY}.') from None


def _scopes(node: Any) -> Iterator[str]:
    """The scopes that the types of a config name."""
    if isinstance(node, dict):
        kind = node.get('type')
        if isinstance(kind, str) and '.' in kind:
            yield kind.split('.')[0]
        if isinstance(node.get('_scope_'), str):
            yield node['_scope_']
        for child in node.values():
            yield from _scopes(child)
    elif isinstance(node, (list, tuple)):
        for child in node:
            yield from _scopes(child)
