"""What a PuzzleMix mask costs, and where its cells go, against loops."""
import itertools
import math

import pytest
import torch

from mmmix.functional import (border_differences, cell_shares, cut_grid,
                              move_cells, puzzle_costs, transport_cells)

HYPER = dict(lam=0.3, beta=1.2, gamma=0.5, eta=0.2)


def side_means(image, cell, place, side, square):
    """Means over the squares inside one border of a cell, ``(C, squares)``."""
    (height, width), (y, x) = cell, place
    block = image[:, y * height:(y + 1) * height, x * width:(x + 1) * width]
    strip = dict(
        top=block[:, :square],
        bottom=block[:, -square:],
        left=block[:, :, :square].transpose(1, 2),
        right=block[:, :, -square:].transpose(1, 2))[side]
    return torch.stack(
        [
            part.mean((1, 2))
            for part in strip.split(square, 2)  # along the border
        ],
        1)


def difference(one, other, cell, places, sides, square):
    a, b = (side_means(image, cell, place, side, square)
            for image, place, side in zip((one, other), places, sides))
    return (a - b).abs().mean().item()


def neighbours(h, w):
    """Pairs of places, and the sides at which they meet."""
    for y, x in itertools.product(range(h), range(w)):
        if y + 1 < h:
            yield (y, x), (y + 1, x), ('bottom', 'top')
        if x + 1 < w:
            yield (y, x), (y, x + 1), ('right', 'left')


def shares_of(saliency, h, w):
    blocks = [row.chunk(w, 1) for row in saliency.chunk(h, 0)]
    cells = [[block.sum().item() for block in row] for row in blocks]
    return torch.tensor(cells) / sum(map(sum, cells))


def energy_of(own, source, saliencies, grid, levels, lam, beta, gamma, eta,
              square):
    """The energy of a mask of one image, as a function of the mask: what the
    docstrings say."""
    h, w = grid
    cell = own.shape[1] // h, own.shape[2] // w
    beta = beta / 16 / min(h, w)
    shares = [shares_of(saliency, h, w) for saliency in saliencies]
    d = {
        (one, other): [[
            difference(a, b, cell, (one, other), sides, square)
            for b in (own, source)
        ] for a in (own, source)]
        for one, other, sides in neighbours(h, w)
    }

    def pixels(d, one, other):
        if {one, other} <= {0., 1.}:
            return d[int(one)][int(other)]
        # linear in each, a mean over what the other may show; and a square
        found = (1 - one) * (d[0][0] + d[0][1]) / 2
        found += one * (d[1][0] + d[1][1]) / 2
        found += (1 - other) * (d[0][0] + d[1][0]) / 2
        found += other * (d[0][1] + d[1][1]) / 2
        across = d[0][1] + d[1][0]
        found += (across - d[0][0] - d[1][1]) / 2 * (one - other)**2
        return found - across / 2  # as of whole ones

    def energy(z):
        total = 0.
        for place in itertools.product(range(h), range(w)):
            value = z[place].item()
            total += value * shares[0][place] + (1 - value) * shares[1][place]
            k = round(value * (levels - 1))
            p = math.comb(levels - 1, k) * lam**k * (1 - lam)**(levels - 1 - k)
            total -= eta / (h * w) * math.log(p + 1e-8)
        for (one, other), table in d.items():
            first, second = z[one].item(), z[other].item()
            total += beta * (
                (first - second)**2 + gamma * pixels(table, first, second))
        return float(total)

    return energy


def costs(images, saliency, source, grid, levels, square=2, **options):
    options = dict(HYPER, **options)
    return puzzle_costs(
        cell_shares(saliency, grid), source,
        border_differences(images, source, grid, square), options['lam'],
        levels, options['beta'], options['gamma'], options['eta'])


