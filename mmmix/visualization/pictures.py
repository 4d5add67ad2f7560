"""Single pictures of a mix, as arrays: for a page that shows them one by one.

:func:`mmmix.visualization.draw_pairs` draws the same things as one figure.
"""
import base64
from typing import Optional, Sequence

import cv2
import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from torch import Tensor

from .figure import SOURCE, TARGET, pixels

# of the sources of a mix of several; the target keeps its colour
SOURCES = (SOURCE, '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#f0e442')
MANY = 1024  # places, of which a few may be far above all others
SIDE = 224  # pixels: a smaller image is enlarged, so that its pixels show


def enlarged(picture: np.ndarray) -> np.ndarray:
    """A picture ``(h, w, 3)`` whose pixels are repeated until its shorter
    side has at least :data:`SIDE` pixels.

    >>> enlarged(np.zeros((32, 48, 3))).shape
    (224, 336, 3)
    """
    factor = max(1, -(-SIDE // min(picture.shape[:2])))
    return picture.repeat(factor, 0).repeat(factor, 1)


def image_picture(image: Tensor,
                  box: Optional[Sequence[int]] = None,
                  colour: str = SOURCE) -> np.ndarray:
    """An image ``(3, H, W)`` in [0, 1] as a picture, uint8 ``(h, w, 3)``.

    Args:
        image (Tensor): RGB.
        box (Sequence[int], optional): ``(y1, x1, y2, x2)`` in its pixels, half
            open, to be framed.
        colour (str): That of the frame.
    """
    return _framed(enlarged(pixels(image)), image.shape[-2:], box, colour)


def map_picture(image: Tensor,
                values: Tensor,
                box: Optional[Sequence[int]] = None,
                colour: str = SOURCE) -> np.ndarray:
    """A map ``(h, w)`` as heat over the grey image, from its lowest to its
    highest value or, of a map of many places, that which one in a hundred
    exceeds; see :func:`image_picture` for the other arguments."""
    picture = enlarged(pixels(image))
    heat = values.detach().cpu().double().numpy()
    low, high = heat.min(), heat.max()
    if heat.size > MANY:
        high = np.quantile(heat, .99)
    heat = colormaps['inferno']((heat - low) / max(high - low, 1e-12))
    heat = cv2.resize(
        heat[..., :3],
        picture.shape[1::-1],
        interpolation=cv2.INTER_NEAREST
        if heat.shape[0] <= picture.shape[0] else cv2.INTER_AREA)
    grey = picture.mean(2, keepdims=True)
    return _framed(.35 * grey + .65 * heat, image.shape[-2:], box, colour)


def mask_picture(mask: Tensor, size: Sequence[int]) -> np.ndarray:
    """How much of each place belongs to which image, in their colours.

    Args:
        mask (Tensor): Weight of the source ``(h, w)``, or of several
            ``(S, h, w)``.
        size (Sequence[int]): Height and width of the image.
    """
    weights = np.atleast_3d(
        np.moveaxis(
            mask.detach().cpu().double().view(-1, *mask.shape[-2:]).numpy(), 0,
            2))
    colours = np.array(
        [to_rgb(SOURCES[i % len(SOURCES)]) for i in range(weights.shape[2])])
    rest = 1 - weights.sum(2, keepdims=True)
    picture = weights @ colours + rest * np.array(to_rgb(TARGET))
    height, width = size
    picture = cv2.resize(
        picture, (width, height), interpolation=cv2.INTER_NEAREST)
    return _uint8(enlarged(picture))


def as_address(picture: np.ndarray) -> str:
    """A picture, uint8 RGB ``(h, w, 3)``, as the ``data:`` address of a JPEG
    file."""
    _, file = cv2.imencode('.jpg', picture[..., ::-1],
                           [cv2.IMWRITE_JPEG_QUALITY, 93])
    return 'data:image/jpeg;base64,' + base64.b64encode(file).decode()


def _uint8(picture: np.ndarray) -> np.ndarray:
    return np.rint(picture.clip(0, 1) * 255).astype(np.uint8)


def _framed(picture: np.ndarray, size: Sequence[int],
            box: Optional[Sequence[int]], colour: str) -> np.ndarray:
    """A picture in [0, 1] of an image of some size, with one of its boxes."""
    picture = np.ascontiguousarray(_uint8(picture))
    if box is None:
        return picture
    factor = picture.shape[0] / size[0]
    y1, x1, y2, x2 = (round(side * factor) for side in box)
    if y2 <= y1 or x2 <= x1:
        return picture
    for shade, width in (('white', 5), (colour, 3)):
        rgb = [round(255 * part) for part in to_rgb(shade)]
        cv2.rectangle(picture, (x1, y1), (x2 - 1, y2 - 1), rgb, width)
    return picture
