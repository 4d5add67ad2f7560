"""Cells of an image that change places."""
from typing import Optional, Tuple

import torch
from torch import Tensor

from mmmix.errors import MmmixError


def transport_cells(saliency: Tensor, shown: Tensor,
                    distance_cost: float) -> Tensor:
    r"""Move salient cells to places where they are shown (PuzzleMix).

    The cost of a cell s at a place p, n being the lesser number of rows and
    columns, is

    .. math::
        c_{sp} = \xi \frac{|s - p|^2}{(n - 1)^2}
        - v_s [p \text{ is shown}]

    Every cell bids for its cheapest place, the best bid wins, and to the
    others that place costs 1 more; there are as many rounds as rows or
    columns, whichever are more. This is the authors' code, and makes the cost
    of the shown places small: never more than in place, but not always the
    least (with random saliency, :math:`\xi` 0.8 and 8 x 8 cells in nine of
    ten images). What is left over then, cells that are not shown, stays in
    place or fills the empty places in order.

    Args:
        saliency (Tensor): Saliency v of each cell ``(N, h, w)``; at least two
            rows and columns.
        shown (Tensor): Which places are shown ``(N, h, w)`` bool.
        distance_cost (float): The weight :math:`\xi` of the distance.

    Returns:
        Tensor: Which cell, in row-major order, is at each place, ``(N, h,
        w)`` int64.

    Raises:
        MmmixError: If shapes do not match.

    >>> saliency = torch.tensor([[[.1, .6], [.1, .2]]])
    >>> shown = torch.tensor([[[True, False], [False, False]]])
    >>> transport_cells(saliency, shown, 0.)
    tensor([[[1, 0],
             [2, 3]]])
    """
    if saliency.ndim != 3 or shown.shape != saliency.shape:
        raise MmmixError('`saliency` and `shown` must have one shape (N, h, '
                         f'w), but have {tuple(saliency.shape)} and '
                         f'{tuple(shown.shape)}.')
    n, h, w = saliency.shape
    cost = distance_cost * _squared_distances(
        h, w, saliency.device) / (min(h, w) - 1)**2
    value = saliency.flatten(1)[:, :, None] * shown.flatten(1)[:, None]
    cost = cost - value
    for _ in range(max(h, w)):
        bid, place = cost.min(2)
        winner = _lowest_bidder(bid, place)
        won = winner.gather(1, place) == torch.arange(
            h * w, device=place.device)
        if saliency.device.type == 'cpu' and won.all():
            break  # a GPU would wait to know
        cost.scatter_add_(2, place[..., None], 1. - won[..., None].to(cost))
    return _completed(winner).view(n, h, w)


def _squared_distances(h: int, w: int, device: torch.device) -> Tensor:
    """In cells, ``(hw, hw)``."""
    y, x = torch.meshgrid(
        torch.arange(h, device=device),
        torch.arange(w, device=device),
        indexing='ij')
    at = torch.stack([y.flatten(), x.flatten()], 1).float()
    return (at[:, None] - at).square().sum(-1)


def _lowest_bidder(bid: Tensor, place: Tensor) -> Tensor:
    """The cell that wins each place, ``(N, P)``; P if nobody bids. Of equal
    bids the first wins."""
    lowest = torch.full_like(bid, float('inf')).scatter_reduce(
        1, place, bid, 'amin')
    cell = torch.arange(bid.size(1), device=bid.device).expand_as(place)
    best = torch.where(bid == lowest.gather(1, place), cell, bid.size(1))
    return torch.full_like(place,
                           bid.size(1)).scatter_reduce(1, place, best, 'amin')


def _completed(winner: Tensor) -> Tensor:
    """A permutation in which every place that has a winner keeps it."""
    count = winner.size(1)
    cell = torch.arange(count, device=winner.device).expand_as(winner)
    empty = winner == count
    # one more column for the places that nobody won
    placed = torch.zeros_like(torch.cat([empty, empty[:, :1]],
                                        1)).scatter(1, winner, True)[:, :-1]
    stays = empty & ~placed
    winner = torch.where(stays, cell, winner)
    empty, placed = empty & ~stays, placed | stays
    # in both orders what is left over comes first
    places = (~empty).to(torch.uint8).argsort(dim=1, stable=True)
    cells = placed.to(torch.uint8).argsort(dim=1, stable=True)
    filled = winner.scatter(1, places, cells)
    return torch.where(empty, filled, winner)


def move_cells(inputs: Tensor,
               cells: Tensor,
               source: Optional[Tensor] = None) -> Tensor:
    """Put a cell of each image, or of another one, at each place.

    Args:
        inputs (Tensor): ``(N, C, H, W)``.
        cells (Tensor): ``(N, h, w)`` int64 on a grid that divides the image:
            which cell, in row-major order, is at each place.
        source (Tensor, optional): ``(N,)`` int64, whose cells they are, or
            ``(N, h, w)``, of each place. Defaults to None, each image's own.

    Returns:
        Tensor: ``(N, C, H, W)``.

    Raises:
        MmmixError: If the grid does not divide the images.

    >>> move_cells(torch.tensor([[[[1, 2, 3, 4]]]]), torch.tensor([[[1, 0]]]))
    tensor([[[[3, 4, 1, 2]]]])
    """
    height, width = divide(inputs, cells.shape)
    n, channels = inputs.shape[:2]
    h, w = cells.shape[1:]
    device = cells.device
    image = torch.arange(n, device=device) if source is None else source
    # index of every piece of an image row in (N, C, H, w) order
    plane = image.view(n, -1, image.size(-1) if image.ndim == 3 else 1)
    channel = torch.arange(channels, device=device).view(-1, 1, 1)
    plane = plane[:, None] * channels + channel
    row = torch.arange(height, device=device).view(-1, 1)
    line = (plane * h + (cells // w)[:, None])[:, :, :, None] * height + row
    piece = line * w + (cells % w)[:, None, :, None]
    pieces = inputs.reshape(-1, width)
    return pieces.index_select(0, piece.flatten()).view(inputs.shape)


def divide(inputs: Tensor, grid: Tuple[int, ...]) -> Tuple[int, int]:
    """Height and width of the cells of a grid ``(..., h, w)`` in images
    ``(..., H, W)``, which it must divide."""
    height, width = inputs.shape[-2:]
    h, w = grid[-2:]
    if height % h or width % w:
        raise MmmixError(
            f'A grid of {h} x {w} cells does not divide images of {height} x '
            f'{width} pixels: choose a grid whose sides divide those of the '
            'image, or resize or crop the images.')
    return height // h, width // w