@pytest.mark.parametrize('levels', [2, 3])
@pytest.mark.parametrize('size,grid', [((8, 8), (2, 2)), ((8, 12), (2, 3))])
def test_the_energy_by_loops(size, grid, levels):
    """Of every mask, up to a number for the image; so the cut finds the best
    mask of all."""
    torch.manual_seed(0)
    images, saliency = torch.rand(3, 3, *size), torch.rand(3, *size)
    source = torch.tensor([2, 0, 1])
    unary, down, right = costs(images, saliency, source, grid, levels)
    cut = cut_grid(unary, down, right)
    for i in range(3):
        energy = energy_of(
            images[i],
            images[source[i]], (saliency[i], saliency[source[i]]),
            grid,
            levels,
            **HYPER,
            square=2)
        differences, energies = [], {}
        masks = itertools.product(range(levels), repeat=grid[0] * grid[1])
        for flat in itertools.islice(masks, 81):
            labels = torch.tensor(flat).view(grid)
            z = labels / (levels - 1)
            fast = unary[i].gather(2, labels[..., None]).sum()
            fast += (down[i] * z.diff(dim=0)**2).sum()
            fast += (right[i] * z.diff(dim=1)**2).sum()
            energies[flat] = energy(z)
            differences.append(fast.item() - energies[flat])
        assert max(differences) - min(differences) < 1e-5
        if grid == (2, 2):
            best = energies[tuple(cut[i].flatten().tolist())]
            assert best == pytest.approx(min(energies.values()), abs=1e-6)


def test_limits_of_the_energy():
    torch.manual_seed(0)
    images, saliency = torch.rand(4, 3, 32, 32), torch.rand(4, 32, 32)
    source, shares = torch.tensor([1, 2, 3, 0]), cell_shares(saliency, (8, 8))
    # neither smoothness nor prior: who is more salient is shown
    free = cut_grid(
        *costs(images, saliency, source, (8, 8), 3, beta=0., eta=0.))
    assert torch.equal(free, 2 * (shares[source] > shares).long())
    # very smooth: one level
    smooth = cut_grid(*costs(images, saliency, source, (8, 8), 3, beta=1e6))
    assert (smooth == smooth[:, :1, :1]).all()
    # a strong prior decides: 0.9 of the source is two of two
    prior = cut_grid(
        *costs(images, saliency, source, (8, 8), 3, lam=0.9, eta=1e4))
    assert (prior == 2).all()


def test_squares_divide_the_cells_and_channels_are_scaled():
    images, source = torch.rand(2, 3, 28, 28), torch.tensor([1, 0])
    # cells of 14 pixels: 4 does not divide them, 2 does
    for one, other in zip(
            border_differences(images, source, (2, 2), 4),
            border_differences(images, source, (2, 2), 2)):
        assert torch.equal(one, other)
    scale = torch.tensor([.1, 2., 3.])
    scaled = border_differences(images, source, (2, 2), 4, scale)
    expected = border_differences(images * scale.view(3, 1, 1), source, (2, 2),
                                  4)
    torch.testing.assert_close(scaled, expected)
    half = border_differences(images.bfloat16(), source, (2, 2))
    assert half[0].dtype == torch.float32
    torch.testing.assert_close(
        half[0],
        border_differences(images, source, (2, 2))[0],
        rtol=0,
        atol=0.02)


def test_images_without_saliency_have_no_shares():
    saliency = torch.rand(2, 8, 8)
    saliency[0] = 0
    shares = cell_shares(saliency, (2, 2))
    assert not shares[0].any()
    torch.testing.assert_close(shares[1].sum(), torch.tensor(1.))
    torch.testing.assert_close(
        cell_shares(saliency * 1e-30, (2, 2))[1], shares[1])
    with pytest.raises(ValueError, match='3 x 3 cells does not divide'):
        cell_shares(saliency, (3, 3))


