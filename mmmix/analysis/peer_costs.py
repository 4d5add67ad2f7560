"""What the mixers of several libraries cost, one method after the other."""
from collections import defaultdict
from typing import Dict, List, Sequence, Tuple

import torch
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from .mixing_facts import Mix, keeps_images
from .peers import OURS, PeerMixer
from .training_cost import peak_bytes, time_against

Rivals = Dict[Tuple[str, str], List[PeerMixer]]
CALLED = ' on the images themselves'


def rivals(mixers: Sequence[PeerMixer]) -> Rivals:
    """Mixers by what they are compared in: method, and for whom they draw."""
    groups = defaultdict(list)
    for mixer in mixers:
        groups[mixer.method, mixer.draws].append(mixer)
    return groups


@torch.no_grad()
def measure_costs(mixers: Sequence[PeerMixer], batch_size: int,
                  size: Sequence[int], num_classes: int, repeats: int,
                  device: torch.device) -> Dict[str, dict]:
    """Time and peak memory of mixers of one kind.

    All of them, and ``images.clone()``, run one after the other in every
    repeat. The images are whole afterwards: a mixer that writes into those
    that it is given gets a copy, whose making counts.

    Args:
        mixers (Sequence[PeerMixer]): With different names.
        batch_size (int): Number of images.
        size (Sequence[int]): Height and width of the images.
        num_classes (int): That the mixers were made with.
        repeats (int): That the medians are taken over.
        device (torch.device): Where the images are.

    Returns:
        dict[str, dict]: By name: ``ms``, ``times_clone`` (the ratio to the
        copy of the same repeat), ``times_fastest``, ``peak_times_batch``, and
        ``times_clone_in_place``, without the copy, where there is one.
    """
    images = torch.rand(batch_size, 3, *size, device=device)
    labels = torch.arange(batch_size, device=device) % num_classes
    overwritten = images.clone()
    runs = dict(clone=images.clone)
    for mixer in mixers:
        if keeps_images(mixer.mix):
            runs[mixer.name] = _run(mixer.mix, images, labels)
        else:
            runs[mixer.name] = _run(_on_a_copy(mixer.mix), images, labels)
            runs[mixer.name + CALLED] = _run(mixer.mix, overwritten, labels)
    times = time_against('clone', runs, repeats, device)
    fastest = min(times[mixer.name]['times_clone'] for mixer in mixers)
    costs = {}
    for name in (mixer.name for mixer in mixers):
        costs[name] = dict(
            times[name],
            times_fastest=times[name]['times_clone'] / fastest,
            peak_times_batch=peak_bytes(runs[name], device) / images.nbytes)
        if name + CALLED in times:
            costs[name]['times_clone_in_place'] = times[name +
                                                        CALLED]['times_clone']
    return costs


def _run(mix: Mix, images, labels):
    return lambda: mix(images, labels)


def _on_a_copy(mix: Mix) -> Mix:
    return lambda images, labels: mix(images.clone(), labels)


def draw_costs(costs: Dict[Tuple[str, str], Dict[str, dict]]) -> Figure:
    """Times of :func:`measure_costs` by what is compared: a panel each, with
    the bars on one scale."""
    heights = [len(group) for group in costs.values()]
    figure = Figure(figsize=(7, .25 * sum(heights) + .45 * len(heights)))
    panels = figure.subplots(
        len(costs), sharex=True, squeeze=False, height_ratios=heights)
    for axes, ((method, draws), group) in zip(panels.flat, costs.items()):
        names = [*group][::-1]
        bars = axes.barh(
            names, [group[name]['times_clone'] for name in names],
            color=['#d55e00' if name == OURS else '#0072b2' for name in names])
        axes.bar_label(bars, fmt='%.1f', padding=2, fontsize=8)
        axes.set_title(f'{method}, drawn for each {draws}', fontsize=9)
        axes.set_xscale('log')
        axes.tick_params(labelsize=8)
        axes.xaxis.set_major_formatter('{x:g}')
        axes.xaxis.set_minor_formatter(NullFormatter())
    longest = max(one['times_clone'] for group in costs.values()
                  for one in group.values())
    panels[-1, 0].set_xlim(1, 2 * longest)
    panels[-1, 0].set_xlabel('time, multiples of images.clone()')
    figure.set_layout_engine('constrained')
    return figure
