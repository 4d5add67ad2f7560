"""What methods cost: time, memory and parameters of mixing and of whole
training steps (MixPro, Table 2)."""
import json
import os
import platform
import tempfile
import time
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Callable, Dict, FrozenSet, List, Optional, Sequence, Tuple

import mmengine
import mmpretrain
import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmmix.models import BatchMixer, FrozenGuide, ImageGuide
from mmmix.progress import track
from mmmix.structures import Guidance
from mmmix.version import __version__

PATCH = 16  # pixels of a cell of the random attention map

# the optimizer wrapper of a training in each precision
PRECISIONS: Dict[str, dict] = dict(
    float32={},
    bfloat16=dict(type='mmmix.AutocastOptimWrapper'),
    float16=dict(type='AmpOptimWrapper', dtype='float16'))


class Training:
    """The steps of a training with the optimizer of a config, on random
    images that stay in memory.

    Args:
        model (nn.Module): On its device.
        cfg (Config): Whose optimizer trains it.
        batch_size (int): Number of images.
        size (Sequence[int]): Their height and width.
        precision (str): One of :data:`PRECISIONS`. Defaults to 'float32'.
        channels_last (bool): Whether the channels of a pixel lie side by
            side, in images and weights. Defaults to False.
    """

    def __init__(self,
                 model: nn.Module,
                 cfg: Config,
                 batch_size: int,
                 size: Sequence[int],
                 precision: str = 'float32',
                 channels_last: bool = False):
        self.model = model.train()
        self.uses_cuda_graphs = False
        self.optim_wrapper = build_optim_wrapper(model, {
            'type': 'OptimWrapper',
            **cfg.optim_wrapper,
            **PRECISIONS[precision]
        })
        self.images = torch.randint(
            256, (batch_size, 3, *size), dtype=torch.uint8)
        if channels_last:
            model.to(memory_format=torch.channels_last)
            self.images = self.images.contiguous(
                memory_format=torch.channels_last)
        if next(model.parameters()).is_cuda:  # as a data loader leaves them
            self.images = self.images.pin_memory()

    def use_cuda_graphs(self) -> None:
        """Record what network, losses and backward pass launch, and replay
        it, where torch can; preprocessor, guide, mixing and optimizer run as
        before."""
        self.model.forward = torch.compile(
            self.model.forward, backend='cudagraphs')
        self.uses_cuda_graphs = True

    def step(self) -> None:
        """One iteration: mixing, the guide's pass, forward, backward and the
        optimizer."""
        if self.uses_cuda_graphs:
            torch.compiler.cudagraph_mark_step_begin()
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
        guides = getattr(self.model.data_preprocessor, 'guides', {}).values()
        networks = {
            self.model,
            *(guide.network(self.model)
              for guide in guides if isinstance(guide, FrozenGuide))
        }
        return sum(p.numel() for n in networks for p in n.parameters())


def measure_training(trainings: Dict[str, Training], runs: int, steps: int,
                     device: torch.device) -> Dict[str, dict]:
    """Speed, memory and parameters of each training by name; the first is
    the reference. Each is timed in some runs of some steps."""

    def several(training):
        return lambda: [training.step() for _ in range(steps)]

    several_steps = {name: several(one) for name, one in trainings.items()}
    seconds = time_interleaved(several_steps, runs, device, warm_up=1)
    reference, *_ = seconds.values()
    measured = {}
    for name, training in trainings.items():
        speeds = steps * len(training.images) / seconds[name]
        ratios = seconds[name] / reference
        measured[name] = dict(
            images_per_second=speeds.tolist(),
            mean=speeds.mean(),
            spread=speeds.std(ddof=1) if runs > 1 else 0.,
            times_step=ratios.mean(),
            times_speed=(1 / ratios).mean(),
            # a step may mix or not: the most of several
            peak_bytes=max(
                peak_bytes(training.step, device) for _ in range(3)),
            parameters=training.parameters())
    return measured


def measure_steps(training: Training, seconds: float, steps: int,
                  device: torch.device) -> Dict[str, float]:
    """Speed and memory of one training, after two steps for the warm-up.

    Args:
        training (Training): Its model is on the device.
        seconds (float): Begin no step after this time; at least two are
            timed.
        steps (int): How many are timed at most.
        device (torch.device): Where it runs.
    """
    end = time.perf_counter() + seconds
    for _ in range(2):
        training.step()
    times: List[float] = []
    while len(times) < 2 or (len(times) < steps and time.perf_counter() < end):
        times.append(seconds_of(training.step, device))
    speeds = len(training.images) / np.array(times)
    return dict(
        images_per_second=float(np.median(speeds)),
        spread=float(speeds.std(ddof=1)),
        ms=1e3 * float(np.median(times)),
        steps=len(times))


