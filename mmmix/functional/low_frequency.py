"""Masks of random shapes: thresholded low-frequency noise (FMix)."""
from typing import Sequence

import torch
from torch import Tensor

from mmmix.errors import MmmixError


def low_frequency_images(noise: Tensor, delta: float) -> Tensor:
    r"""Grey images whose spectrum falls with the frequency (FMix).

    .. math::
        g = \Re\left(\mathcal{F}^{-1}\left(\frac{Z}{f^{\delta}}\right)\right),
        \quad f_{ij} = \sqrt{\nu_i^2 + \nu_j^2}

    with the frequencies :math:`\nu_i = i / H` and :math:`\nu_j = j / W`, both
    in [-1/2, 1/2). The constant wave, whose frequency is 0, counts as one of
    :math:`1 / \max(H, W)`.

    Args:
        noise (Tensor): ``(M, 2, H, W)``, real and imaginary part of Z,
            standard normal.
        delta (float): How fast the spectrum falls; 0 gives white noise.

    Returns:
        Tensor: ``(M, H, W)`` float32; their scale has no meaning.

    Raises:
        MmmixError: If the noise has another shape.

    >>> noise = torch.zeros(1, 2, 1, 4)
    >>> noise[0, 0, 0, 1] = 1  # one wave
    >>> low_frequency_images(noise, 3.)
    tensor([[[ 0.2500,  0.0000, -0.2500,  0.0000]]])
    """
    if noise.ndim != 4 or noise.size(1) != 2:
        raise MmmixError('`noise` must have shape (M, 2, H, W), but has '
                         f'{tuple(noise.shape)}.')
    height, width = noise.shape[2:]
    scale = _fall(
        torch.fft.fftfreq(height, device=noise.device)[:, None],
        torch.fft.fftfreq(width, device=noise.device), height, width, delta)
    return torch.fft.ifft2(torch.complex(*(noise * scale).unbind(1))).real


def two_column_images(noise: Tensor, image_size: Sequence[int],
                      delta: float) -> Tensor:
    r"""Grey images as the public code of FMix makes them.

    It takes real and imaginary part of the spectrum from the first two *rows*
    of the scaled noise instead of its last axis. The transform over half of
    the plane then gets two columns, the two numbers of each place, whose
    *vertical* frequencies are those meant for the horizontal: no image has
    more than one wave across its width.

    Args:
        noise (Tensor): ``(M, 2, L, 2)``, standard normal: real and imaginary
            part, L vertical frequencies, see :func:`two_column_length`, and
            two horizontal.
        image_size (Sequence[int]): Height and width.
        delta (float): How fast the spectrum falls.

    Returns:
        Tensor: ``(M, H, W)`` float32; their scale has no meaning.

    Raises:
        MmmixError: If the noise has another shape.

    >>> noise = torch.zeros(1, 2, 3, 2)
    >>> noise[0, 0, 1, 0] = 8  # up and down, the same in all columns
    >>> two_column_images(noise, (4, 4), 3.)[0, :, 0]
    tensor([ 0.5000,  0.0000, -0.5000,  0.0000])
    """
    height, width = image_size
    length = two_column_length(width)
    if noise.ndim != 4 or noise.shape[1:] != (2, length, 2):
        raise MmmixError(f'`noise` must have shape (M, 2, {length}, 2) for '
                         f'images of {height} x {width} pixels, but has '
                         f'{tuple(noise.shape)}.')
    rows = torch.fft.fftfreq(height, device=noise.device)[:2]
    columns = torch.fft.fftfreq(width, device=noise.device)[:length]
    scale = _fall(rows[:, None], columns, height, width, delta)
    spectrum = torch.complex(*(noise * scale[..., None]).unbind(1))
    return torch.fft.irfft2(spectrum, s=(height, width))


def two_column_length(width: int) -> int:
    """How many frequencies the public code takes across images of a width:
    of odd widths one too many."""
    return min(width // 2 + 1 + width % 2, width)


def _fall(vertical: Tensor, horizontal: Tensor, height: int, width: int,
          delta: float) -> Tensor:
    """1 / frequency ** delta, times a constant that makes its maximum 1."""
    longest = max(height, width)
    frequency = (vertical.square() + horizontal.square()).sqrt() * longest
    return frequency.clamp(min=1)**-delta


def top_share_masks(images: Tensor, count: Tensor, soft: Tensor) -> Tensor:
    r"""Masks that are 1 at the largest values of an image (FMix).

    Args:
        images (Tensor): ``(M, h, w)``.
        count (Tensor): ``(M,)`` int64, number of places that become 1; among
            equal values the first in row-major order.
        soft (Tensor): ``(M,)`` int64: so many places on either side of the
            border get weights that fall evenly from 1 to 0; the sum stays
            ``count``. At most ``count``, and at most the other places.

    Returns:
        Tensor: ``(M, h, w)`` float32 in [0, 1].

    >>> image = torch.tensor([[[4., 1., 3., 2.]]])
    >>> top_share_masks(image, torch.tensor([2]), torch.tensor([0]))
    tensor([[[1., 0., 1., 0.]]])
    >>> top_share_masks(image, torch.tensor([2]), torch.tensor([2]))
    tensor([[[1.0000, 0.0000, 0.6667, 0.3333]]])
    """
    order = images.flatten(1).argsort(dim=1, descending=True, stable=True)
    place = torch.arange(order.size(1), device=images.device)
    count, soft = count[:, None], soft[:, None]
    ramp = (count + soft - 1 - place) / (2 * soft - 1).clamp(min=1)
    weight = torch.where(soft > 0, ramp.clamp(0, 1), (place < count).float())
    return torch.empty_like(weight).scatter_(1, order, weight).view_as(images)
