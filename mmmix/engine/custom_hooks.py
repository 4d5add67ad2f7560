"""The hooks that a config adds to a run."""
from typing import List

from mmengine.config import Config
from mmengine.hooks import Hook

from mmmix.errors import MmmixError


def custom_hooks(cfg: Config) -> List[dict]:
    """The configs of the hooks in ``custom_hooks``, by their places; of one
    that is built already an empty dict.

    Args:
        cfg (Config): The config of a run.

    Raises:
        MmmixError: If it is not a list of dicts.

    >>> custom_hooks(Config(dict(custom_hooks=[dict(type='EMAHook')])))
    [{'type': 'EMAHook'}]
    """
    hooks = cfg.get('custom_hooks') or []
    if not isinstance(hooks, (list, tuple)) or not all(
            isinstance(hook, (dict, Hook)) for hook in hooks):
        raise MmmixError(
            f'`custom_hooks` is {hooks!r}, but must be a list of dicts, such '
            "as [dict(type='EMAHook')]: --cfg-options can change a value in "
            'them, but add none. Write them into a config that has this one '
            'as its _base_.')
    return [hook if isinstance(hook, dict) else {} for hook in hooks]
