"""A result as three files side by side: numbers, a table and a picture."""
import json
import shlex
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Union

from matplotlib.figure import Figure

Row = Sequence[Union[str, int, float, None]]


def write_report(
    out: Union[str, Path, None],
    title: str,
    columns: Sequence[str],
    rows: Sequence[Row],
    content: Dict,
    figure: Optional[Figure] = None,
    notes: Sequence[str] = ()) -> List[Path]:
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

    Returns:
        list[Path]: What was written.
    """
    table = markdown_table(columns, rows)
    print('\n'.join([table, *notes]))
    if out is None:
        return []
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    command = shlex.join(['python', *sys.argv])  # to be repeated
    # "with_suffix" would take a version number in the name for one
    named = {
        suffix: out.with_name(f'{out.name}.{suffix}')
        for suffix in ('json', 'md', 'png')
    }
    if figure is None:
        del named['png']
    else:
        figure.savefig(named['png'], dpi=150, bbox_inches='tight')
    parts = [f'# {title}', f'```bash\n{command}\n```', table, *notes]
    if figure is not None:
        parts.append(f'![{title}]({out.name}.png)')
    named['md'].write_text('\n\n'.join(parts) + '\n')
    named['json'].write_text(
        json.dumps(
            dict(
                command=command,
                columns=list(columns),
                rows=[list(row) for row in rows],
                **content),
            indent=1) + '\n')
    print('written:', *named.values())
    return list(named.values())


def markdown_table(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """A table with text to the left and numbers to the right."""
    right = [
        any(isinstance(row[i], (int, float)) for row in rows)
        for i in range(len(columns))
    ]
    lines = [columns, ['--:' if number else ':--' for number in right]]
    lines += [[_cell(value) for value in row] for row in rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def _cell(value: Union[str, int, float, None]) -> str:
    if value is None:
        return ''
    return f'{value:.2f}' if isinstance(value, float) else str(value)
