"""The tool that converts a checkpoint between published key names and ours."""
from typing import Callable, Dict, Optional

from torch import Tensor

from mmmix.checkpoint import read_weights, save_whole
from mmmix.cli.config import add_trust, command_parser
from mmmix.cli.errors import user_errors

Rename = Callable[[Dict[str, Tensor]], Dict[str, Tensor]]


def convert(description: str,
            from_published: Rename,
            to_published: Optional[Rename] = None) -> None:
    """Parse the command line and convert a checkpoint.

    Args:
        description (str): What the help says.
        from_published (Callable): Renames a published state dict.
        to_published (Callable, optional): Its inverse.
    """
    parser = command_parser(description)
    parser.add_argument('source', help='the checkpoint')
    parser.add_argument('target', help='where to save the converted one')
    add_trust(parser)
    if to_published:
        parser.add_argument(
            '--to-published',
            action='store_true',
            help='from our names to those of the public code')
    args = parser.parse_args()
    with user_errors():
        weights = read_weights(args.source)
        if to_published and args.to_published:
            content = weights = to_published(weights)
        else:
            weights = from_published(weights)
            content = dict(state_dict=weights)
        save_whole(content, args.target)
    print(f'Saved {len(weights)} tensors to {args.target}.')
