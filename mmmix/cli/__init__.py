"""What the tools share: arguments, configs, processes, progress, errors."""
from .config import (add_cfg_options, add_config, add_quiet, command_parser,
                     load_config, require_keys, set_loader_defaults,
                     set_work_dir)
from .errors import user_errors
from .lock import claim_work_dir
from .progress import ProgressHook
from .runner import (add_launcher, build_model, build_runner, check_start,
                     drop_mixing, drop_pretrained, end_processes, launched,
                     prints_hidden_if_quiet, replace_sync_bn)
from .toolboxes import TOOLBOXES, register_toolboxes, toolbox_of

__all__ = [
    'ProgressHook', 'TOOLBOXES', 'add_cfg_options', 'add_config', 'add_quiet',
    'add_launcher', 'build_model', 'build_runner', 'check_start',
    'claim_work_dir', 'command_parser', 'drop_mixing', 'drop_pretrained',
    'end_processes', 'launched', 'load_config', 'prints_hidden_if_quiet',
    'register_toolboxes', 'replace_sync_bn', 'require_keys',
    'set_loader_defaults', 'set_work_dir', 'toolbox_of', 'user_errors'
]
