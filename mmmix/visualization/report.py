"""A result as three files side by side: numbers, a table and a picture."""
import json
import shlex
import sys
from pathlib import Path
from typing import Dict, Optional, Sequence, Union

from matplotlib.figure import Figure

Row = Sequence[Union[str, int, float, None]]


def write_report(
    out: Union[str, Path, None],
    title: str,
    columns: Sequence[str],
    rows: Sequence[Row],
    content: Dict,
    figure: Optional[Figure] = None,
    notes: Sequence[str] = ()) -> None:
    """Write ``out.json``, ``out.md`` and ``out.png``, and print the table.

    Args:
        out (str | Path, optional): The files without their suffix; folders
            are made. None only prints.
        title (str): The first line of the table's page.
        columns (Sequence[str]): The heads of the table.
        rows (Sequence[Sequence]): Its cells: text as it is, whole numbers
            whole, others with two digits; None is an empty cell.
        content (dict): What the JSON holds beside the command and the table:
            every number behind the table and the picture.
        figure (Figure, optional): The picture.
        notes (Sequence[str]): What a reader must know, a paragraph each:
            options that were chosen, images that were skipped.
    """
    table = markdown_table(columns, rows)
    print('\n'.join([table, *notes]))
    if out is None:
        return
    command = shlex.join(['python', *sys.argv])  # to be repeated
    out = Path(out).expanduser()
    page = [f'# {title}', f'```bash\n{command}\n```', table, *notes]
    out.parent.mkdir(parents=True, exist_ok=True)
    if figure is not None:
        figure.savefig(f'{out}.png', dpi=150, bbox_inches='tight')
        page.append(f'![{title}]({out.name}.png)')
    Path(f'{out}.md').write_text('\n\n'.join(page) + '\n')
    Path(f'{out}.json').write_text(
        json.dumps(
            dict(
                command=command,
                columns=list(columns),
                rows=[list(row) for row in rows],
                **content),
            indent=1) + '\n')
    print(f'written: {out}.json {out}.md' + (f' {out}.png' if figure else ''))


def markdown_table(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """A table with text to the left and numbers to the right."""
    right = [
        any(isinstance(row[i], (int, float)) for row in rows)
        for i in range(len(columns))
    ]
    lines = [columns, ['--:' if number else ':--' for number in right]]
    lines += [[
        f'{value:.2f}'
        if isinstance(value, float) else str('' if value is None else value)
        for value in row
    ] for row in rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)
