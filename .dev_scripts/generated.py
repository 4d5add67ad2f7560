"""Parts of pages that a script writes, between markers."""
from pathlib import Path
from typing import Optional

from mmmix.cli import command_parser
from mmmix.errors import MmmixError


def renewed(text: str, name: str, part: str) -> str:
    """A text with the part between its markers ``<!-- NAME: begin -->`` and
    ``<!-- NAME: end -->`` replaced.

    Raises:
        MmmixError: If the text has no markers.
    """
    begin, end = f'<!-- {name}: begin -->', f'<!-- {name}: end -->'
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise MmmixError(f'There is no table between {begin} and {end}.')
    return f'{before}{begin}\n{part}\n{end}{after}'


def page_to_write(doc: str) -> Optional[Path]:
    """The page that the command line of a script names, if any.

    Args:
        doc (str): The docstring of the script.
    """
    parser = command_parser(doc)
    parser.add_argument(
        '--write',
        metavar='FILE',
        type=Path,
        help='replace the table in this file')
    return parser.parse_args().write


def publish(page: Optional[Path], name: str, part: str) -> None:
    """Print a part, and put it into its page if there is one."""
    if page:
        page.write_text(renewed(page.read_text(), name, part))
    print(part)
