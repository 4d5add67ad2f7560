"""Parts of pages that a script writes, between markers."""

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
