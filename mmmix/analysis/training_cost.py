"""What methods cost: time, memory and parameters of mixing and of whole
training steps (MixPro, Table 2)."""
import statistics
from typing import Dict, Sequence, Tuple

import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmpretrain.structures import DataSample
from torch import nn

from mmmix.analysis.methods import frozen_guides
from mmmix.analysis.timing import median_ratio, peak_bytes, time_interleaved
from mmmix.models import BatchMixer
from mmmix.structures import Guidance

PATCH = 16  # pixels of a cell of the random attention map


class Training:
    """The steps of a training, on random images that stay in memory.

    Args:
        model (nn.Module): What is trained.
        cfg (Config): Where the optimizer comes from.
        batch_size (int): Images a step.
        size (Sequence[int]): Their height and width.
    """

    def __init__(self, model: nn.Module, cfg: Config, batch_size: int,
                 size: Sequence[int]):
        self.model = model.train()
        self.optim_wrapper = build_optim_wrapper(model, {
            'type': 'OptimWrapper',
            **cfg.optim_wrapper
        })
        self.images = torch.randint(
            256, (batch_size, 3, *size), dtype=torch.uint8)

    def step(self) -> None:
        """One iteration: mixing, the guide's pass, forward, backward and the
        optimizer."""
        num_classes = self.model.head.num_classes
        # the preprocessor writes labels into the samples
        samples = [
            DataSample().set_gt_label(i % num_classes)
            for i in range(len(self.images))
        ]
        self.model.train_step(
            dict(inputs=self.images, data_samples=samples), self.optim_wrapper)

    def parameters(self) -> int:
        """Number of parameters, those of a frozen extractor included."""
        models = [self.model, *(g.model for g in frozen_guides(self.model))]
        return sum(p.numel() for model in models for p in model.parameters())


def measure_training(trainings: Dict[str, Training], runs: int, steps: int,
                     device: torch.device) -> Dict[str, dict]:
    """Speed, memory and parameters of each training by name.

    Args:
        trainings (dict[str, Training]): The first is the reference.
        runs (int): How often each is timed.
        steps (int): Steps of a run.
        device (torch.device): Where they train.
    """

    def several(training):
        return lambda: [training.step() for _ in range(steps)]

    seconds = time_interleaved(
        {
            name: several(one)
            for name, one in trainings.items()
        },
        runs,
        device,
        warm_up=1)
    reference, *_ = seconds.values()
    measured = {}
    for name, training in trainings.items():
        images = steps * len(training.images)
        speeds = [images / s for s in seconds[name]]
        ratios = [s / r for s, r in zip(seconds[name], reference)]
        measured[name] = dict(
            images_per_second=speeds,
            mean=statistics.mean(speeds),
            spread=statistics.stdev(speeds) if runs > 1 else 0.,
            times_step=statistics.mean(ratios),
            times_speed=statistics.mean(1 / ratio for ratio in ratios),
            # a step may mix or not: the most of several
            peak_bytes=max(
                peak_bytes(training.step, device) for _ in range(3)),
            parameters=training.parameters())
    return measured


def time_steps(trainings: Dict[str, Training], reference: str, repeats: int,
               device: torch.device) -> Dict[str, dict]:
    """Time of a step of each training by name: ``ms``, and the ratio to the
    reference, such as ``times_cutmix``."""
    seconds = time_interleaved(
        {
            name: one.step
            for name, one in trainings.items()
        }, repeats, device)
    ratio = f'times_{reference.lower()}'
    return {
        name:
        dict(
            ms=1e3 * statistics.median(times),
            **{ratio: median_ratio(times, seconds[reference])})
        for name, times in seconds.items()
    }


@torch.no_grad()
def time_mixing(mixers: Dict[str, BatchMixer], batch_size: int,
                size: Tuple[int, int], repeats: int,
                device: torch.device) -> Dict[str, dict]:
    """Time and peak memory of each mixer alone, guided by random attention,
    and of 'clone', ``inputs.clone()``: ``ms``, ``times_clone`` and
    ``peak_times_batch`` by name."""
    inputs = torch.rand(batch_size, 3, *size, device=device)
    labels = torch.eye(1000, device=device)[torch.arange(batch_size) % 1000]
    grid = [max(1, side // PATCH) for side in size]
    guidance = Guidance(
        attention=torch.rand(batch_size, *grid, device=device), logits=labels)
    rng = np.random.default_rng(0)

    def run_of(mixer):
        return lambda: mixer.mix(inputs, labels,
                                 mixer.sample(rng, batch_size, size), guidance)

    runs = dict(
        clone=inputs.clone,
        **{
            name: run_of(mixer)
            for name, mixer in mixers.items()
        })
    seconds = time_interleaved(runs, repeats, device)
    return {
        name:
        dict(
            ms=1e3 * statistics.median(seconds[name]),
            times_clone=median_ratio(seconds[name], seconds['clone']),
            peak_times_batch=float(peak_bytes(run, device) / inputs.nbytes))
        for name, run in runs.items()
    }


def draw_speeds(measured: Dict[str, dict]) -> Figure:
    """Images a second of each method of :func:`measure_training`; a line
    marks the first."""
    figure = Figure(figsize=(6, .4 * len(measured) + 1))
    axes = figure.subplots()
    names = [*measured][::-1]
    axes.barh(
        names, [measured[name]['mean'] for name in names],
        xerr=[measured[name]['spread'] for name in names],
        color='#0072b2')
    first = names[-1]
    axes.axvline(measured[first]['mean'], color='#d55e00', label=first)
    axes.set_xlabel('images per second')
    axes.legend(loc='lower left')
    return figure
