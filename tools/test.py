"""Evaluate a checkpoint on the test set of a config."""
import argparse

import mmengine
from mmengine.evaluator import DumpResults
from mmengine.model import is_model_wrapper

import mmmix  # noqa: F401
from mmmix.checkpoint import check_checkpoint, load_weights
from mmmix.engine.launch import (add_cfg_options, add_launcher, build_runner,
                                 load_config, set_loader_defaults,
                                 set_work_dir, short_errors)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'config', help='a file, or a config of mmmix such as smmix/NAME.py')
    parser.add_argument('checkpoint', help='a .pth file or an address')
    parser.add_argument('--work-dir', help='where to save logs')
    parser.add_argument('--out', metavar='FILE', help='save the results here')
    parser.add_argument(
        '--out-item',
        choices=['metrics', 'pred'],
        default='pred',
        help='what --out saves: metrics (.json, .yml or .pkl) or, by '
        'default, predictions (.pkl)')
    add_cfg_options(parser)
    add_launcher(parser)
    args = parser.parse_args()
    if args.out and args.out_item == 'pred' and not args.out.endswith('.pkl'):
        parser.error(f'--out {args.out}: predictions are saved as .pkl; for '
                     'the metrics add --out-item metrics')
    return args


def main():
    args = parse_args()
    with short_errors(ValueError):
        cfg = load_config(args.config, args.cfg_options)
        cfg.launcher = args.launcher
        # for hooks that look at it, such as EMAHook; see load_weights below
        cfg.load_from = check_checkpoint(args.checkpoint)
        # nothing is mixed here, so no pretrained guide is loaded
        (cfg.model.get('train_cfg') or {}).pop('guide', None)
        set_work_dir(cfg, args.work_dir)
        set_loader_defaults(cfg)
    runner = build_runner(cfg)
    model = runner.model
    with short_errors(ValueError):
        # the runner itself would only log what does not fit
        load_weights(model.module if is_model_wrapper(model) else model,
                     args.checkpoint)
    if args.out and args.out_item == 'pred':
        runner.test_evaluator.metrics.append(
            DumpResults(out_file_path=args.out))
    metrics = runner.test()
    if args.out and args.out_item == 'metrics':
        mmengine.dump(metrics, args.out)


if __name__ == '__main__':
    main()
