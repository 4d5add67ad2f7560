"""Which image Co-Mixup shows where: by enumeration, and that it improves."""
import itertools

import numpy as np
import pytest
import torch

from mmmix.functional import peak_distances, share_cells
from mmmix.functional.comixup import HALF_BONUS, relabel


def problem(k, h, w, outputs=None, seed=0):
    rng = np.random.default_rng(seed)
    saliency = rng.random((1, k, h, w))**3
    saliency /= saliency.sum((2, 3), keepdims=True)
    apart = rng.random((k, k))
    alike = .9 * np.eye(k) + .1 * (apart + apart.T)
    start = rng.integers(0, k, (1, outputs or k, h, w))
    return (torch.from_numpy(-saliency), torch.from_numpy(alike)[None],
            torch.from_numpy(start))


def shares(label, k):
    z = np.zeros(k)
    for one in label:
        z[one] += .5
    return z


def energy(labels, costs, alike, beta, gamma):
    """Of outputs that are lists of rows of labels, pairs of inputs."""
    k, h, w = costs.shape
    total, means = 0., []
    for rows in labels:
        z = np.array([[shares(label, k) for label in row] for row in rows])
        means.append(z.mean((0, 1)))
        for y, x in itertools.product(range(h), range(w)):
            total += costs[:, y, x] @ z[y, x]
            total -= HALF_BONUS * (z[y, x].max() < 1)
            for y2, x2 in ((y + 1, x), (y, x + 1)):
                if y2 < h and x2 < w:
                    square = ((z[y, x] - z[y2, x2])**2).sum()
                    total += beta / (2 * h * w) * square
    for one, other in itertools.permutations(range(len(means)), 2):
        total += gamma * h * w * means[one] @ alike @ means[other]
    return total


def rows_of(found):
    """Pairs by output, row and column, of one set."""
    return found.permute(0, 2, 3, 1).tolist()


def energy_of(found, costs, alike, beta, gamma):
    return energy(
        rows_of(found[0]), costs[0].numpy(), alike[0].numpy(), beta, gamma)


def test_all_labellings_of_two_outputs():
    """2 inputs, 2 outputs, 2 x 2 cells: the best of all is found from some
    of the other starts, and never left."""
    costs, alike, _ = problem(2, 2, 2)
    options = dict(beta=.1, gamma=.05)
    labellings = [
        torch.tensor(flat).view(1, 2, 2, 2)
        for flat in itertools.product(range(2), repeat=8)
    ]
    energies = [
        energy_of(torch.stack([flat, flat], 2), costs, alike, **options)
        for flat in labellings
    ]
    best = labellings[int(np.argmin(energies))]

    def reached(start):
        found = share_cells(
            costs, alike, start, **options, halves=False, part_twins=False)
        return energy_of(found, costs, alike, **options)

    least = pytest.approx(min(energies))
    assert reached(best) == least
    assert any(reached(start) == least for start in labellings[::16])


def slow_sweeps(costs, alike, start, beta, gamma, threshold, soft, sweeps,
                part_twins):
    """Each output the best of all, by enumeration."""
    k, h, w = costs.shape
    labels = [[(one, one) for one in flat] for flat in start]

    def count(output):
        return sum(shares(label, k) for label in output)

    charge = np.zeros((len(labels), k))
    for sweep in range(sweeps):
        for m in range(len(labels)):
            others = sum(count(o) for i, o in enumerate(labels) if i != m)
            price = np.zeros(k)
            for i in range(k):
                crowd = sum(alike[i, j] * others[j] for j in range(k))
                if crowd > threshold * h * w:
                    price[i] = 2 * (crowd - threshold * h * w * soft)
                price[i] += charge[m, i]
            whole = costs + gamma / (h * w) * price[:, None, None]
            choices = [(i, i) for i in range(k)]
            shown = count(labels[m])
            main = [
                i for i in np.argsort(-shown, kind='stable')[:3] if shown[i]
            ]
            if sweep:
                choices += itertools.combinations(sorted(main), 2)
            choices += {label for label in labels[m]} - {*choices}
            labels[m] = list(
                min(itertools.product(choices, repeat=h * w),
                    key=lambda flat: energy(
                        [[flat[y * w:(y + 1) * w]
                          for y in range(h)]], whole, alike, beta, 0.)))
        charge[:] = 0
        if part_twins and sweep == sweeps - 2:
            shown = [count(output) > 0 for output in labels]
            for one, other in itertools.combinations(range(len(labels)), 2):
                inputs = np.flatnonzero(shown[one])
                if len(inputs) > 1 and (shown[one] == shown[other]).all():
                    charge[one, inputs[0]] = charge[other, inputs[1]] = 1
    return labels


