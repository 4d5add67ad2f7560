"""A classification set that is drawn, with masks and boxes."""
from typing import List, Sequence, Tuple, Union

import cv2
import numpy as np
from mmpretrain.datasets import BaseDataset

from mmmix.errors import MmmixError, check_name
from mmmix.registry import DATASETS

# A shape is a part of the square [-1, 1]^2; a texture selects one of two
# colors for the cell in column x and row y of a grid. Each is its own mirror
# image, up to the phase of the texture, so a flip keeps the class.
SHAPES = {
    'square': lambda x, y: np.maximum(abs(x), abs(y)) < 0.85,
    'ring': lambda x, y: abs(np.hypot(x, y) - 0.75) < 0.24,
}
TEXTURES = {
    'plain': lambda x, y: np.zeros_like(x, dtype=bool),
    'bars': lambda x, y: x % 2 == 0,
    'layers': lambda x, y: y % 2 == 0,
    'checker': lambda x, y: x % 2 == y % 2,
    'dots': lambda x, y: (x % 2 == 0) & (y % 2 == 0),
}
CLASSES = tuple((texture, shape) for texture in TEXTURES for shape in SHAPES)

# These determine the difficulty.
BLOBS = (1, 2)  # number of distractors, from and to
RADIUS = (0.22, 0.35)  # of objects and distractors, in shorter sides
CELL = 1 / 16  # side of the cells of a texture, in shorter sides
CONTRAST = (70, 150)  # between the two colors of a texture
NOISE = 8  # standard deviation of the pixel noise


@DATASETS.register_module()
class SyntheticObjects(BaseDataset):
    """Small textured objects on clutter, drawn from a seed: nothing to
    download.

    The class is the combination of the object's texture and shape. Position,
    size and colors are random with the same distribution for all classes, and
    shapeless blobs with textures of their own lie behind the object: neither
    color, position, mean nor texture alone determines the class.

    Image ``i`` depends only on ``(seed, split, i)`` and ``size``, and has the
    label ``i % 10``. All images are drawn when the data set is built, and
    stay in memory.

    A sample holds, under the names that mmcv's ``Resize``, ``RandomFlip`` and
    ``CenterCrop`` keep aligned with the image (MMPretrain's ``RandomCrop``
    does not):

    - ``img``: uint8 ``(h, w, 3)``, RGB.
    - ``gt_label``: int in 0..9.
    - ``gt_seg_map``: uint8 ``(h, w)``, ``gt_label + 1`` on the object's
      pixels and 0 elsewhere.
    - ``gt_bboxes``: float32 ``(1, 4)``, the tight box ``(x1, y1, x2, y2)``
      of the object in pixels, half open.
    - ``gt_bboxes_labels``: int64 ``(1,)``, the same label.

    Args:
        split (str): 'train' or 'val': different images. Defaults to 'train'.
        num_images (int): Number of images. Defaults to 4000.
        size (int | Sequence[int]): Side of the image, or ``(h, w)``; at
            least 16 pixels each. Defaults to 32.
        seed (int): Seed of the images, not negative. Defaults to 0.
        **kwargs: Other arguments of
            :class:`mmpretrain.datasets.BaseDataset`, such as ``pipeline``.

    Raises:
        MmmixError: If one of the first four arguments is out of its range.

    >>> data = SyntheticObjects('val', num_images=10)
    >>> data[3]['img'].shape, data[3]['gt_label']
    ((32, 32, 3), 3)
    """

    METAINFO = {'classes': tuple(' '.join(names) for names in CLASSES)}
    SPLITS = ('train', 'val')

    def __init__(self,
                 split: str = 'train',
                 num_images: int = 4000,
                 size: Union[int, Sequence[int]] = 32,
                 seed: int = 0,
                 **kwargs):
        size = (size, size) if isinstance(size, int) else tuple(size)
        check_name('split', split, self.SPLITS)
        if num_images < 1:
            raise MmmixError(
                f'num_images must be positive, but got {num_images}.')
        if len(size) != 2 or min(size) < 16:
            raise MmmixError('size must be one integer or (h, w), of at least '
                             f'16 pixels, but got {size}.')
        if seed < 0:
            raise MmmixError(f'seed must not be negative, but got {seed}.')
        self.split = split
        self.num_images = num_images
        self.size = size
        self.seed = seed
        super().__init__(ann_file='', **kwargs)

    def load_data_list(self) -> List[dict]:
        """Draw all images of the split."""
        return [self._draw(index) for index in range(self.num_images)]

    def _draw(self, index: int) -> dict:
        rng = np.random.default_rng(
            (self.seed, self.SPLITS.index(self.split), index))
        label = index % len(CLASSES)
        img = draw_clutter(rng, self.size)
        mask = draw_object(rng, img, *CLASSES[label])
        ys, xs = np.nonzero(mask)
        box = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
        return dict(
            img=img,
            img_shape=self.size,
            ori_shape=self.size,
            gt_label=label,
            gt_seg_map=mask * np.uint8(label + 1),
            gt_bboxes=np.array([box], dtype=np.float32),
            gt_bboxes_labels=np.array([label]))


