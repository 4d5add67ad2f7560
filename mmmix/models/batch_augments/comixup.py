from typing import List, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from mmmix.errors import MmmixError, check_least, check_name
from mmmix.functional import (cell_shares, move_cells, peak_distances,
                              share_cells)
from mmmix.functional.features import check_floating
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance, MixedBatch
from .base import BatchMixer, Params, check_alpha, to_device
from .square_grid import check_grids, check_weights, square_cells

PARTITION = 20


@BATCH_AUGMENTS.register_module()
class CoMixup(BatchMixer):
    r"""Many images share the cells of as many mixed images.

    `Co-Mixup: Saliency Guided Joint Mixup with Supermodular Diversity
    <https://arxiv.org/abs/2102.03065>`_. The batch is divided into partitions.
    In each, every cell of every mixed image shows one of its images, or two
    by halves, so that much saliency s is kept, neighbours agree and the mixed
    images differ. Small, by turns of all mixed images, is made

    .. math::
        \sum_m \Bigl( - \sum_i z_{mi} \cdot (s_i + \tfrac{\eta}{n^2}
        \log \alpha) + \frac{\beta}{2 n^2} \sum_{i \sim j}
        |z_{mi} - z_{mj}|^2 \Bigr)
        + \gamma\, n^2 \sum_{m \ne m'} o_m^T A o_{m'}

    z says which image a cell shows, o is its mean, :math:`\alpha` a draw from
    a Dirichlet distribution for each partition, and :math:`A = (1 - \omega) I
    + \omega D` with the distances D between the most salient places of the
    images, scaled so that a row sums to one on average. An image counts as
    shown in the others only beyond a threshold. See
    :func:`mmmix.functional.share_cells`; s and the cells are those of
    :class:`PuzzleMix`, without transport. **A GPU waits once in each step for
    the CPU.** For a batch of 100 on one core that takes about 0.3 s with 4 x
    4 cells, 2 s with 8 x 8, 7 s with 16 x 16.

    A label weighs by the share of the cells. A mixed image may have many
    sources, so that a loss or label rule that wants one does not apply. The
    numbers are those of the authors' public code for CIFAR-100 and
    Tiny-ImageNet, which also weighs :class:`~mmmix.models.UnmixedLoss` by 1.
    It chooses an image by alpha-beta swaps; here it is the best one, for
    which a half and a third image are 3/4 apart, as its own objective says
    and not its cut.

    Args:
        alpha (float): Positive parameter of the Dirichlet distribution.
            Defaults to 2.
        partition (int, optional): Number of images in a partition, at least
            2; if they do not divide the batch, partitions are larger.
            Defaults to None, 20, or the batch where it is smaller.
        grids (Sequence[int]): Numbers of cells along the shorter side, as in
            :class:`PuzzleMix`. Defaults to (4, ); the public code also has
            (2, 4, 8, 16).
        beta (float): Weight of the smoothness. Defaults to 0.32.
        gamma (float): Weight of the diversity. Defaults to 1.
        eta (float): Weight of the prior. Defaults to 0.05.
        omega (float): Weight of the distances in A, in [0, 1]. Defaults to
            0.001.
        threshold (float): How much of an image, weighed by A, the others may
            show. Defaults to 0.83.
        threshold_type (str): 'hard': beyond it all counts. 'soft': what
            exceeds it. Defaults to 'hard'.
        sweeps (int): How often each mixed image is chosen. Defaults to 4.
        halves (bool): Whether a cell may show two images. Defaults to True.
        part_twins (bool): Whether mixed images of the same images are charged
            for it. Defaults to True.

    Raises:
        MmmixError: If an argument is out of range; in :meth:`sample`, if the
            batch is smaller than a partition or has one image only, or the
            images do not divide into the cells.

    >>> inputs, labels = torch.rand(4, 3, 32, 32), torch.eye(4)
    >>> guidance = Guidance(saliency=torch.rand(4, 32, 32))
    >>> mixer = CoMixup()
    >>> params = mixer.sample(np.random.default_rng(0), 4, (32, 32))
    >>> mixed = mixer.mix(inputs, labels, params, guidance)
    >>> mixed.mixed_labels().sum(1), mixed.mask.shape == (
    ...     4, mixed.source.size(1), 4, 4)
    (tensor([1., 1., 1., 1.]), True)
    """

    requires = frozenset({'saliency'})
    kind = 'several'

    def __init__(self,
                 alpha: float = 2.0,
                 partition: Optional[int] = None,
                 grids: Sequence[int] = (4, ),
                 beta: float = 0.32,
                 gamma: float = 1.0,
                 eta: float = 0.05,
                 omega: float = 0.001,
                 threshold: float = 0.83,
                 threshold_type: str = 'hard',
                 sweeps: int = 4,
                 halves: bool = True,
                 part_twins: bool = True):
        if partition is not None:
            check_least('partition', partition, 2)
        check_least('sweeps', sweeps, 1)
        check_weights(beta=beta, gamma=gamma, eta=eta, threshold=threshold)
        check_name('threshold_type', threshold_type, ('hard', 'soft'))
        if not 0 <= omega <= 1:
            raise MmmixError(f'`omega` must be in [0, 1], not {omega!r}.')
        self.alpha = check_alpha(alpha)
        self.partition = partition
        self.smallest_batch = partition or 2
        self.grids = check_grids(grids)
        self.beta = beta
        self.gamma = gamma
        self.eta = eta
        self.omega = omega
        self.threshold = threshold
        self.threshold_type = threshold_type
        self.sweeps = sweeps
        self.halves = halves
        self.part_twins = part_twins

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        grids = [square_cells(n, image_size) for n in self.grids]
        size = self.partition or min(PARTITION, batch_size)
        if not 2 <= size <= batch_size:
            raise MmmixError(
                f'A partition of {size} images does not fit into a batch of '
                f'{batch_size}, and CoMixup needs two images at least: set a '
                'smaller `partition` or a larger batch size; if it is the '
                'last batch of an epoch, drop_last=True in the data loader.')
        sizes = [
            len(part) for part in np.array_split(
                np.arange(batch_size), batch_size // size)
        ]
        grid = grids[rng.integers(len(grids))]
        prior = [rng.dirichlet([self.alpha] * count) for count in sizes]
        start = [rng.integers(0, count, (count, *grid)) for count in sizes]
        return dict(
            # of whom an image is made is found, not drawn
            source=np.arange(batch_size),
            sizes=np.array(sizes),
            grid=grid,
            prior=np.concatenate(prior),
            start=np.concatenate(start))

    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        check_floating(inputs)
        saliency = self.required(guidance, 'saliency')
        shown = self.shown(saliency, params)
        source, lam, mask = sources_of(shown)
        shown, source, lam, mask = (
            to_device(array.numpy(), inputs)
            for array in (shown, source, lam, mask))
        return MixedBatch(
            inputs=show(inputs, shown),
            labels=labels,
            source=source,
            lam=lam,
            mask=mask,
            kind=self.kind,
            mixer='CoMixup')

    def shown(self, saliency: Tensor, params: Params) -> Tensor:
        """The two images that each cell shows, ``(N, 2, h, w)`` on the
        CPU."""
        shares = cell_shares(saliency, params['grid'])
        prior = to_device(params['prior'], shares).to(shares.dtype)
        prior = (prior + 1e-8).log() * self.eta / shares[0].numel()
        costs = -shares - prior[:, None, None]
        distances = peak_distances(saliency)
        ends = np.cumsum(params['sizes'])
        # one wait for a GPU, and not one for each partition
        both = torch.cat([costs.flatten(), distances.flatten()]).cpu()
        costs, distances = (part.view(one.shape) for part, one in zip(
            both.split([costs.numel(), distances.numel()]), (costs,
                                                             distances)))
        found = torch.empty(len(costs), 2, *params['grid'], dtype=torch.int64)
        for size in np.unique(params['sizes']):
            parts = [
                slice(end - size, end)
                for end in ends[params['sizes'] == size].tolist()
            ]
            chosen = self.share(costs, distances,
                                torch.from_numpy(params['start']), parts)
            for part, inputs in zip(parts, chosen):
                found[part] = inputs + part.start
        return found

    def share(self, costs: Tensor, distances: Tensor, start: Tensor,
              parts: List[slice]) -> Tensor:
        """What cells show in partitions of one size, by the place of an image
        in its partition ``(G, K, 2, h, w)``."""
        apart = torch.stack([distances[part, part] for part in parts])
        total = apart.sum((1, 2), keepdim=True).clamp(min=1e-12)
        similarity = (1 - self.omega) * torch.eye(apart.size(1)) + \
            self.omega * apart / total * apart.size(1)
        return share_cells(
            torch.stack([costs[part] for part in parts]), similarity,
            torch.stack([start[part] for part in parts]), self.beta,
            self.gamma, self.threshold, self.threshold_type == 'soft',
            self.sweeps, self.halves, self.part_twins)


def sources_of(shown: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """The sources of mixed images: all but the image of the same place.

    Args:
        shown (Tensor): The two images that each cell shows, ``(N, 2, h, w)``.

    Returns:
        tuple[Tensor, Tensor, Tensor]: ``source``, ``lam`` and ``mask`` of a
        :class:`MixedBatch`, the largest lambda first. A mixed image with
        fewer sources than another has itself, with weight 0.

    >>> shown = torch.tensor([[[[0, 1]], [[0, 1]]], [[[1, 1]], [[1, 0]]]])
    >>> source, lam, mask = sources_of(shown)
    >>> source[:, 0], lam[:, 0], mask[1]
    (tensor([1, 0]), tensor([0.5000, 0.2500]), tensor([[[0.0000, 0.5000]]]))
    """
    n = len(shown)
    lam = torch.zeros(n, n).scatter_add_(
        1, shown.flatten(1),
        torch.full((n, shown[0].numel()), 1 / shown[0].numel()))
    own = torch.arange(n)
    lam[own, own] = 0
    most = max(1, int((lam > 0).sum(1).max()))
    lam, source = lam.sort(dim=1, descending=True, stable=True)
    lam, source = lam[:, :most], source[:, :most]
    source = torch.where(lam > 0, source, own[:, None])
    seen = shown[:, None] == source[:, :, None, None, None]
    mask = seen.float().mean(2) * (lam > 0)[..., None, None]
    return source, lam, mask


def show(inputs: Tensor, shown: Tensor) -> Tensor:
    """Images of cells ``(N, 2, h, w)`` that show one image or the mean of
    two."""
    h, w = shown.shape[2:]
    cells = torch.arange(h * w, device=shown.device).view(1, h, w)
    cells = cells.expand(len(shown), h, w)
    one, other = (
        move_cells(inputs, cells, image) for image in shown.unbind(1))
    return one.lerp(other, 0.5)