@pytest.mark.parametrize('threshold,soft,k,seed', [
    (0., False, 2, 0),
    (.6, False, 3, 1),
    (.4, True, 2, 2),
    (.6, True, 3, 3),
])
def test_the_sweeps_by_enumeration(threshold, soft, k, seed):
    costs, alike, start = problem(k, 2, 2, 3, seed)
    found = share_cells(
        costs,
        alike,
        start,
        beta=.3,
        gamma=.2,
        threshold=threshold,
        soft=soft,
        sweeps=3)
    slow = slow_sweeps(costs[0].numpy(), alike[0].numpy(),
                       start[0].flatten(1).tolist(), .3, .2, threshold, soft,
                       3, True)
    for fast, expected in zip(rows_of(found[0]), slow):
        fast = [tuple(sorted(label)) for row in fast for label in row]
        assert fast == [tuple(label) for label in expected]


@pytest.mark.parametrize('k,h,w', [(4, 4, 4), (3, 3, 5), (12, 8, 8)])
def test_the_energy_never_rises_in_a_sweep(k, h, w):
    """Exact, or in strips, and with halves."""
    costs, alike, start = problem(k, h, w)
    options = dict(beta=.32, gamma=.05)
    energies = [
        energy_of(
            share_cells(
                costs, alike, start, **options, sweeps=n, part_twins=False),
            costs, alike, **options) for n in range(5)
    ]
    assert all(np.diff(energies) <= 1e-9)
    assert energies[1] < energies[0] - .1


def test_limits():
    costs, alike, start = problem(5, 4, 4)
    best = costs[0].argmin(0).expand(5, 2, -1, -1)
    for options in (dict(gamma=0.), dict(gamma=1., threshold=1e9)):
        found = share_cells(
            costs, alike, start, beta=0., halves=False, **options)
        assert torch.equal(found[0], best)
    smooth = share_cells(costs, alike, start, beta=1e3, gamma=0.)
    assert (smooth == smooth[..., :1, :1]).all()
    # every input once, where it is costly to show one twice
    diverse = share_cells(
        costs, torch.eye(5)[None].double(), start, beta=.32, gamma=10.)
    shown = torch.stack([(diverse == i).sum() for i in range(5)]) / 32
    assert shown.min() > .5 and shown.max() < 2


def test_sets_do_not_meet():
    sets = [problem(4, 4, 4, seed=seed) for seed in range(3)]
    options = dict(beta=.32, gamma=1., threshold=.83)
    together = share_cells(*(torch.cat(t) for t in zip(*sets)), **options)
    for found, one in zip(together, sets):
        assert torch.equal(share_cells(*one, **options)[0], found)
    rounded = share_cells(sets[0][0].float(), sets[0][1].float(), sets[0][2],
                          **options)
    assert torch.equal(rounded[0], together[0])


@pytest.mark.parametrize('h,w,count', [(2, 3, 3), (3, 2, 3), (1, 5, 4)])
def test_labels_of_least_energy_by_enumeration(h, w, count):
    rng = np.random.default_rng(h)
    costs = rng.random((4, h, w, count))
    z = rng.random((4, count, 2))
    apart = ((z[:, :, None] - z[:, None])**2).sum(-1)
    start = rng.integers(0, count, (4, h, w))

    def energies(labels, g):
        yield from (costs[g, y, x, labels[y, x]]
                    for y, x in itertools.product(range(h), range(w)))
        yield from apart[g, labels[:-1], labels[1:]].flat
        yield from apart[g, labels[:, :-1], labels[:, 1:]].flat

    exact, strips = relabel(costs, apart, start), relabel(
        costs, apart, start, whole=0, strip=count)
    for g in range(4):
        least = min(
            sum(energies(np.reshape(flat, (h, w)), g))
            for flat in itertools.product(range(count), repeat=h * w))
        assert sum(energies(exact[g], g)) == pytest.approx(least)
        assert least - 1e-9 <= sum(energies(
            strips[g], g)) <= sum(energies(start[g], g)) + 1e-9


def test_distances_of_peaks_by_loops():
    saliency = torch.rand(3, 10, 14)**8
    found = peak_distances(saliency, 4)
    at = []
    for one in saliency:
        means = {
            (y, x): one[y:y + 4, x:x + 4].mean().item()
            for y in range(7)
            for x in range(11)
        }
        at.append(max(means, key=means.get))
    for i, j in itertools.product(range(3), range(3)):
        assert found[i, j] == sum(abs(a - b) for a, b in zip(at[i], at[j]))
    assert not peak_distances(saliency[:, :4, :4]).any()  # one window


def test_bad_shapes_are_refused():
    costs, alike, start = problem(3, 2, 2)
    for bad in ((costs[0], alike, start), (costs, alike[:, :2], start),
                (costs, alike, start[..., :1])):
        with pytest.raises(ValueError, match='must agree, but have shapes'):
            share_cells(*bad, .1, .1)
