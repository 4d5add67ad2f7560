"""mmmix: attention-guided image mixing for OpenMMLab 2.x.

Importing the package registers every part under the scope ``mmmix`` and makes
``_base_ = 'mmmix::...'`` resolve. It prints nothing.
"""
from importlib import import_module

from .environment import check_versions, silent_import, support_config_scopes
from .version import __version__

check_versions()
with silent_import():
    # a registry looks a name up in its parent, but does not fill the parent
    import_module('mmpretrain.utils').register_all_modules(
        init_default_scope=False)
    for room in ('checkpoint', 'datasets', 'engine', 'evaluation', 'models'):
        import_module(f'mmmix.{room}')
support_config_scopes()

__all__ = ['__version__']
