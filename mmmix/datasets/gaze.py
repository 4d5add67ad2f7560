"""Where people looked: fixation files of CUB-GHA and ARISTO as maps."""
import pickle
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmmix.datasets.gaze_map import gaze_map
from mmmix.errors import MmmixError
from mmmix.registry import TRANSFORMS

SIGMA = 0.07
PLACEMENTS = ('stretched', 'fitted')


@dataclass
class Gaze:
    """Fixations on images, pooled over all subjects and files.

    Attributes:
        points (dict[str, np.ndarray]): By image id ``(M, 3)`` float64: x and
            y as shares of the image's width and height, and milliseconds.
        sizes (dict[str, tuple[int, int]]): Width and height of the original
            images, where the file says it.
        broken (list[str]): Lines or records that could not be read: where
            and why. They were skipped.
        outside (int): Fixations off their image; they were left out.
    """
    points: Dict[str, np.ndarray] = field(default_factory=dict)
    sizes: Dict[str, Tuple[int, int]] = field(default_factory=dict)
    broken: List[str] = field(default_factory=list)
    outside: int = 0

    @property
    def num_points(self) -> int:
        """How many fixations there are on all images together."""
        return sum(len(points) for points in self.points.values())

    def add(self, image: str, points: np.ndarray) -> None:
        """Pool fixations with those that are known.

        Args:
            image (str): Its id.
            points (np.ndarray): ``(M, 3)``, as in :attr:`points`; those off
                the image are counted and left out.
        """
        inside = ((points[:, :2] >= 0) & (points[:, :2] <= 1)).all(1)
        self.outside += int((~inside).sum())
        known = self.points.get(image, np.empty((0, 3)))
        self.points[image] = np.concatenate([known, points[inside]])

    def map(self,
            image: str,
            size: Sequence[int],
            sigma: float = SIGMA,
            weight: str = 'duration') -> np.ndarray:
        """The fixations on an image, blurred.

        Args:
            image (str): Its id.
            size (Sequence[int]): Height and width of the map.
            sigma (float): Standard deviation of the Gaussians as a share of
                the shorter side. Defaults to 0.07: the authors of CUB-GHA
                blur by 75 pixels on a screen of 1080, which an image fills.
            weight (str): What a fixation counts: 'duration', its
                milliseconds, or 'count', one. Defaults to 'duration'.

        Returns:
            np.ndarray: ``(H, W)`` float32 with the sum 1; zeros if there are
            no fixations on the image.

        Raises:
            ValueError: If ``sigma`` is not positive or ``weight`` unknown.
        """
        if weight not in ('duration', 'count'):
            raise MmmixError("`weight` must be 'duration' or 'count', not "
                             f'{weight!r}.')
        points = torch.from_numpy(self.points.get(image, np.empty((0, 3))))
        height, width = size
        weights = points[:, 2] if weight == 'duration' else torch.ones(
            len(points), dtype=points.dtype)
        places = points[:, :2] * points.new_tensor([width, height])
        values = gaze_map(places, weights, size, sigma * min(size))
        total = values.sum()
        return (values / total if total > 0 else values).float().numpy()

    def summary(self) -> str:
        """What was read, and what was not, in a line."""
        text = (f'{self.num_points} fixations on {len(self.points)} images; '
                f'{self.outside} off their image were left out, '
                f'{len(self.broken)} broken lines skipped')
        return f'{text}: {"; ".join(self.broken[:5])}' if self.broken else text


def read_cub_gha(*paths: Union[str, Path]) -> Gaze:
    """Read fixation files of CUB-GHA.

    `Human Attention in Fine-grained Classification
    <https://arxiv.org/abs/2111.01628>`_. A line is one image, as one subject
    or several saw it, numbers with commas between:

    - ``Fixation.txt``, 7 numbers before the fixations: the image's id in
      CUB's ``images.txt``, its width and height, its width and height on the
      screen, x and y of its corner there; then x and y on the screen and
      milliseconds of each fixation. What they say of an image on the screen
      is brought back to the image.
    - ``data_5runs/Fixation_run1.txt`` to ``5``, 3 numbers before them: id,
      width and height; then x and y in pixels of the image, and milliseconds.
      (The authors describe the first form alone. All 3,487 fixations of the
      first 400 lines of ``run1`` lie inside their images if they are read
      so.)

    The two differ in the number of values, so each line tells its form.

    Args:
        *paths (str | Path): Files, which are pooled.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file holds no line that can be read.
    """
    gaze = Gaze()
    for path in paths:
        if not Path(path).is_file():
            raise FileNotFoundError(
                f'There is no gaze file {path}, seen from {Path.cwd()}: give '
                'a Fixation*.txt of CUB-GHA.')
        good = 0
        for number, line in enumerate(
                Path(path).read_text(errors='replace').splitlines(), 1):
            if not line.strip():
                continue
            try:
                image, size, points = _cub_gha_line(line)
            except ValueError as error:
                gaze.broken.append(f'{Path(path).name}, line {number}: '
                                   f'{error}')
                continue
            good += 1
            gaze.sizes[image] = size
            gaze.add(image, points)
        if not good:
            raise MmmixError(
                f'{path} has no line of fixations: expected image id, width '
                'and height, then x, y and milliseconds of each fixation, '
                'with commas between.')
    return gaze