def draw_clutter(rng: np.random.Generator, size: Tuple[int,
                                                       int]) -> np.ndarray:
    """Draw the background, uint8 RGB ``(h, w, 3)``: smooth random colors,
    noise, and textured blobs of random outline."""
    coarse = rng.uniform(40, 215, (4, 4, 3))
    img = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    img = _noisy(rng, img)
    for _ in range(rng.integers(*BLOBS, endpoint=True)):
        x, y = _place(rng, size)
        angle = np.arctan2(y, x)
        radius = 0.6 + sum(
            rng.uniform(-0.3, 0.3) *
            np.cos(waves * angle + rng.uniform(0, 2 * np.pi))
            for waves in (1, 2, 3))
        _fill(rng, img, np.hypot(x, y) < radius, rng.choice(list(TEXTURES)))
    return img


def draw_object(rng: np.random.Generator, img: np.ndarray, texture: str,
                shape: str) -> np.ndarray:
    """Draw one object, completely inside the image, in place, and return its
    pixels, bool ``(h, w)``."""
    mask = SHAPES[shape](*_place(rng, img.shape[:2]))
    _fill(rng, img, mask, texture)
    return mask


def _place(rng: np.random.Generator,
           size: Tuple[int, int]) -> Tuple[np.ndarray, np.ndarray]:
    """Pixel coordinates ``(x, y)``, each ``(h, w)``, relative to a random
    place and size: the square [-1, 1]^2 is inside the image."""
    h, w = size
    radius = rng.uniform(*RADIUS) * min(size)
    center_y = rng.uniform(radius, h - radius)
    center_x = rng.uniform(radius, w - radius)
    y, x = np.mgrid[:h, :w] + 0.5
    return (x - center_x) / radius, (y - center_y) / radius


def _fill(rng: np.random.Generator, img: np.ndarray, mask: np.ndarray,
          texture: str) -> None:
    """Fill the mask with a texture of random colors and phase, in place."""
    first = rng.uniform(0, 255, 3)
    sign = 1 if first.mean() < 128 else -1
    second = first + sign * rng.uniform(*CONTRAST)
    cell = round(CELL * min(mask.shape))
    phase = rng.integers(0, 2 * cell, (2, 1))
    y, x = (np.stack(np.nonzero(mask)) + phase) // cell
    pattern = TEXTURES[texture](x, y)
    img[mask] = _noisy(rng, np.where(pattern[:, None], first, second))


def _noisy(rng: np.random.Generator, colors: np.ndarray) -> np.ndarray:
    """Add pixel noise and round to uint8."""
    noisy = colors + rng.normal(0, NOISE, colors.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)
