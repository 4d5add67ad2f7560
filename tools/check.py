"""Check a config and its data, as train.py does before the first step."""
import mmmix  # noqa: F401
from mmmix.cli import (add_cfg_options, add_config, command_parser,
                       load_config, require_keys, set_loader_defaults,
                       user_errors)
from mmmix.cli.preflight import check_run


def parse_args():
    parser = command_parser(__doc__)
    add_config(parser)
    parser.add_argument(
        '--processes',
        type=int,
        default=1,
        help='of the training, which share the images (default: %(default)s)')
    add_cfg_options(parser)
    return parser.parse_args()


def main():
    args = parse_args()
    with user_errors():
        cfg = load_config(args.config, args.cfg_options)
        require_keys(cfg, 'model')
        set_loader_defaults(cfg)
        report = check_run(cfg, processes=args.processes)
    print(report)
    raise SystemExit(not report.passed)


if __name__ == '__main__':
    main()