def _cub_gha_line(line: str) -> Tuple[str, Tuple[int, int], np.ndarray]:
    """Image id, width and height, and fixations ``(M, 3)`` of a line."""
    try:
        values = np.array(line.split(','), np.float64)
    except ValueError:
        raise MmmixError('not only numbers') from None
    if not np.isfinite(values).all():
        raise MmmixError('not only finite numbers')
    head = {0: 3, 1: 7}.get(len(values) % 3)
    if head is None or len(values) < head:
        raise MmmixError(f'{len(values)} numbers, which are neither 3 nor 7 '
                         'and 3 for each fixation')
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
    size = tuple(values[1:3].astype(int).tolist())
    return str(int(values[0])), size, np.column_stack([places, points[:, 2]])


def read_aristo(*paths: Union[str, Path],
                sizes: Optional[Dict[str, Tuple[int, int]]] = None,
                placement: str = 'stretched') -> Gaze:
    """Read gaze files of ARISTO, as far as their form is known.

    `Where to Focus: Investigating Hierarchical Attention Relationship for
    Fine-Grained Visual Classification
    <https://github.com/visiondom/CHRF>`_ (ECCV 2022), the gaze of TdAttenMix's
    Table 4. Its authors say: pickle files; for each image ``img_id``, its
    index in CUB's ``images.txt``, ``times``, and ``x`` and ``y`` of the
    points in an image of 1280 x 720. **No such file was at hand**; what they
    do not say is read like this:

    - A file holds one record, a list or tuple of records, or a dict whose
      values are records; a record is a dict with these names.
    - ``times`` are the moments of the points, in milliseconds; a point lasts
      until the next, and the last as long as the median.
    - 'stretched': the CUB image was stretched to 1280 x 720. 'fitted': it was
      enlarged as a whole and centred, which needs ``sizes``.

    Only plain Python values and numpy arrays are unpickled: nothing in the
    file is run.

    Args:
        *paths (str | Path): Files, which are pooled.
        sizes (dict[str, tuple[int, int]], optional): Width and height of the
            images by id.
        placement (str): 'stretched' or 'fitted'. Defaults to 'stretched'.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If ``placement`` is unknown, it needs ``sizes`` and there
            are none, or a file holds something else.
    """
    if placement not in PLACEMENTS:
        raise MmmixError(f'`placement` must be one of {PLACEMENTS}, not '
                         f'{placement!r}.')
    if placement == 'fitted' and sizes is None:
        raise MmmixError("placement='fitted' needs the `sizes` of the "
                         'images.')
    gaze = Gaze()
    for path in paths:
        records = _records(_unpickle(path))
        if not records:
            raise MmmixError(f'{path} holds no records with img_id, times, x '
                             'and y.')
        for number, record in enumerate(records, 1):
            try:
                image, points = _aristo_record(record, sizes, placement)
            except (KeyError, TypeError, ValueError) as error:
                gaze.broken.append(f'{Path(path).name}, record {number}: '
                                   f'{error}')
                continue
            gaze.add(image, points)
    return gaze


# what numpy names in its pickles, in its modules of old and of now
NUMPY = {'ndarray', 'dtype', '_reconstruct', 'scalar', '_frombuffer'}


class _PlainUnpickler(pickle.Unpickler):
    """Reads numbers, text, containers and numpy arrays, and nothing else."""

    def find_class(self, module, name):
        if module.partition('.')[0] == 'numpy' and name in NUMPY:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f'it holds a {module}.{name}')


def _unpickle(path: Union[str, Path]) -> Any:
    if not Path(path).is_file():
        raise FileNotFoundError(f'There is no gaze file {path}, seen from '
                                f'{Path.cwd()}: give a .pkl of ARISTO.')
    try:
        with open(path, 'rb') as file:
            return _PlainUnpickler(file).load()
    except Exception as error:  # foreign bytes raise anything
        raise MmmixError(f'{path} is no pickle of plain values and arrays '
                         f'({error}).') from None


def _records(content: Any) -> List[dict]:
    if isinstance(content, dict) and 'img_id' in content:
        return [content]
    if isinstance(content, dict):
        content = list(content.values())
    if isinstance(content, (list, tuple)):
        return [r for part in content for r in _records(part)]
    return []


