"""Maps of where to look, read from files."""
from collections import Counter
from pathlib import Path
from typing import Sequence, Union

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.functional import resize_mask

MAP_SUFFIXES = ('.npy', '.png')


def read_maps(folder: Union[str, Path], data_list: Sequence[dict],
              grid: Sequence[int]) -> Tensor:
    """Read a map for each image from a folder.

    The map of ``any/where/name.jpg`` is ``folder/name.npy``, an array
    ``(h, w)``, or the grey values of ``folder/name.png``. It is stretched
    over the image that the classifier is shown, so it must cover the same
    part of the picture.

    Args:
        folder (str | Path): Where the maps are.
        data_list (Sequence[dict]): What a data set knows of N images, with
            the ``img_path`` of each.
        grid (Sequence[int]): Height and width of the grid on which the maps
            are averaged by area.

    Returns:
        Tensor: ``(N, *grid)`` float32.

    Raises:
        FileNotFoundError: If the folder or maps are missing; the message
            says how many were found.
        MmmixError: If the images are not files or two have the same name, or
            a map is not an ``(h, w)`` array of finite numbers that are not
            negative.
    """
    if not all('img_path' in info for info in data_list):
        raise MmmixError('Maps are found by the names of the image files, but '
                         'the images of this data set are not files.')
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f'There is no folder {folder} of maps, seen '
                                f'from {Path.cwd()}.')
    names = [Path(info['img_path']).stem for info in data_list]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise MmmixError(
            f'{len(twice)} names belong to several images, such as '
            f"'{twice[0]}': a map is found by the name of its image, so the "
            'names must differ.')
    files = [[
        file for suffix in MAP_SUFFIXES
        if (file := folder / f'{name}{suffix}').is_file()
    ] for name in names]
    missing = [name for name, found in zip(names, files) if not found]
    if missing:
        raise FileNotFoundError(
            f'{folder} has maps of {len(names) - len(missing)} of '
            f'{len(names)} images. The first that is missing is '
            f'{missing[0]}.npy or {missing[0]}.png.')
    return torch.cat(
        [resize_mask(_read_map(found[0]), grid) for found in files])


def _read_map(file: Path) -> Tensor:
    """A map ``(1, h, w)``."""
    if file.suffix == '.npy':
        values = np.load(file, allow_pickle=False)
    else:
        with Image.open(file) as image:
            # 16 bits stay 16 bits, colours become grey
            image = image if image.mode.startswith('I') else image.convert('L')
            values = np.asarray(image)
    if values.ndim != 2 or values.dtype.kind not in 'buif':
        raise MmmixError(f'{file} must hold one (h, w) array of numbers, but '
                         f'holds {values.dtype} of shape {values.shape}.')
    values = torch.from_numpy(values.astype(np.float32))
    if not (torch.isfinite(values) & (values >= 0)).all():
        raise MmmixError(f'{file} holds negative values or values that are '
                         'not finite, which no map of attention may have.')
    return values[None]
