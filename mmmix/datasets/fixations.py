"""Fixation files: tables of our own form, and CUB-GHA's."""
import csv
from pathlib import Path
from typing import Dict, List, Tuple, Union

import numpy as np

from mmmix.errors import MmmixError
from .gaze import Gaze
from .listed import read_ids

COLUMNS = ['image', 'x', 'y', 'duration']  # of a fixation table


def read_fixations(*paths: Union[str, Path]) -> Gaze:
    r"""Read and pool fixation tables, into which other formats can be
    converted.

    A table is a CSV file whose first line is ``image,x,y,duration``. Each
    further line is one fixation of one subject: the file name of the image
    (or its id, see :class:`LoadGaze`), x and y as shares of the image's width
    and height in [0, 1], and milliseconds. Lines may come in any order.
    Fixations outside [0, 1] are counted and left out.

    Raises:
        FileNotFoundError: If a file does not exist.
        MmmixError: If a file has another header, no fixations, or a line that
            cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, 'gaze.csv')
    ...     _ = path.write_text('image,x,y,duration\nbird.jpg,.5,.25,300')
    ...     read_fixations(path).num_points
    1
    """
    gaze = Gaze()
    for path in paths:
        rows = _csv_rows(path)
        header = [name.strip() for name in rows[0][1]] if rows else []
        if header != COLUMNS:
            raise MmmixError(
                f"'{path}' is not a fixation table: its first line must be "
                f"'{','.join(COLUMNS)}', not '{','.join(header)}'.")
        if not rows[1:]:
            raise MmmixError(f"'{path}' has no fixations.")
        for number, row in rows[1:]:
            gaze.add(row[0].strip(),
                     _table_row(row[1:], f"'{path}', line {number}"))
    return gaze


def _csv_rows(path: Union[str, Path]) -> List[Tuple[int, List[str]]]:
    """The rows that are not empty, with the numbers of their last lines."""
    with open(path, newline='', encoding='utf-8-sig') as file:
        rows = csv.reader(file)
        try:
            return [(rows.line_num, row) for row in rows
                    if ''.join(row).strip()]
        except (UnicodeDecodeError, csv.Error) as error:
            raise MmmixError(f"'{path}' is not a CSV file in UTF-8 "
                             f'({error}): save it as such.') from None


def _table_row(values: List[str], where: str) -> np.ndarray:
    """x, y and milliseconds of a line of a fixation table, ``(1, 3)``."""
    try:
        numbers = np.array([values], np.float64)
    except ValueError:
        numbers = np.empty(0)
    if numbers.shape != (
            1, 3) or not np.isfinite(numbers).all() or numbers[0, 2] < 0:
        raise MmmixError(
            f'{where}: expected an image, x, y and a duration that is not '
            f'negative, but got {",".join(values)!r} after the image.')
    return numbers


def read_cub_gha(*paths: Union[str, Path]) -> Gaze:
    """Read and pool fixation files of CUB-GHA, which name images by id.

    `Human Attention in Fine-grained Classification
    <https://arxiv.org/abs/2111.01628>`_. Each line is one image as seen by
    one subject, or by several: numbers separated by commas.

    - ``Fixation.txt``, 7 numbers before the fixations: the image's id in
      CUB's ``images.txt``, its width and height, its width and height on the
      screen, and x and y of its corner there; then x and y on the screen and
      milliseconds of each fixation. Positions on the screen are converted to
      positions in the image.
    - ``data_5runs/Fixation_run1.txt`` to ``5``, 3 numbers before the
      fixations: id, width and height; then x and y in pixels of the image,
      and milliseconds. (The authors describe the first form only. Read in
      this way, all 3,487 fixations of the first 400 lines of ``run1`` lie
      inside their images.)

    The number of values in a line tells which form it has. Lines that cannot
    be read are skipped and listed in :attr:`Gaze.broken`.

    Raises:
        FileNotFoundError: If a file does not exist.
        MmmixError: If a file has no line that can be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, 'Fixation_run1.txt')
    ...     _ = path.write_text('7,100,50,10,20,300,50,25,100')
    ...     read_cub_gha(path).num_points
    2
    """
    gaze = Gaze()
    for path in paths:
        good = 0
        for number, line in enumerate(
                Path(path).read_text('utf-8-sig',
                                     errors='replace').splitlines(), 1):
            if not line.strip():
                continue
            try:
                image, points = _cub_gha_line(line)
            except ValueError as error:
                gaze.broken.append(f'{Path(path).name}, line {number}: '
                                   f'{error}')
                continue
            good += 1
            gaze.add(image, points)
        if not good:
            raise MmmixError(
                f"'{path}' has no line of fixations: expected the image's id, "
                'width and height, then x, y and milliseconds of each '
                'fixation, separated by commas.')
    return gaze


def _cub_gha_line(line: str) -> Tuple[str, np.ndarray]:
    """Image id and fixations ``(M, 3)`` of a line."""
    try:
        values = np.array(line.split(','), np.float64)
    except ValueError:
        raise MmmixError('not only numbers') from None
    if not np.isfinite(values).all():
        raise MmmixError('not only finite numbers')
    head = {0: 3, 1: 7}.get(len(values) % 3)
    if head is None or len(values) < head:
        raise MmmixError(f'{len(values)} numbers, but 3 or 7 are expected, '
                         'and 3 more for each fixation')
    if (values[1:3] < 1).any():
        raise MmmixError('an image without width or height')
    points = values[head:].reshape(-1, 3)
    if (points[:, 2] < 0).any():
        raise MmmixError('a negative duration')
    shown, corner = values[1:3], np.zeros(2)
    if head == 7:
        shown, corner = values[3:5], values[5:7]
        if (shown < 1).any():
            raise MmmixError('an image without width or height on the screen')
    places = (points[:, :2] - corner) / shown
    return str(int(values[0])), np.column_stack([places, points[:, 2]])


def read_image_ids(path: Union[str, Path]) -> Dict[str, str]:
    """Read the ids of CUB's images by file name from its ``images.txt``,
    lines of an id and a path.

    Raises:
        FileNotFoundError: If the file does not exist.
        MmmixError: If a line has another form, or two images have the same
            name.
    """
    ids: Dict[str, str] = {}
    for number, image in read_ids(str(path)).items():
        name = Path(image).name
        if name in ids:
            raise MmmixError(f"'{path}' has two images with the name {name}.")
        ids[name] = number
    return ids
