"""Clock and memory of the benchmarks."""
import json
import platform
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import Callable, Dict, List, Sequence

import mmengine
import mmpretrain
import numpy as np
import torch

from mmmix.version import __version__


def time_interleaved(runs: Dict[str, Callable],
                     repeats: int,
                     device: torch.device,
                     prepare: Callable[[], tuple] = tuple,
                     warm_up: int = 2) -> Dict[str, List[float]]:
    """Seconds of each run in each repeat.

    All are run one after the other in every repeat, so that other load on the
    machine falls on all alike.

    Args:
        runs (dict[str, Callable]): What to time.
        repeats (int): How often, after a warm-up.
        device (torch.device): To wait for before looking at the clock.
        prepare (Callable): Makes the arguments of a run, untimed.
        warm_up (int): Repeats that are not counted. Defaults to 2.

    Returns:
        dict[str, list[float]]: A time for each repeat.
    """
    seconds = {name: [] for name in runs}
    for _ in range(warm_up + repeats):
        for name, run in runs.items():
            arguments = prepare()
            synchronize(device)
            begin = time.perf_counter()
            run(*arguments)
            synchronize(device)
            seconds[name].append(time.perf_counter() - begin)
    return {name: times[warm_up:] for name, times in seconds.items()}


def synchronize(device: torch.device) -> None:
    """Wait for a GPU; nothing to wait for on a CPU."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def median_ratio(times: Sequence[float], reference: Sequence[float]) -> float:
    """Median of the ratios within a repeat."""
    return statistics.median(a / b for a, b in zip(times, reference))


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