def random_guidance(requires: FrozenSet[str], batch_size: int,
                    size: Sequence[int], num_classes: int,
                    device: torch.device) -> Guidance:
    """Random numbers for what is required of images of a height and width;
    a classifier, which a loss requires, is left out."""
    grid = [max(1, side // PATCH) for side in size]
    shapes = dict(
        attention=grid,
        logits=[num_classes],
        saliency=size,
        features=[256, *grid],
        label_maps=[num_classes, *grid])
    return Guidance(
        **{
            word: torch.rand(batch_size, *shapes[word], device=device)
            for word in requires - {'classifier'}
        })


def image_guidance(images: Tensor) -> Guidance:
    """What :class:`mmmix.models.ImageGuide` returns for images in [0, 1]."""
    mean, std = images.new_zeros(3, 1, 1), images.new_full((3, 1, 1), 255)
    model = SimpleNamespace(
        data_preprocessor=SimpleNamespace(mean=mean, std=std))
    return ImageGuide()(model, images, frozenset({'attention'}))


@torch.no_grad()
def time_mixing(
    mixers: Dict[str, BatchMixer],
    batch_size: int,
    size: Tuple[int, int],
    repeats: int,
    device: torch.device,
    guides: Optional[Dict[str, Callable[[Tensor], Guidance]]] = None
) -> Dict[str, dict]:
    """Time and peak memory of each mixer, guided by random numbers, and of
    'clone', ``inputs.clone()``: ``ms``, ``times_clone`` and
    ``peak_times_batch`` by name. A mixer that ``guides`` names is guided by
    that function of the images, whose time counts. To a mixer inside of a
    network the images are the features of its site."""
    inputs = torch.rand(batch_size, 3, *size, device=device)
    labels = torch.eye(1000, device=device)[torch.arange(batch_size) % 1000]
    rng = np.random.default_rng(0)

    def run_of(name, mixer):
        guidance = random_guidance(mixer.requires, batch_size, size,
                                   labels.size(1), device)
        guide = (guides or {}).get(name, lambda images: guidance)
        grids = [dict.fromkeys(mixer.modules, size)] if mixer.modules else []

        def run():
            params = mixer.sample(rng, batch_size, size, *grids)
            mixed = mixer.mix(inputs, labels, params, guide(inputs))
            return mixed if mixed.site is None else mixed.paste(inputs)

        return run

    runs = dict(clone=inputs.clone)
    runs.update({name: run_of(name, mixer) for name, mixer in mixers.items()})
    times = time_against('clone', runs, repeats, device)
    for name, run in runs.items():
        times[name]['peak_times_batch'] = peak_bytes(run,
                                                     device) / inputs.nbytes
    return times


def time_against(reference: str, runs: Dict[str, Callable], repeats: int,
                 device: torch.device) -> Dict[str, dict]:
    """Medians of each run over the repeats: ``ms``, and the ratio to the
    reference within a repeat, such as ``times_cutmix``."""
    seconds = time_interleaved(runs, repeats, device)
    return {
        name: {
            'ms': 1e3 * np.median(times),
            f'times_{reference.lower()}': np.median(times / seconds[reference])
        }
        for name, times in seconds.items()
    }


def time_interleaved(runs: Dict[str, Callable],
                     repeats: int,
                     device: torch.device,
                     warm_up: int = 2) -> Dict[str, np.ndarray]:
    """Seconds of each run in each repeat, ``(repeats,)``, after some for the
    warm-up.

    All are run one after the other in every repeat, so that other load on the
    machine falls on all alike.
    """
    seconds = {name: [] for name in runs}
    for _ in track(range(warm_up + repeats), 'timing', 'rounds'):
        for name, run in runs.items():
            seconds[name].append(seconds_of(run, device))
    return {name: np.array(times[warm_up:]) for name, times in seconds.items()}


def seconds_of(run: Callable[[], object], device: torch.device) -> float:
    """Seconds until a run is done, on a GPU, too."""
    synchronize(device)
    begin = time.perf_counter()
    run()
    synchronize(device)
    return time.perf_counter() - begin


def synchronize(device: torch.device) -> None:
    """Wait for a GPU; nothing to wait for on a CPU."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def peak_bytes(run: Callable[[], object], device: torch.device) -> int:
    """Most bytes that torch held at once for a run, beside what it held
    before: from torch's profiler on a CPU, from max_memory_allocated on a
    GPU."""
    if device.type == 'cuda':
        synchronize(device)
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        run()
        synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    os.environ.setdefault('KINETO_LOG_LEVEL', '6')  # no lines of its own
    with warnings.catch_warnings(), \
            tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter('ignore')
        with torch.profiler.profile(
                activities=[torch.profiler.ProfilerActivity.CPU],
                profile_memory=True) as profiler:
            run()
        trace = Path(folder, 'trace.json')
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text())['traceEvents']
    changes = sorted((event['ts'], event['args']['Bytes']) for event in events
                     if event['name'] == '[memory]')
    return int(max(np.cumsum([change for _, change in changes]), default=0))


def environment(device: torch.device) -> Dict[str, object]:
    """What a measured time depends on beside the code."""
    return dict(
        device=torch.cuda.get_device_name(device)
        if device.type == 'cuda' else f'CPU ({platform.machine()})',
        threads=torch.get_num_threads(),
        python=platform.python_version(),
        mmmix=__version__,
        torch=torch.__version__,
        mmengine=mmengine.__version__,
        mmpretrain=mmpretrain.__version__)


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


def draw_accuracies(measured: Dict[str, dict],
                    accuracies: Sequence[float]) -> Figure:
    """Top-1 accuracy in percent of each method of :func:`measure_training`
    over the time of its steps (SMMix and TdAttenMix, Fig. 1)."""
    figure = Figure(figsize=(6, 4))
    axes = figure.subplots()
    for (name, one), accuracy in zip(measured.items(), accuracies):
        axes.plot(one['times_step'], accuracy, 'o')
        axes.annotate(
            name, (one['times_step'], accuracy), (4, 4),
            textcoords='offset points')
    axes.margins(.15)
    axes.set_xlabel(f'training time, multiples of {next(iter(measured))}')
    axes.set_ylabel('top-1 accuracy (%)')
    return figure
