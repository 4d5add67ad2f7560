"""Fine-tuning a backbone for dense tasks, and keeping what came out of it."""
import contextlib
import hashlib
import io
import json
import os
import time
import traceback
import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any, Dict, List, Optional

import mmengine
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from rich.console import Console

import mmmix
from mmmix.cli.launch import set_loader_defaults
from mmmix.cli.progress import ProgressHook, QuietRunner

# The configs of a task by data set, and its scores: the name in the table, the
# metric, and the factor that makes it a percentage.
DECODERS = {
    'segmentation': {
        'synthetic': 'upernet_{}_1xb16-3e_synthetic',
        'coco-tiny': 'upernet_{}_1xb4-6e_coco-tiny',
    },
    'detection': {
        'synthetic': 'mask-rcnn_{}_fpn_1xb8-3e_synthetic',
        'coco-tiny': 'mask-rcnn_{}_fpn_1xb4-4e_coco-tiny',
    },
}
SCORES = {
    'segmentation': {
        'mIoU': ('mIoU', 1)
    },
    'detection': {
        'box AP': ('coco/bbox_mAP', 100),
        'mask AP': ('coco/segm_mAP', 100),
    },
}
RANDOM = 'random'  # the name of weights that no checkpoint holds
RECORD = 'result.json'


class KeepMetrics(Hook):
    """Keeps the metrics of the last evaluation."""

    def __init__(self):
        self.metrics: Dict[str, float] = {}

    def after_val_epoch(self, runner, metrics=None) -> None:
        self.metrics = {k: float(v) for k, v in (metrics or {}).items()}


def config_name(backbone: str, task: str, data: str) -> str:
    """The name of a small downstream config.

    Args:
        backbone (str): Such as 'vit-xs'.
        task (str): One of ``DECODERS``.
        data (str): 'synthetic' or 'coco-tiny'.
    """
    return f'downstream/small/{DECODERS[task][data].format(backbone)}.py'


def read_record(work_dir: Path, key: dict) -> Optional[dict]:
    """What a finished run left.

    Args:
        work_dir (Path): Of the run.
        key (dict): What the run depends on.

    Returns:
        dict, optional: None if there is none, or one that depends on
        something else.
    """
    path = work_dir / RECORD
    if not path.is_file():
        return None
    record = json.loads(path.read_text())
    return record if record.get('key') == key else None


def write_whole(content: Any, path: Path) -> None:
    """Write JSON: all of it, or leave what was there."""
    part = path.with_name(f'{path.name}.part')
    part.write_text(json.dumps(content, indent=1))
    os.replace(part, path)


def key_of(cfg: Config, checkpoint: Optional[str], seed: int) -> dict:
    """What the result of a run depends on."""
    weights = checkpoint and hashlib.sha256(
        Path(checkpoint).read_bytes()).hexdigest()
    return dict(
        config=hashlib.sha256(cfg.pretty_text.encode()).hexdigest(),
        weights=weights,
        seed=seed)


def train_recorded(name: str, cfg: Config, work_dir: Path, seed: int,
                   console: Console, checkpoint: Optional[str],
                   task: str) -> dict:
    """Train a config, unless its record is already there.

    Args:
        name (str): What to call it on the terminal.
        cfg (Config): What to train; it is not changed.
        work_dir (Path): Where its log, weights and record go.
        seed (int): Of the run.
        console (Console): Where to report.
        checkpoint (str, optional): A classifier's checkpoint to start the
            backbone from; None starts from random weights.
        task (str): One of ``SCORES``, or 'pretraining', which is a
            classification config and starts from random weights.

    Returns:
        dict: ``key``, ``losses`` (of each step), ``steps_per_epoch``,
        ``first_epoch`` and ``last_epoch`` (mean losses), ``metrics``,
        ``seconds``, ``checkpoint`` (what was left) and versions.
    """
    cfg = deepcopy(cfg)
    key = key_of(cfg, checkpoint, seed)
    record = read_record(work_dir, key)
    if record and (task in SCORES or Path(record['checkpoint']).is_file()):
        console.print(f'{name}: done before, in {work_dir}', soft_wrap=True)
        return record
    if task in SCORES:
        if checkpoint is None:
            cfg.model.backbone.init_cfg = None
        else:
            cfg.model.backbone.init_cfg.checkpoint = str(checkpoint)
    cfg.work_dir = str(work_dir)
    cfg.randomness = dict(seed=seed)
    cfg.experiment_name = f'transfer_{time.time_ns()}'
    set_loader_defaults(cfg)

    kept = KeepMetrics()
    progress = ProgressHook(
        name,
        console,
        after_epoch=lambda r: 'loss '
        f'{mean(losses_of(r), -1, len_epoch(r)):.3f}')
    begin = time.perf_counter()
    try:
        # the toolboxes print, and warn of one another
        with warnings.catch_warnings(), contextlib.redirect_stdout(
                io.StringIO()):
            warnings.simplefilter('ignore')
            runner = QuietRunner.from_cfg(cfg)
            runner.register_hook(kept)
            runner.register_hook(progress, priority='VERY_LOW')
            runner.train()
    finally:
        progress.progress.stop()
    losses, steps = losses_of(runner), len_epoch(runner)
    record = dict(
        key=key,
        name=name,
        config=Path(cfg.filename).name,
        seed=seed,
        epochs=runner.max_epochs,
        steps_per_epoch=steps,
        losses=losses,
        first_epoch=mean(losses, 0, steps),
        last_epoch=mean(losses, -1, steps),
        metrics=kept.metrics,
        scores=scores_of(task, kept.metrics),
        seconds=time.perf_counter() - begin,
        started_from=checkpoint and str(checkpoint),
        checkpoint=str(work_dir / f'epoch_{runner.epoch}.pth'),
        versions=dict(
            mmmix=mmmix.__version__,
            torch=torch.__version__,
            mmengine=mmengine.__version__),
        device=torch.cuda.get_device_name()
        if torch.cuda.is_available() else 'cpu')
    write_whole(record, work_dir / RECORD)
    return record


def losses_of(runner: QuietRunner) -> List[float]:
    """The loss of each step so far."""
    values, counts = runner.message_hub.get_scalar('train/loss').data
    return [float(v / c) for v, c in zip(values, counts)]


def len_epoch(runner: QuietRunner) -> int:
    """Steps of an epoch."""
    return len(runner.train_dataloader)


def mean(losses: List[float], epoch: int, steps: int) -> float:
    """The mean loss of an epoch: 0 is the first, -1 the last."""
    part = losses[:steps] if epoch == 0 else losses[-steps:]
    return sum(part) / len(part)


def scores_of(task: str, metrics: Dict[str, float]) -> Dict[str, float]:
    """The scores of a task in percent. A detector that finds nothing at all
    has no metrics, and an average precision of 0."""
    return {
        name: factor * metrics.get(metric, 0.)
        for name, (metric, factor) in SCORES.get(task, {}).items()
    }


def keep_error(work_dir: Path, error: Exception) -> str:
    """Write an error and its trace into a run's folder.

    Returns:
        str: What to say of it.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    path = work_dir / 'error.txt'
    path.write_text(''.join(traceback.format_exception(error)))
    return f'{type(error).__name__}: {error} (all of it: {path})'
