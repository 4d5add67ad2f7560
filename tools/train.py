"""Train the model of a config."""
from mmengine.device import get_device

import mmmix  # noqa: F401
from mmmix.checkpoint import checkpoint_to_resume
from mmmix.cli import (ProgressHook, add_cfg_options, add_config, add_launcher,
                       build_runner, check_start, claim_work_dir,
                       command_parser, end_processes, launched, load_config,
                       prints_hidden_if_quiet, require_keys,
                       set_loader_defaults, set_work_dir, toolbox_of,
                       user_errors)
from mmmix.cli.preflight import preflight
from mmmix.engine.hooks import saving_when_stopped
from mmmix.engine.lr_scaling import apply_lr_scaling, enable_lr_scaling
from mmmix.errors import MmmixError
from mmmix.registry import type_name


def parse_args():
    parser = command_parser(__doc__)
    add_config(parser)
    parser.add_argument('--work-dir', help='where to save logs and models')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='resume from this checkpoint; without a name, from the latest '
        'one in the work directory, if there is one')
    parser.add_argument(
        '--amp',
        action='store_true',
        help="train with automatic mixed precision: MMEngine's on a GPU, "
        'bfloat16 on a CPU')
    parser.add_argument(
        '--no-validate',
        action='store_true',
        help='do not evaluate during training')
    parser.add_argument(
        '--no-preflight',
        action='store_true',
        help='do not check data, config and one batch before the first step')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate to the batch size from the config's "
        'auto_scale_lr.base_batch_size')
    add_cfg_options(parser)
    add_launcher(parser)
    return parser.parse_args()


def merge_args(cfg, args):
    """Write the arguments of the command line into the config."""
    require_keys(cfg, 'model', 'train_dataloader', 'train_cfg',
                 'optim_wrapper')
    cfg.launcher = args.launcher
    set_work_dir(cfg, args.work_dir)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.amp:
        use_amp(cfg)
    if args.resume and args.resume != 'auto':
        cfg.resume, cfg.load_from = True, args.resume
    elif args.resume:
        if checkpoint_to_resume(cfg.work_dir):
            cfg.resume, cfg.load_from = True, None
    check_start(cfg)
    if args.auto_scale_lr:
        enable_lr_scaling(cfg)
    set_loader_defaults(cfg)


def use_amp(cfg):
    """Switch on the mixed precision that the device supports."""
    wrapper = cfg.optim_wrapper
    kind = type_name(wrapper) or 'OptimWrapper'
    if kind == 'AutocastOptimWrapper':  # as a run with --amp saves its config
        return
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise MmmixError('--amp replaces an OptimWrapper, but the '
                         f'optim_wrapper of this config is of type {kind}.')
    if get_device() != 'cpu':
        wrapper.type = 'AmpOptimWrapper'
        wrapper.setdefault('loss_scale', 'dynamic')
        return
    if toolbox_of(cfg) == 'mmdet':
        raise MmmixError("--amp cannot train a detector on a CPU, because "
                         "mmcv's nms does not take bfloat16 there. Leave it "
                         'out, or use a GPU.')
    wrapper.type = 'mmmix.AutocastOptimWrapper'
    for key in ('loss_scale', 'dtype', 'use_fsdp'):  # of AmpOptimWrapper
        wrapper.pop(key, None)


def main():
    args = parse_args()
    with user_errors():
        cfg = load_config(args.config, args.cfg_options)
        merge_args(cfg, args)
    with user_errors():
        if not args.no_preflight:
            preflight(
                cfg, ('train', 'val', 'test'),
                optional=('test', ),
                trained=bool(check_start(cfg) and cfg.get('resume')))
        if launched(cfg)[0] == 0:
            claim_work_dir(cfg.work_dir)
        runner = build_runner(cfg)
        apply_lr_scaling(runner)
        runner.register_hook(ProgressHook())
        with saving_when_stopped(runner), prints_hidden_if_quiet():
            runner.train()
        del runner
        end_processes()


if __name__ == '__main__':
    main()
