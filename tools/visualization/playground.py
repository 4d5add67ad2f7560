r"""Mix images in the browser; everything stays on this machine.

Choose images, a mixer and its arguments, the network that guides it, an
attention map and a label rule, and see what is mixed, with which weight, and
what the network takes it for. The config that does the same can be copied.

example, with images and a network of one's own:
    playground.py --images my_photographs/ \
        --guide smmix/vit-xs_smmix_1xb64-10e_synthetic.py epoch_10.pth
"""
from mmmix.cli import command_parser, user_errors
from mmmix.cli.config import add_trust
from mmmix.cli.models import analysis_run
from mmmix.cli.playground import (Playground, from_folder, known_networks,
                                  require_gradio, serve)


def parse_args():
    parser = command_parser(__doc__)
    parser.add_argument(
        '--images',
        metavar='FOLDER',
        help='offer the images of a folder and its subfolders, which may be '
        'named after their classes, such as n02124075')
    parser.add_argument(
        '--guide',
        nargs=2,
        action='append',
        default=[],
        metavar=('CONFIG', 'CHECKPOINT'),
        help='offer this network as a guide, too; may be given several times')
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='the address to listen at (default: %(default)s, which other '
        'machines cannot reach; 0.0.0.0 lets all of them see and use the '
        'page)')
    parser.add_argument(
        '--port', type=int, help='default: the first free one from 7860')
    add_trust(parser)
    return parser.parse_args()


def main():
    args = parse_args()
    with user_errors(), analysis_run(args):
        require_gradio()
        networks = known_networks(args.guide)
        for network in networks[:max(1, len(args.guide))]:
            network.load()  # wrong files are told before the page is there
        serve(
            Playground(networks,
                       from_folder(args.images) if args.images else ()),
            args.host, args.port)


if __name__ == '__main__':
    main()
