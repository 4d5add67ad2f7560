"""Fixations of people on images, and the maps they become."""
from dataclasses import dataclass, field
from typing import Dict, List, Sequence

import numpy as np
import torch
from torch import Tensor

from mmmix.errors import MmmixError, check_name

SIGMA = 0.07


def gaze_map(points: Tensor, weights: Tensor, size: Sequence[int],
             sigma: float) -> Tensor:
    """Sum of Gaussians around fixations.

    A Gaussian is sampled at the centers of the pixels. It sums to 1 on an
    infinite image; the part that falls outside this one is lost.

    Args:
        points (Tensor): ``(M, 2)``, x and y of each fixation in pixels: the
            first pixel extends from 0 to 1.
        weights (Tensor): ``(M,)``, such as milliseconds.
        size (Sequence[int]): Height and width of the map.
        sigma (float): Standard deviation in pixels, positive.

    Returns:
        Tensor: ``(h, w)``, zeros if there are no points.

    Raises:
        MmmixError: If sigma is not positive.

    >>> gaze_map(torch.tensor([[1.5, .5]]), torch.ones(1), (2, 3), .1).argmax()
    tensor(1)
    """
    if not sigma > 0:
        raise MmmixError('`sigma` must be a positive number of pixels, not '
                         f'{sigma!r}.')
    columns, rows = (
        _gaussians(place, side, sigma)
        for place, side in zip(points.unbind(-1), reversed(tuple(size))))
    return (rows * weights[:, None]).T @ columns


def _gaussians(place: Tensor, side: int, sigma: float) -> Tensor:
    """A Gaussian around each place on a line of pixels ``(M, side)``."""
    center = torch.arange(side, device=place.device) + 0.5
    distance = (center - place[:, None]) / sigma
    return (-distance**2 / 2).exp() / (sigma * (2 * torch.pi)**0.5)


@dataclass
class Gaze:
    """Fixations on images, pooled over all subjects and files.

    Attributes:
        points (dict[str, np.ndarray]): ``(M, 3)`` float64 for each image: x
            and y as shares of the image's width and height, and milliseconds.
        broken (list[str]): Place and problem of each line that could not be
            read and was skipped.
        outside (int): Number of fixations outside their image, which were
            left out.
    """
    points: Dict[str, np.ndarray] = field(default_factory=dict)
    broken: List[str] = field(default_factory=list)
    outside: int = 0

    @property
    def num_points(self) -> int:
        """Number of fixations on all images together."""
        return sum(len(points) for points in self.points.values())

    def add(self, image: str, points: np.ndarray) -> None:
        """Add fixations ``(M, 3)`` to those already known of an image's id or
        name; those outside the image are counted and left out."""
        inside = ((points[:, :2] >= 0) & (points[:, :2] <= 1)).all(1)
        self.outside += int((~inside).sum())
        known = self.points.get(image, np.empty((0, 3)))
        self.points[image] = np.concatenate([known, points[inside]])

    def map(self,
            image: str,
            size: Sequence[int],
            sigma: float = SIGMA,
            weight: str = 'duration') -> np.ndarray:
        """Blur the fixations on an image into a map.

        Args:
            image (str): The image's id or name.
            size (Sequence[int]): Height and width of the map.
            sigma (float): Standard deviation of the Gaussians as a share of
                the shorter side. Defaults to 0.07: the authors of CUB-GHA
                blur by 75 pixels on a screen 1080 pixels high, which an image
                fills.
            weight (str): How much a fixation counts: 'duration', its
                milliseconds, or 'count', one. Defaults to 'duration'.

        Returns:
            np.ndarray: ``(h, w)`` float32 with sum 1; zeros if there are no
            fixations on the image.

        Raises:
            MmmixError: If ``sigma`` is not positive or ``weight`` unknown.

        >>> gaze = Gaze()
        >>> gaze.add('bird.jpg', np.array([[0.5, 0.25, 300.]]))
        >>> gaze.map('bird.jpg', (32, 32)).shape
        (32, 32)
        """
        check_name('weight', weight, ('duration', 'count'))
        points = torch.from_numpy(self.points.get(image, np.empty((0, 3))))
        height, width = size
        weights = points[:, 2] if weight == 'duration' else torch.ones(
            len(points), dtype=points.dtype)
        places = points[:, :2] * points.new_tensor([width, height])
        values = gaze_map(places, weights, size, sigma * min(size))
        total = values.sum()
        return (values / total if total > 0 else values).float().numpy()

    def summary(self) -> str:
        """What was read and what was not, in one line."""
        text = (f'{self.num_points} fixations on {len(self.points)} images; '
                f'{self.outside} outside their image were left out, '
                f'{len(self.broken)} broken lines skipped')
        return f'{text}: {"; ".join(self.broken[:5])}' if self.broken else text
