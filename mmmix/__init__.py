"""mmmix: attention-guided image mixing for OpenMMLab 2.x.

Importing the package registers every part under the scope ``mmmix`` and makes
``_base_ = 'mmmix::...'`` resolve. It prints nothing.
"""
from .environment import check_versions, silent_import, support_config_scopes
from .version import __version__

check_versions()
with silent_import():
    # a registry looks a name up in its parent, but does not fill the parent
    from mmpretrain.utils import register_all_modules
    register_all_modules(init_default_scope=False)
    from . import (datasets, engine, evaluation, models,  # noqa: F401
                   structures, visualization)
support_config_scopes()

__all__ = ['__version__']
