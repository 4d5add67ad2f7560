"""Exact labellings of a grid by a minimum cut."""
from typing import TYPE_CHECKING, Any, List, Sequence

import numpy as np
import torch
from torch import Tensor

from mmmix.errors import MmmixError
from .devices import copy_to

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# The largest finite capacity of an image, and one that no cut can afford.
# Capacities are 32-bit integers.
LARGEST, INFINITE = 2**24, 2**29


def cut_grid(unary: Tensor, down: Tensor, right: Tensor) -> Tensor:
    r"""The labels of least energy for the cells of a grid, exactly.

    .. math::
        E(k) = \sum_i u_i(k_i)
        + \sum_{i \sim j} w_{ij} (z_i - z_j)^2, \quad z = \frac{k}{m - 1}

    over neighbours i, j and labels k in 0..m-1. The pairwise term is convex
    in the difference, so a single minimum cut with m - 1 nodes for each cell
    gives the minimum (Ishikawa 2003, "Exact optimization for Markov random
    fields with convex priors"). Any other term that is submodular in two
    labels can be written this way, too.

    SciPy cuts on the CPU, in one graph for the whole batch: **a GPU waits**
    for the costs to be copied and for the labels to come back. The costs of
    an image are rounded to :math:`2^{-24}` of the largest.

    Args:
        unary (Tensor): Cost of each label in each cell, ``(N, h, w, m)``;
            m at least 2.
        down (Tensor): Weights w between a cell and the one below it, ``(N,
            h - 1, w)``; negative ones count as 0.
        right (Tensor): The same to its right, ``(N, h, w - 1)``.

    Returns:
        Tensor: Labels ``(N, h, w)`` int64, on the device of ``unary``; of
        several minima the one with the lowest labels.

    Raises:
        MmmixError: If shapes do not match.
        ModuleNotFoundError: If SciPy is not installed.

    >>> unary = torch.tensor([[[[0., 1.], [.6, .4]]]])  # 0 costs 0 and 0.6
    >>> cut_grid(unary, torch.zeros(1, 0, 2), torch.tensor([[[.1]]]))
    tensor([[[0, 1]]])
    >>> cut_grid(unary, torch.zeros(1, 0, 2), torch.tensor([[[.3]]]))
    tensor([[[0, 0]]])
    """
    n, h, w, m = unary.shape if unary.ndim == 4 else (0, ) * 4
    if m < 2 or down.shape != (n, h - 1, w) or right.shape != (n, h, w - 1):
        raise MmmixError(
            'Costs (N, h, w, m) of at least two labels and weights (N, h - 1, '
            'w) and (N, h, w - 1) must agree, but have shapes '
            f'{tuple(unary.shape)}, {tuple(down.shape)} and '
            f'{tuple(right.shape)}.')
    graph = _graph(*_capacities(unary, down, right))
    below = _cut(graph).reshape(n, h, w, m - 1)
    return copy_to(torch.from_numpy(below.sum(-1)), unary.device)


def _capacities(*terms: Tensor) -> List[np.ndarray]:
    """Costs and weights as whole numbers; the cheapest label of a cell costs
    0, and weights count for labels next to each other."""
    n, *_, m = terms[0].shape
    unary, *weights = (term.detach().float() for term in terms)
    scaled = [unary - unary.amin(-1, keepdim=True)]
    scaled += [weight.clamp(min=0) / (m - 1)**2 for weight in weights]
    # one copy, and so one wait
    flat = torch.cat([t.reshape(n, -1) for t in scaled], 1).cpu().double()
    costs = np.nan_to_num(flat.numpy(), posinf=0., neginf=0.)
    costs *= LARGEST / costs.max(1, initial=1e-300, keepdims=True)
    ends = np.cumsum([t[0].numel() for t in terms[:-1]])
    parts = np.split(np.rint(costs).astype(np.int32), ends, 1)
    return [part.reshape(t.shape) for part, t in zip(parts, terms)]


def _graph(costs: np.ndarray, *weights: np.ndarray) -> 'csr_matrix':
    """Nodes 1..m-1 of a cell in a chain from the source to the sink: how many
    of them stay with the source is its label. The last two nodes are source
    and sink."""
    *shape, m = costs.shape
    node = np.arange(np.prod(shape) * (m - 1)).reshape(*shape, m - 1)
    source, sink = node.size, node.size + 1
    arcs: List[Sequence[Any]] = [
        (source, node[..., 0], costs[..., 0]),
        (node[..., -1], sink, costs[..., -1]),
        (node[..., :-1], node[..., 1:], costs[..., 1:-1]),
        (node[..., 1:], node[..., :-1], INFINITE),
    ]
    neighbours = ((node[:, :-1], node[:, 1:]), (node[:, :, :-1], node[:, :,
                                                                      1:]))
    for both, weight in zip(neighbours, weights):
        for begin, end in (both, both[::-1]):
            for k in range(m - 1):
                # the second difference of d^2 is 2, half of it at d = 0
                arcs += [(begin[..., k], end[..., j], weight * (1 + (j < k)))
                         for j in range(k + 1)]
    flat = [[a.ravel() for a in np.broadcast_arrays(*arc)] for arc in arcs]
    begin, end, capacity = (np.concatenate(parts) for parts in zip(*flat))
    size = (sink + 1, sink + 1)
    return import_scipy().csr_matrix((capacity.astype(np.int32), (begin, end)),
                                     size)


def _cut(graph: 'csr_matrix') -> np.ndarray:
    """Which nodes stay with the source, bool."""
    scipy = import_scipy()
    source, sink = graph.shape[0] - 2, graph.shape[0] - 1
    flow = scipy.csgraph.maximum_flow(graph, source, sink).flow
    left = graph - flow
    left.eliminate_zeros()
    reached = scipy.csgraph.breadth_first_order(
        left, source, return_predecessors=False)
    stays = np.zeros(graph.shape[0], bool)
    stays[reached] = True
    return stays[:source]


def import_scipy() -> Any:
    """SciPy's sparse graphs, or a ModuleNotFoundError that says what to
    install."""
    try:
        import scipy.sparse
        import scipy.sparse.csgraph
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'PuzzleMix and Co-Mixup cut images by SciPy, which is not '
            'installed: pip install scipy, in the version of '
            'requirements/pins.txt.') from None
    return scipy.sparse