def bid(saliency, shown, xi):
    """The rounds of one image by loops; the cell at each place that is won."""
    h, w = saliency.shape
    places = [*itertools.product(range(h), range(w))]
    cost = {
        (s, p):
        xi * ((s[0] - p[0])**2 + (s[1] - p[1])**2) / (min(h, w) - 1)**2 -
        saliency[s].item() * shown[p].item()
        for s in places
        for p in places
    }
    for _ in range(max(h, w)):
        wanted = {s: min(places, key=lambda p: cost[s, p]) for s in places}
        winners = {}
        for place in places:
            bidders = [s for s in places if wanted[s] == place]
            if bidders:
                winners[place] = min(bidders, key=lambda s: cost[s, place])
            for loser in bidders:
                if loser != winners[place]:
                    cost[loser, place] += 1
    return {p: places.index(s) for p, s in winners.items()}


@pytest.mark.parametrize('h,w,xi', [(2, 2, .8), (4, 4, .05), (2, 6, .01),
                                    (5, 3, .05)])
def test_the_bidding_by_loops(h, w, xi):
    torch.manual_seed(0)
    # no two costs are equal
    saliency = torch.rand(8, h, w).double().pow(3)
    shown = torch.rand(8, h, w) < .4
    cells = transport_cells(saliency, shown, xi)
    assert cells.flatten(1).sort(1)[0].equal(
        torch.arange(h * w).expand(8, -1))  # a permutation
    for i in range(8):
        for place, cell in bid(saliency[i], shown[i], xi).items():
            assert cells[i][place] == cell


@pytest.mark.parametrize('xi', [0.8, 0.1])
def test_the_bidding_against_all_permutations(xi):
    torch.manual_seed(0)
    saliency = torch.rand(60, 2, 2)**4
    saliency /= saliency.sum((1, 2), keepdim=True)
    shown = torch.rand(60, 4) < .5
    found = transport_cells(saliency, shown.view(60, 2, 2), xi).flatten(1)
    corner = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
    distance = (corner[:, None] - corner).square().sum(-1)
    least = 0
    for v, seen, cells in zip(saliency.flatten(1), shown, found):
        costs = {
            order:
            sum(
                float(xi * distance[s, p] - v[s]) for p, s in enumerate(order)
                if seen[p])
            for order in itertools.permutations(range(4))
        }
        own, best = costs[tuple(cells.tolist())], min(costs.values())
        assert own <= costs[0, 1, 2, 3] + 1e-6  # all in place
        least += own < best + 1e-6
    assert least >= 55


def test_where_cells_stay():
    saliency = torch.rand(3, 4, 4)
    at_home = torch.arange(16).view(4, 4).expand(3, -1, -1)
    for shown in (torch.ones(3, 4, 4) > 0, torch.zeros(3, 4, 4) > 0):
        assert torch.equal(transport_cells(saliency, shown, .01), at_home)
    shown = torch.rand(3, 4, 4) > .5
    assert torch.equal(transport_cells(saliency, shown, 1e3), at_home)
    nothing = transport_cells(0 * saliency, shown, .1)
    assert torch.equal(nothing, at_home)
    with pytest.raises(ValueError, match='one shape'):
        transport_cells(saliency, shown[:1], .1)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.uint8])
def test_cells_are_moved_by_loops(dtype):
    images = (100 * torch.rand(2, 3, 8, 12)).to(dtype)
    cells = torch.stack([torch.randperm(6).view(2, 3) for _ in range(2)])
    moved = move_cells(images, cells)
    for i, y, x in itertools.product(range(2), range(2), range(3)):
        y2, x2 = divmod(cells[i, y, x].item(), 3)
        assert torch.equal(moved[i, :, y * 4:y * 4 + 4, x * 4:x * 4 + 4],
                           images[i, :, y2 * 4:y2 * 4 + 4, x2 * 4:x2 * 4 + 4])
    source = torch.tensor([1, 1])
    assert torch.equal(
        move_cells(images, cells, source), move_cells(images[source], cells))
    with pytest.raises(ValueError, match='2 x 3 cells does not divide'):
        move_cells(images[:, :, :, :10], cells)