def _aristo_record(record: dict, sizes: Optional[dict],
                   placement: str) -> Tuple[str, np.ndarray]:
    """Image id and points ``(M, 3)`` of a record."""
    image = str(int(np.ravel(record['img_id'])[0]))
    times, x, y = (
        np.ravel(np.asarray(record[name], np.float64))
        for name in ('times', 'x', 'y'))
    if not len(times) == len(x) == len(y) or not len(x):
        raise MmmixError(f'{len(times)} times, {len(x)} x and {len(y)} y')
    if not np.isfinite([times, x, y]).all() or (np.diff(times) < 0).any():
        raise MmmixError('times that go back, or numbers that are not finite')
    lasting = np.diff(times)
    last = np.median(lasting) if len(lasting) else 1.
    screen = np.array([1280., 720.])
    corner, shown = np.zeros(2), screen
    if placement == 'fitted':
        size = np.array(sizes[image], np.float64)
        shown = size * (screen / size).min()
        corner = (screen - shown) / 2
    places = (np.column_stack([x, y]) - corner) / shown
    return image, np.column_stack([places, np.append(lasting, last)])


@TRANSFORMS.register_module()
class LoadGaze(BaseTransform):
    """Put a map of gaze beside an image of CUB-200-2011.

    It comes right after the image is loaded. The map is stored as
    ``gt_seg_map``, which mmcv's ``Resize``, ``RandomFlip`` and ``CenterCrop``
    change with the image (MMPretrain's ``ResizeEdge`` does not), and reaches
    a metric by ``PackInputs(algorithm_keys=('gt_seg_map', ))``: see
    ``tools/analysis/inconsistency.py --truth maps``. An image without
    fixations gets a map of zeros.

    **Required Keys:** ``img``, ``img_path``

    **Added Keys:** ``gt_seg_map``, float32 ``(H, W)`` of sum 1

    Args:
        files (str | Sequence[str]): Fixation files, pooled.
        images_file (str): CUB's ``images.txt``, which has the id of each
            image.
        kind (str): 'cub-gha' or 'aristo', see :func:`read_cub_gha` and
            :func:`read_aristo`. Defaults to 'cub-gha'.
        sigma (float): See :meth:`Gaze.map`. Defaults to 0.07.
        weight (str): See :meth:`Gaze.map`. Defaults to 'duration'.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If ``kind`` is unknown, ``images_file`` has another form,
            or an image is not in it.
    """

    def __init__(self,
                 files: Union[str, Sequence[str]],
                 images_file: str,
                 kind: str = 'cub-gha',
                 sigma: float = SIGMA,
                 weight: str = 'duration'):
        readers = {'cub-gha': read_cub_gha, 'aristo': read_aristo}
        if kind not in readers:
            raise MmmixError(f'`kind` must be one of {tuple(readers)}, not '
                             f'{kind!r}.')
        files = [files] if isinstance(files, str) else files
        self.gaze = readers[kind](*files)
        self.ids = read_image_ids(images_file)
        self.sigma = sigma
        self.weight = weight

    def transform(self, results: dict) -> dict:
        """Add the map."""
        name = Path(results['img_path']).name
        if name not in self.ids:
            raise MmmixError(f"{results['img_path']} is not an image of the "
                             'list of CUB-200-2011 that LoadGaze was given.')
        results['gt_seg_map'] = self.gaze.map(self.ids[name],
                                              results['img'].shape[:2],
                                              self.sigma, self.weight)
        return results

    def __repr__(self) -> str:
        return (f'{type(self).__name__}({self.gaze.summary()}, '
                f'sigma={self.sigma}, weight={self.weight!r})')


def read_image_ids(path: Union[str, Path]) -> Dict[str, str]:
    """Ids of CUB's images by file name, which differ.

    Args:
        path (str | Path): ``images.txt``: lines of an id and a path.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If a line has another form, or two images one name.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'There is no list of images {path}, seen '
                                f'from {Path.cwd()}: it is images.txt of '
                                'CUB_200_2011.')
    ids = {}
    lines = Path(path).read_text().splitlines()
    for number, line in enumerate(lines, 1):
        parts = line.split()
        if len(parts) != 2 or not parts[0].isdigit():
            raise MmmixError(f"'{path}', line {number}: expected an id and a "
                             f"path, but got '{line}'.")
        ids[Path(parts[1]).name] = parts[0]
    if len(ids) != len(lines):
        twice = Counter(Path(line.split()[1]).name for line in lines)
        raise MmmixError(f"'{path}' has two images of the name "
                         f'{twice.most_common(1)[0][0]}.')
    return ids
