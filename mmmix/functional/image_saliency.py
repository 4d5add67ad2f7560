"""Saliency from the pixels alone, without a network."""
from typing import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mmmix.errors import MmmixError

# Weights of red, green and blue (Rec. 601) in 2**-15, as OpenCV rounds them.
LUMA = (9798, 19235, 3735)
# half sides of the surroundings of a pixel, see `fine_grained_saliency`
HALF_SIDES = (12, 24, 28, 48, 56, 112)
# pixels that are processed at a time on a CPU
CACHED = 2**18
SPECTRAL_SIDE = 64
SPECTRAL_SIGMA = 8.


def in_cache(function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Apply a function to a batch; on a CPU to a few images at a time, so that
    what it computes stays in the cache.

    Args:
        function (Callable): Takes ``(n, C, H, W)`` and returns ``(n, ...)``,
            for each image on its own.
        images (Tensor): ``(N, C, H, W)``.

    Returns:
        Tensor: ``(N, ...)``.

    >>> in_cache(grey_levels, torch.ones(5, 3, 224, 224)).shape
    torch.Size([5, 224, 224])
    """
    if images.device.type != 'cpu':
        return function(images)
    pixels = images.size(2) * images.size(3)
    parts = images.split(max(1, CACHED // pixels))
    return torch.cat([function(part) for part in parts])


def grey_levels(images: Tensor, channels: str = 'rgb') -> Tensor:
    """8-bit grey levels of images, as OpenCV rounds them.

    Args:
        images (Tensor): Pixels from 0 to 255, which are rounded first ``(N,
            3, H, W)``, or ``(N, 1, H, W)`` if they are grey.
        channels (str): The order of the three channels, 'rgb' or 'bgr'.
            Defaults to 'rgb'.

    Returns:
        Tensor: ``(N, H, W)`` float32, whole numbers from 0 to 255.

    Raises:
        MmmixError: If the images have neither one nor three channels.

    >>> grey_levels(torch.tensor([255., 0., 0.]).view(1, 3, 1, 1))
    tensor([[[76.]]])
    """
    if images.ndim != 4 or images.size(1) not in (1, 3):
        raise MmmixError('Grey levels require images (N, 3, H, W) or (N, 1, H,'
                         f' W), but got {tuple(images.shape)}.')
    images = images.float().round().clamp_(0, 255)
    if images.size(1) == 1:
        return images[:, 0]
    red, green, blue = images.unbind(1)
    if channels == 'bgr':
        red, blue = blue, red
    # whole numbers below 2**24, exact in float32
    grey = (red * LUMA[0]).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2])
    return grey.add_(2**14).div_(2**15).floor_()


def fine_grained_saliency(grey: Tensor) -> Tensor:
    r"""How much each pixel differs from its surroundings (Montabone and Soto,
    2010), as the detector of OpenCV's contributed modules computes it.

    With the grey image :math:`g`, smoothed twice by a 3 x 3 Gaussian, and its
    mean :math:`m_n` over rows and columns :math:`-n + 1 .. n` around a pixel,
    clipped at the borders, the pixel itself left out:

    .. math::
        S_{on} = \sum_n \lfloor \max(g - m_n, 0) \rfloor, \quad
        S_{off} = \sum_n \lfloor \max(m_n - g, 0) \rfloor

    for n = 12, 24, 28, 48, 56 and 112. Each sum is scaled to 0..255 by its own
    largest value in the image and rounded down, and so is the sum of the two,
    by the larger of their largest values. The darkest places of an image thus
    count as much as its brightest, however little they differ from the rest.

    A pixel that is brighter than some of its surroundings and darker than
    others can get more than 255. OpenCV starts again at 0 there; here it is
    255.

    Args:
        grey (Tensor): ``(N, H, W)``, whole numbers from 0 to 255; the sides
            are at least 2.

    Returns:
        Tensor: ``(N, H, W)`` float32, whole numbers from 0 to 255; all 0 for
        an image of one colour.

    Raises:
        MmmixError: If the images have a side of one pixel.

    >>> grey = torch.zeros(1, 64, 64)
    >>> grey[0, 30, 20] = 255
    >>> int(fine_grained_saliency(grey).argmax()) == 30 * 64 + 20
    True
    """
    if grey.ndim != 3 or min(grey.shape[1:]) < 2:
        raise MmmixError('Saliency requires grey images (N, H, W) with sides '
                         'of two pixels or more, but got '
                         f'{tuple(grey.shape)}.')
    wide = torch.float32 if grey.device.type == 'mps' else torch.float64
    grey = _smoothed(_smoothed(grey.float()))
    height, width = grey.shape[1:]
    # sums of 8-bit numbers are exact in float32 up to 2**24
    exact = grey.dtype if height * width <= 2**16 else wide
    table = F.pad(grey.to(exact).cumsum(1).cumsum(2), (1, 0, 1, 0))
    rows, columns = (
        torch.arange(side + 1, dtype=exact, device=grey.device)
        for side in (height, width))
    on = torch.zeros_like(grey, dtype=torch.int32)
    less_off = torch.zeros_like(on)
    for n in HALF_SIDES:
        sums = _window_sums(_window_sums(table, n, 1), n, 2)
        others = _window_sums(rows, n, 0)[:, None] * _window_sums(
            columns, n, 0) - 1
        # g - m_n, cut to whole numbers
        difference = torch.addcdiv(
            grey, sums.sub_(grey), others, value=-1).int()
        less_off += difference
        on += difference.clamp_(min=0)
    bright, dark = (_scaled(one, wide) for one in (on, on - less_off))
    largest = torch.maximum(bright, dark).amax((1, 2), keepdim=True)
    return (bright + dark).mul_(255).div_(
        largest.clamp_(min=1)).floor_().clamp_(max=255)


def _smoothed(grey: Tensor) -> Tensor:
    """A 3 x 3 Gaussian, mirrored at the border pixel, rounded half up."""
    grey = F.pad(grey, (1, 1, 1, 1), mode='reflect')
    for _ in range(2):  # (1, 1) * (1, 1) = (1, 2, 1)
        grey = grey[:, :-1] + grey[:, 1:]
        grey = grey[..., :-1] + grey[..., 1:]
    return grey.div_(16).add_(0.5).floor_()


def _window_sums(table: Tensor, n: int, dim: int) -> Tensor:
    """Sums over the places -n + 1 .. n around each, clipped at the borders,
    along a dimension of ``table``, which holds the sum before each place and
    the sum of all."""
    length = table.size(dim) - 1
    n = min(n, length)
    # before `first` a window is clipped at its start, from `last` on at its
    # end; between them at both, or at none
    first, last = sorted((n, length - n))

    def before(start: int, count: int) -> Tensor:
        return table.narrow(dim, start, count)

    whole = before(length, 1)
    between = last - first
    sums = torch.empty_like(before(0, length))
    sums.narrow(dim, 0, first).copy_(before(n + 1, first))
    if first == n:
        torch.sub(
            before(2 * n + 1, between),
            before(1, between),
            out=sums.narrow(dim, first, between))
    else:
        sums.narrow(dim, first, between).copy_(whole)
    torch.sub(
        whole,
        before(last - n + 1, length - last),
        out=sums.narrow(dim, last, length - last))
    return sums


def _scaled(summed: Tensor, wide: torch.dtype) -> Tensor:
    """Scaled to whole numbers from 0 to 255 by the largest of each image."""
    largest = summed.amax((1, 2), keepdim=True).clamp_(min=1)
    # wider than the ratio, or 255 times it may be rounded up
    return (summed / largest).to(wide).mul_(255).floor_().float()


def spectral_residual_saliency(grey: Tensor) -> Tensor:
    r"""What is unusual in the spectrum of an image (Hou and Zhang, CVPR
    2007).

    With amplitude A and phase P of the spectrum of the image, resized to 64 x
    64 pixels, a mean :math:`h` over 3 x 3 frequencies and a Gaussian :math:`G`
    of 8 pixels:

    .. math::
        S = G * \left|\mathcal{F}^{-1}
        \left(e^{\log A - h * \log A + iP}\right)\right|^2

    An amplitude counts at least 1, which is less than the rounding of 8-bit
    pixels brings in. The mean wraps around, as the spectrum does; the Gaussian
    is renormalised at the borders.

    Args:
        grey (Tensor): ``(N, H, W)`` from 0 to 255.

    Returns:
        Tensor: ``(N, 64, 64)`` float32, not negative, at most 1.

    >>> spectral_residual_saliency(torch.rand(2, 32, 48) * 255).shape
    torch.Size([2, 64, 64])
    """
    side = SPECTRAL_SIDE
    small = F.interpolate(
        grey[:, None].float(), (side, side), mode='bilinear',
        antialias=True)[:, 0]
    spectrum = torch.fft.fft2(small)
    log = spectrum.abs().clamp_(min=1).log_()
    around = log.roll(1, 1) + log + log.roll(-1, 1)
    around = (around.roll(1, 2) + around + around.roll(-1, 2)) / 9
    # log A - h * log A + iP: the spectrum over the mean amplitude around
    saliency = torch.fft.ifft2(spectrum * torch.exp(-around)).abs().square_()
    place = torch.arange(side, device=grey.device)
    gauss = torch.exp(
        (place - place[:, None]).square() / (-2 * SPECTRAL_SIGMA**2))
    gauss = gauss / gauss.sum(1, keepdim=True)
    saliency = gauss @ saliency @ gauss.mT
    return saliency / saliency.amax((1, 2), keepdim=True).clamp_(min=1e-12)
