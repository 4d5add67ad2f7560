"""The images of the playground: built-in ones, a folder's, uploaded ones."""
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Callable, List, Optional, Sequence, Tuple, Union

import numpy as np
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES
from PIL import Image, ImageOps

from mmmix.datasets import SyntheticObjects
from mmmix.errors import MmmixError
from mmmix.imagenet import IMAGENET_WNIDS

# scikit-image's photographs in the public domain of objects that ImageNet has:
# what ImageNet calls the object, and the left border of the square that is
# taken. The cat and the coffee were given by their photographers, S. van der
# Walt and R. Michetti, the photographer by L. Varshney (all CC0), the rocket
# by SpaceX.
PHOTOGRAPHS = dict(
    chelsea=('n02124075', 25),  # Egyptian cat
    coffee=('n07920052', 100),  # espresso
    rocket=('n03773504', 85),  # missile
    camera=('n04485082', 0))  # tripod
DRAWN = len(SyntheticObjects.METAINFO['classes'])
SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp', '.gif')
MOST_FILES = 500  # of a folder
MOST_PIXELS = 50_000_000  # of a file
KEPT_SIDE = 640  # pixels: what is kept of a file

Size = Tuple[int, int]


@dataclass(frozen=True)
class Picture:
    """An image that can be shown at any size.

    Attributes:
        name (str): What the page calls it.
        at (Callable): Returns it as uint8 RGB ``(h, w, 3)`` for a height and
            width.
        classes (tuple[str]): Its class: names or wnids that a network may
            know; none if it is not known.
    """
    name: str
    at: Callable[[Size], np.ndarray]
    classes: Tuple[str, ...] = ()


def built_in() -> List[Picture]:
    """The photographs, where scikit-image is installed, and drawn objects."""
    return photographs() + drawn()


def photographs() -> List[Picture]:
    """The photographs of :data:`PHOTOGRAPHS`; none without scikit-image."""
    if find_spec('skimage') is None:
        return []
    found = []
    for name, (wnid, _) in PHOTOGRAPHS.items():
        names = IMAGENET_CATEGORIES[IMAGENET_WNIDS.index(wnid)]
        found.append(
            Picture(
                names.split(',')[0],
                lambda size, name=name: _fitted(photograph(name), size),
                (wnid, )))
    return found


@lru_cache(maxsize=None)
def photograph(name: str) -> Image.Image:
    """One of :data:`PHOTOGRAPHS`, cut to a square."""
    from skimage import data
    left = PHOTOGRAPHS[name][1]
    image = Image.fromarray(getattr(data, name)()).convert('RGB')
    side = image.height
    return image.crop((left, 0, left + side, side))


def drawn() -> List[Picture]:
    """An object of each class of :class:`~mmmix.datasets.SyntheticObjects`,
    drawn for the size that is asked for, as its training images are."""
    return [
        Picture(f'drawn {name}', partial(_drawn, i), (name, ))
        for i, name in enumerate(SyntheticObjects.METAINFO['classes'])
    ]


def _drawn(index: int, size: Size) -> np.ndarray:
    return _all_drawn(tuple(size))[index]


@lru_cache(maxsize=4)
def _all_drawn(size: Size) -> List[np.ndarray]:
    dataset = SyntheticObjects('val', num_images=DRAWN, size=size)
    return [info['img'] for info in map(dataset.get_data_info, range(DRAWN))]


def from_folder(folder: Union[str, Path]) -> List[Picture]:
    """The images in a folder and its subfolders, whose names may be classes:
    wnids, or the names that a data set gives them.

    Raises:
        MmmixError: If there is no such folder, or it has no images.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MmmixError(f'--images {folder}: there is no such folder.')
    files = sorted(
        path for path in folder.rglob('*')
        if path.suffix.lower() in SUFFIXES and path.is_file())
    if not files:
        raise MmmixError(f'--images {folder}: it has no images '
                         f'({", ".join(SUFFIXES)}), nor do its subfolders.')
    return [
        Picture(
            str(path.relative_to(folder)),
            lambda size, path=path: _fitted(_file(str(path)), size),
            (path.parent.name, )) for path in files[:MOST_FILES]
    ]


def from_upload(path: Union[str, Path]) -> Picture:
    """An image that is read now, as the file may soon be gone.

    Raises:
        MmmixError: If it is not an image, or too large.
    """
    image = read_file(path)
    return Picture(Path(path).name, lambda size: _fitted(image, size))


@lru_cache(maxsize=64)
def _file(path: str) -> Image.Image:
    return read_file(path)


def read_file(path: Union[str, Path]) -> Image.Image:
    """Read an image file as RGB, turned as its EXIF entry says, and shrunk.

    Raises:
        MmmixError: If it is not an image, or too large.
    """
    name = Path(path).name
    try:
        with Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                raise MmmixError(
                    f'{name} has {image.width} x {image.height} pixels, but '
                    f'at most {MOST_PIXELS // 10**6} million are read: shrink '
                    'it first.')
            image.draft('RGB', (KEPT_SIDE, KEPT_SIDE))
            image = ImageOps.exif_transpose(image)
            image = image.convert('RGBA' if 'transparency' in image.info
                                  or image.mode in ('LA', 'RGBA') else 'RGB')
    except MmmixError:
        raise
    except (OSError, ValueError, SyntaxError,
            Image.DecompressionBombError) as error:
        raise MmmixError(
            f'{name} cannot be read as an image: '
            f'{str(error).split(str(path))[0] or error}') from None
    if image.mode == 'RGBA':
        image = Image.alpha_composite(
            Image.new('RGBA', image.size, 'white'), image).convert('RGB')
    factor = KEPT_SIDE / min(image.size)
    if factor < 1:
        image = image.resize([max(1, round(s * factor)) for s in image.size],
                             Image.Resampling.LANCZOS)
    return image


def _fitted(image: Image.Image, size: Size) -> np.ndarray:
    """The middle of an image, as large as fits, at a height and width."""
    height, width = size
    return np.asarray(
        ImageOps.fit(image, (width, height), Image.Resampling.BICUBIC))


def choose(pictures: Sequence[Picture],
           names: Optional[Sequence[str]]) -> List[Picture]:
    """The pictures of some names, in their order.

    Raises:
        MmmixError: If there are fewer than two, or one that is unknown.
    """
    known = {picture.name: picture for picture in pictures}
    names = names or []
    unknown = [name for name in names if name not in known]
    if unknown:
        raise MmmixError(f'There is no image {unknown[0]!r}.')
    if len(names) < 2:
        raise MmmixError('Mixing needs at least two images, but '
                         f'{len(names) or "none"} is chosen: choose another '
                         'one under "Images".')
    return [known[name] for name in names]
