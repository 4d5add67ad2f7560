"""Evaluate a checkpoint on the test set of a config."""
import json
import os
from copy import deepcopy
from pathlib import Path

import mmengine
from mmengine.dist import is_main_process, master_only
from mmengine.evaluator import DumpResults
from mmengine.fileio.handlers import file_handlers
from mmengine.hooks import PrepareTTAHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.utils import apply_to

import mmmix  # noqa: F401
from mmmix.cli import (ProgressHook, add_cfg_options, add_config, add_launcher,
                       build_runner, check_start, command_parser, drop_mixing,
                       end_processes, load_config, prints_hidden_if_quiet,
                       require_keys, set_loader_defaults, set_work_dir,
                       toolbox_of, user_errors)
from mmmix.cli.preflight import preflight
from mmmix.datasets.watched_pipeline import leaves
from mmmix.progress import is_quiet


def parse_args():
    parser = command_parser(__doc__)
    add_config(parser)
    parser.add_argument('checkpoint', help='a .pth file or an address')
    parser.add_argument('--work-dir', help='where to save logs')
    parser.add_argument(
        '--out',
        type=os.path.expanduser,
        metavar='FILE',
        help='save the results here')
    parser.add_argument(
        '--out-item',
        choices=['metrics', 'pred'],
        default='pred',
        help='what --out saves: metrics (.json, .yml or .pkl) or, by '
        'default, predictions (.pkl)')
    parser.add_argument(
        '--tta',
        action='store_true',
        help="average over augmented test images as the config's tta_model "
        'and tta_pipeline say; for classification the default is flipping')
    parser.add_argument(
        '--no-preflight',
        action='store_true',
        help='do not check data, config and one batch before')
    add_cfg_options(parser)
    add_launcher(parser)
    args = parser.parse_args()
    if args.out and args.out_item == 'pred' and not args.out.endswith('.pkl'):
        parser.error(f'--out {args.out}: predictions are saved as .pkl; for '
                     'the metrics add --out-item metrics')
    if args.out and Path(args.out).suffix[1:] not in file_handlers:
        parser.error(f'--out {args.out}: the end of the name must be one of '
                     f'.{", .".join(file_handlers)}')
    return args


class TestRunner(Runner):
    """A runner that leaves the config that a training has saved alone."""

    @master_only
    def dump_config(self) -> None:
        """Save the config beside the log."""
        self.cfg.dump(f'{self.log_dir}/{Path(self.cfg.filename).name}')


def merge_args(cfg, args):
    """Write the arguments of the command line into the config."""
    require_keys(cfg, 'model', 'test_dataloader', 'test_evaluator')
    cfg.launcher = args.launcher
    cfg.load_from = args.checkpoint
    cfg.resume = False
    check_start(cfg)
    # checkpoints are whole, so the model is not sharded here
    if cfg.pop('runner_type', None):
        cfg.pop('strategy', None)
    drop_mixing(cfg)
    set_work_dir(cfg, args.work_dir)
    set_loader_defaults(cfg)


def set_tta(cfg):
    """Augment the test images as ``tta_pipeline`` says."""
    required = ['tta_model', 'tta_pipeline']
    if toolbox_of(cfg) is None:
        cfg.setdefault('tta_model', dict(type='mmpretrain.AverageClsScoreTTA'))
        required.remove('tta_pipeline')
    require_keys(cfg, *required)
    for dataset in leaves(cfg.test_dataloader.dataset, dict.get):
        dataset.pipeline = cfg.get('tta_pipeline') or flipped(dataset.pipeline)


def flipped(pipeline):
    """A pipeline that gives each image as it is, and flipped."""
    *steps, pack = deepcopy(pipeline)
    flips = [dict(type='RandomFlip', prob=prob) for prob in (0., 1.)]
    return [*steps, dict(type='TestTimeAug', transforms=[flips, [pack]])]


def plain(metrics):
    """Metrics as numbers and lists, which any kind of file holds."""
    return apply_to(metrics, lambda value: hasattr(value, 'tolist'),
                    lambda value: value.tolist())


def main():
    args = parse_args()
    with user_errors():
        cfg = load_config(args.config, args.cfg_options)
        merge_args(cfg, args)
    with user_errors():
        if not args.no_preflight:
            preflight(cfg, ('test', ), trained=True)
        if args.tta:
            set_tta(cfg)
        runner = build_runner(cfg, trained=True, kind=TestRunner)
        if is_model_wrapper(runner.model):  # it only synchronises gradients
            runner.model = runner.model.module
        if args.tta:
            runner.register_hook(PrepareTTAHook(dict(cfg.tta_model)))
        if args.out and args.out_item == 'pred':
            runner.test_evaluator.metrics.append(
                DumpResults(out_file_path=args.out))
        runner.register_hook(ProgressHook())
        with prints_hidden_if_quiet():
            metrics = plain(runner.test())
    if is_quiet() and is_main_process():  # the log would have shown them
        print(json.dumps(metrics))
    if args.out and args.out_item == 'metrics':
        mmengine.dump(metrics, args.out)
    del runner
    end_processes()


if __name__ == '__main__':
    main()
