"""Which image is shown in each cell of each output of Co-Mixup."""
import math
from typing import List, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmmix.errors import MmmixError
from .devices import copy_to

# What a place that shows two images by halves is cheaper by, in the authors'
# code; how many states of a row of cells are looked at, in the whole grid and
# in a strip.
HALF_BONUS, WHOLE, STRIP = 5e-4, 5000, 200


def peak_distances(saliency: Tensor, window: int = 8) -> Tensor:
    """How far the most salient places of images are apart.

    Args:
        saliency (Tensor): ``(N, H, W)``.
        window (int): A place is a square of so many pixels a side, or the
            image's where that is smaller. Defaults to 8.

    Returns:
        Tensor: ``(N, N)`` float32, sums of the vertical and the horizontal
        distance in pixels.

    >>> saliency = torch.zeros(2, 9, 10)
    >>> saliency[0, 0, 0] = saliency[1, 8, 9] = 1
    >>> peak_distances(saliency)
    tensor([[0., 3.],
            [3., 0.]])
    """
    window = min(window, *saliency.shape[1:])
    means = F.avg_pool2d(saliency.float(), window, stride=1)
    peak = means.flatten(1).argmax(1)
    at = torch.stack([peak // means.size(2), peak % means.size(2)], 1).float()
    return (at[:, None] - at).abs().sum(2)


def share_cells(costs: Tensor,
                similarity: Tensor,
                start: Tensor,
                beta: float,
                gamma: float,
                threshold: float = 0.,
                soft: bool = False,
                sweeps: int = 4,
                halves: bool = True,
                part_twins: bool = True) -> Tensor:
    r"""Choose for each cell of each output which input it shows (Co-Mixup).

    Let z, for a cell i of an output, be a vector of zeros with a one for the
    input that is shown, or two halves, and :math:`o = \sum_i z_i / hw` the
    shares of the inputs in an output. Made small is

    .. math::
        \sum_{outputs} \Bigl( \sum_i c_i \cdot z_i
        + \frac{\beta}{2 hw} \sum_{i \sim j} |z_i - z_j|^2 \Bigr)
        + \gamma\, hw \sum_{outputs\ m \ne m'} o_m^T A o_{m'}

    In a sweep one output after the other is chosen anew, all others being
    fixed: what it costs to show an input grows with its share in the others.
    From the second sweep on an output may show halves of two of the (at most)
    three inputs that it shows most, each cell of which costs 0.0005 less.
    Before the last sweep, of two outputs that show the same inputs one is
    charged for its first, the other for its second one.

    An output is found by dynamic programming: exactly, if the grid is narrow
    and few inputs can pay, as with the usual numbers; otherwise in strips
    which are each exact, all other cells being fixed. So the energy never
    rises in a sweep, except by a threshold.

    It runs on the CPU: **a GPU waits** for the costs to be copied and for the
    labels to come back.

    Args:
        costs (Tensor): Cost c of each input in each cell ``(G, K, h, w)``,
            for G sets of K inputs.
        similarity (Tensor): A, ``(G, K, K)``, symmetric.
        start (Tensor): Inputs shown at first ``(G, M, h, w)`` int64, in M
            outputs.
        beta, gamma (float): Weights of smoothness and of diversity.
        threshold (float): An input is charged for its share in the other
            outputs only where that, weighed by A, exceeds this many images.
            Defaults to 0, always.
        soft (bool): Charge only for what exceeds the threshold, rather than
            all of it. Defaults to False.
        sweeps (int): Number of sweeps. Defaults to 4; fewer, if one changes
            nothing.
        halves (bool): Whether cells may show two inputs. Defaults to True.
        part_twins (bool): Whether outputs that show the same inputs are
            charged for it. Defaults to True.

    Returns:
        Tensor: The two inputs that a cell shows, ``(G, M, 2, h, w)`` int64:
        the same one twice, or two halves.

    Raises:
        MmmixError: If shapes do not match.

    >>> costs = -torch.tensor([[[[.9, .1]], [[.8, .2]]]])  # both on the left
    >>> start = torch.zeros(1, 2, 1, 2, dtype=torch.long)
    >>> share_cells(costs, torch.eye(2)[None], start, 0., 0.)[0, :, 0, 0]
    tensor([[0, 1],
            [0, 1]])
    >>> share_cells(costs, torch.eye(2)[None], start, 0., 1.)[0, :, 0, 0]
    tensor([[1, 1],
            [0, 0]])
    """
    g, k, h, w = costs.shape if costs.ndim == 4 else (0, ) * 4
    if similarity.shape != (g, k, k) or start.ndim != 4 \
            or start.shape[::2] != (g, h) or start.size(3) != w:
        raise MmmixError(
            'Costs (G, K, h, w), similarity (G, K, K) and start (G, M, h, w) '
            f'must agree, but have shapes {tuple(costs.shape)}, '
            f'{tuple(similarity.shape)} and {tuple(start.shape)}.')
    # one copy, and so one wait
    flat = torch.cat([costs.detach().flatten(1), similarity.flatten(1)], 1)
    numbers = np.nan_to_num(flat.double().cpu().numpy())
    unary = numbers[:, :k * h * w].reshape(g, k, h, w)
    alike = numbers[:, k * h * w:].reshape(g, k, k)
    labels = np.repeat(start.cpu().numpy()[:, :, None], 2, 2)
    charge = np.zeros((g, labels.shape[1], k))
    counts = _counts(labels, k)
    for sweep in range(sweeps):
        before = labels.copy()
        for m in range(labels.shape[1]):
            others = counts.sum(1) - counts[:, m]
            crowd = (alike @ others[..., None])[..., 0]
            excess = crowd - threshold * h * w
            crowd = np.where(excess > 0, excess if soft else crowd, 0)
            price = gamma / (h * w) * (2 * crowd + charge[:, m])
            labels[:, m] = _choose(unary + price[:, :, None, None],
                                   labels[:, m], counts[:, m], beta / (h * w),
                                   halves and sweep > 0)
            counts[:, m] = _counts(labels[:, m:m + 1], k)[:, 0]
        if part_twins and sweep == sweeps - 2:
            charge = _charge_twins(counts)
        elif sweep and np.array_equal(labels, before):
            break
    return copy_to(torch.from_numpy(labels), start.device)


def _counts(labels: np.ndarray, k: int) -> np.ndarray:
    """How many cells show each input ``(..., K)``, of labels ``(..., 2, h,
    w)``."""
    cells = labels.reshape(*labels.shape[:-3], -1)
    return (cells[..., None] == np.arange(k)).sum(-2) / 2


def _charge_twins(counts: np.ndarray) -> np.ndarray:
    shown = counts > 0
    charge = np.zeros_like(counts)
    same = (shown[:, :, None] == shown[:, None]).all(-1)
    for g, one, other in zip(*np.nonzero(np.triu(same, 1))):
        inputs = np.flatnonzero(shown[g, one])
        if len(inputs) > 1:
            charge[g, one, inputs[0]] = charge[g, other, inputs[1]] = 1
    return charge


def _choose(unary: np.ndarray, labels: np.ndarray, counts: np.ndarray,
            weight: float, halves: bool) -> np.ndarray:
    """The best labels ``(G, 2, h, w)`` of an output, given its present ones
    and how many cells show each input."""
    g, k, h, w = unary.shape
    choices = [
        _choices(*one, 4 * weight, halves)
        for one in zip(unary, labels, counts)
    ]
    most = max(map(len, choices))
    pairs = np.array([c + c[:1] * (most - len(c)) for c in choices])
    filling = np.arange(most) >= np.array([[*map(len, choices)]]).T
    rows = np.arange(g)[:, None]
    shown = unary[rows, pairs[..., 0]] + unary[rows, pairs[..., 1]]
    is_half = pairs[..., 0] != pairs[..., 1]
    costs = shown / 2 - HALF_BONUS * is_half[..., None, None]
    costs[filling] = np.inf
    z = (pairs[..., None] == np.arange(k)).mean(2)
    norm = (z**2).sum(-1)
    apart = (norm[:, :, None] + norm[:, None]) / 2 - z @ z.transpose(0, 2, 1)
    # the place of each present label among the choices
    same = (pairs[..., None, None] == labels[:, None]).all(2)
    found = relabel(
        costs.transpose(0, 2, 3, 1), weight * apart, same.argmax(1))
    return pairs[rows[..., None], found].transpose(0, 3, 1, 2)


def _choices(unary: np.ndarray, labels: np.ndarray, counts: np.ndarray,
             most: float, halves: bool) -> List[Tuple[int, int]]:
    """The present labels, and all that can be best in some cell: what a cell
    costs its neighbours is between nothing and ``most``."""
    useful = (unary <= unary.min(0) + most).any((1, 2))
    choices = {(i, i) for i in np.flatnonzero(useful).tolist()}
    choices |= set(zip(*labels.reshape(2, -1).tolist()))
    if halves:
        order = np.argsort(-counts, kind='stable')[:3]
        main = sorted(order[counts[order] > 0].tolist())
        choices |= {(a, b) for a in main for b in main if a < b}
    return sorted(choices)


def relabel(costs: np.ndarray,
            apart: np.ndarray,
            labels: np.ndarray,
            whole: int = WHOLE,
            strip: int = STRIP) -> np.ndarray:
    """Labels of less energy, or the same: the least, if the labels of a row
    or of a column of cells have not too many states.

    Args:
        costs (np.ndarray): ``(G, h, w, L)``.
        apart (np.ndarray): Costs of neighbours in 0..weight, ``(G, L, L)``,
            symmetric.
        labels (np.ndarray): The present ones ``(G, h, w)``.
        whole, strip (int): How many states are looked at, in the whole grid
            and otherwise in a strip.
    """
    possible = _possible(costs, apart)
    np.put_along_axis(possible, labels[..., None], True, 3)
    # the possible labels of each cell first
    which = np.argsort(~possible, 3, kind='stable')
    costs = np.take_along_axis(np.where(possible, costs, np.inf), which, 3)
    counts = possible.sum(3).max(0)

    def turned(array):
        return array.swapaxes(1, 2)

    if counts.prod(1).max() <= whole:
        return _best_strip(costs, apart, which, counts)
    if counts.prod(0).max() <= whole:
        return turned(
            _best_strip(turned(costs), apart, turned(which), counts.T))
    labels = _relabel_strips(costs, apart, which, counts, labels, strip)
    return turned(
        _relabel_strips(
            turned(costs), apart, turned(which), counts.T, turned(labels),
            strip))


def _possible(costs: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Labels that a cell can have in a best labelling, ``(G, h, w, L)`` bool:
    those that are not worse than the cheapest one by more than neighbours,
    with labels possible there, can make up for."""
    possible = np.ones(costs.shape, bool)
    most = apart.max()
    excess = costs - costs.min(3, keepdims=True)
    while True:
        near = np.where(possible[..., None, :], apart[:, None, None],
                        np.inf).min(4)
        gain = most - near
        gains = np.zeros_like(excess)
        gains[:, 1:] += gain[:, :-1]
        gains[:, :-1] += gain[:, 1:]
        gains[:, :, 1:] += gain[:, :, :-1]
        gains[:, :, :-1] += gain[:, :, 1:]
        # what is cheaper by less than rounding is not cheaper
        fewer = possible & (excess <= gains + 1e-12)
        if np.array_equal(fewer, possible):
            return possible
        possible = fewer


def _relabel_strips(costs: np.ndarray, apart: np.ndarray, which: np.ndarray,
                    counts: np.ndarray, labels: np.ndarray,
                    states: int) -> np.ndarray:
    """The best labels of each strip of some columns in turn, all others being
    fixed; the strips overlap by half."""
    labels = labels.copy()
    w = labels.shape[2]
    width = max(1, int(math.log(states) / math.log(max(counts.max(), 2))))
    step = max(1, width // 2)
    rows = np.arange(len(costs))[:, None, None]
    for x in range(0, w - width + step, step):
        x = min(x, w - width)
        strip = np.s_[:, :, x:x + width]
        own, labelled = costs[strip].copy(), which[strip]
        for beside, side in ((x - 1, 0), (x + width, -1)):
            if 0 <= beside < w:
                own[:, :, side] += apart[rows, labels[:, :, beside, None],
                                         labelled[:, :, side]]
        labels[strip] = _best_strip(own, apart, labelled, counts[strip[1:]])
    return labels


def _best_strip(costs: np.ndarray, apart: np.ndarray, which: np.ndarray,
                counts: np.ndarray) -> np.ndarray:
    """The labels of least energy ``(G, h, w)``, by dynamic programming over
    the states of the last ``w`` cells.

    Args:
        costs (np.ndarray): ``(G, h, w, L)`` of the labels of each cell.
        apart (np.ndarray): Costs of neighbours ``(G, L, L)``.
        which (np.ndarray): The labels of each cell, ``(G, h, w, L)`` in 0..L.
        counts (np.ndarray): How many labels of each cell are looked at, ``(h,
            w)``.
    """
    g, h, w = costs.shape[:3]
    rows = np.arange(g)[:, None, None]

    def labels_of(y, x):
        return which[:, y, x, :counts[y, x]]

    def between(one, other):
        """``(G, 1, S, S', 1)``."""
        return apart[rows, one[:, :, None], other[:, None]][:, None, ..., None]

    value = np.zeros((g, 1))
    back = []
    for y in range(h):
        for x in range(w):
            count, before = counts[y, x], counts[y, :x].prod()
            own = costs[:, y, x, None, :count, None]
            if y:
                # one axis for the cell above, whose place this one takes
                value = value.reshape(g, before, counts[y - 1, x], 1, -1)
                both = value + between(labels_of(y - 1, x), labels_of(y, x))
                back.append(both.argmin(2).reshape(g, -1))
                value = both.min(2) + own
            else:
                value = value.reshape(g, before, 1, 1) + own
            if x:
                value = value.reshape(g, -1, counts[y, x - 1], count,
                                      value.shape[-1])
                value = value + between(labels_of(y, x - 1), labels_of(y, x))
    state = value.reshape(g, -1).argmin(1)
    places = np.empty((g, h, w, 1), np.int64)
    for y in range(h - 1, -1, -1):
        for x in range(w - 1, -1, -1):
            # of the cells after it the row above is the last one
            after = counts[y - 1, x + 1:].prod() if y else 1
            before, rest = np.divmod(state, counts[y, x] * after)
            places[:, y, x, 0], rest = np.divmod(rest, after)
            if y:
                above = back.pop()[np.arange(g), state]
                state = (before * counts[y - 1, x] + above) * after + rest
            else:
                state = before
    return np.take_along_axis(which, places, 3)[..., 0]
