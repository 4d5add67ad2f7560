"""Keep the weights that a stock classifier has, for MMPretrain and others.

Left out, by name, is what only mmmix has: modules of mixers that learn
(AutoMix: mixers.*), of losses and of label rules. Without such parts a
checkpoint of mmmix is a stock one as it is.

--key chooses the weights of one of two networks in a checkpoint: those under
training ('ema_state_dict') where EMAHook had their average validated and
saved as 'state_dict', or the average ('guide_ema_state_dict') that
mmmix.EMAGuideHook keeps.

example: stock.py work_dirs/resnet18_automix/epoch_800.pth resnet18.pth
"""
from mmengine.runner import CheckpointLoader

from mmmix.checkpoint import save_whole, stock_weights
from mmmix.cli import command_parser, user_errors
from mmmix.cli.config import add_trust


def main():
    parser = command_parser(__doc__)
    parser.add_argument('source', help='the checkpoint')
    parser.add_argument('target', help='where to save what is kept')
    parser.add_argument(
        '--key',
        default='state_dict',
        choices=('state_dict', 'ema_state_dict', 'guide_ema_state_dict'),
        help='which of its weights (default: %(default)s)')
    add_trust(parser)
    args = parser.parse_args()
    with user_errors():
        content = CheckpointLoader.load_checkpoint(args.source, 'cpu')
        weights, added = stock_weights(content, args.source, args.key)
        save_whole(dict(state_dict=weights), args.target)
    for name in added:
        print(f'left out: {name}')
    print(f'Saved {len(weights)} tensors of a stock classifier to '
          f'{args.target}; {len(added)} were left out.')


if __name__ == '__main__':
    main()
