"""All checks of a run, and what they leave untouched."""
import gc
import logging
import random
import sys
import time
import traceback
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Iterator, List, Sequence

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dist import broadcast_object_list, is_distributed
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope

from mmmix.cli.runner import end_processes, launched, start_processes
from mmmix.cli.toolboxes import register_toolboxes
from mmmix.environment import silent_import
from mmmix.errors import MmmixError
from mmmix.progress import is_quiet
from .entries import (check_files, check_folders, check_labels,
                      check_masks_of_objects, check_same_classes)
from .finding import Finding, Report, finding_of
from .images import (check_label_maps, check_recorded_crops, check_samples,
                     check_stored_classes, check_turned)
from .mixing import (check_hooks, check_mixing, check_preprocessor,
                     check_switches)
from .run import SPLITS, Run
from .schedule import check_batches, check_loop, check_schedules
from .step import (check_evaluation, check_input, check_last_batch,
                   check_parts, check_training)

# A check takes a run, and a split of it where it looks at one data set, and
# yields findings. Its docstring says what it looks at.
OF_CONFIG = [check_preprocessor, check_hooks, check_mixing]
OF_TRAINING = [check_loop, check_schedules]
OF_ENTRIES = [
    check_folders, check_labels, check_same_classes, check_files,
    check_masks_of_objects, check_batches
]
OF_IMAGES = [
    check_label_maps, check_recorded_crops, check_stored_classes, check_turned,
    check_samples
]
OF_MODEL = [check_parts, check_switches]
OF_STEP = [check_training, check_last_batch]
PROGRESS = dict(iter=0, epoch=0, max_iters=1, max_epochs=1)


def preflight(cfg: Config,
              splits: Sequence[str],
              optional: Sequence[str] = (),
              trained: bool = False) -> None:
    """Check a run before its first step, and end it if it cannot work.

    With several processes the first one checks, before they join, and the
    others wait for its verdict.

    Args:
        cfg (Config): The complete config of the run.
        splits, optional, trained: See :class:`Run`.

    Raises:
        SystemExit: With the report, if something is wrong.
    """
    rank, processes = launched(cfg)
    report = None
    if rank == 0:
        report = check_run(cfg, splits, optional, trained, processes)
        if report.passed and (report.findings or not is_quiet()):
            print(report, flush=True)
    start_processes(cfg)
    verdict = [report is None or report.passed]
    if is_distributed():
        broadcast_object_list(verdict)
    if not verdict[0]:
        end_processes()
        sys.exit(str(report) if report else 1)


def check_run(cfg: Config,
              splits: Sequence[str] = SPLITS,
              optional: Sequence[str] = (),
              trained: bool = False,
              processes: int = 1) -> Report:
    """Check a run; nothing of it is changed, and no file is written.

    Args:
        cfg (Config): The complete config of the run.
        splits, optional, trained, processes: See :class:`Run`.

    Returns:
        Report: Its text is what ``mmmix check`` prints.

    Example::

        cfg = load_config('smmix/vit-xs_smmix_1xb64-10e_synthetic.py')
        print(check_run(cfg, processes=8))
    """
    start = time.perf_counter()
    register_toolboxes(cfg)
    run = Run(cfg, splits, optional, trained, processes)
    with untouched(cfg.get('default_scope', 'mmpretrain')):
        findings = _collect(run)
        report = Report(str(cfg.filename), run.looked_at, findings)
        del run
        gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    report.seconds = time.perf_counter() - start
    return report


def _collect(run: Run) -> List[Finding]:
    findings: List[Finding] = []
    errors = []  # one that several checks run into is reported once

    def passes(check, *split) -> bool:
        stops = not set(split) & set(run.optional)
        run.looking_at = f'the {split[0]} set' if split else 'the config'
        found = []
        try:
            for finding in check(run, *split):
                found.append(finding)
        except Exception as error:
            known = any(error is other for other in errors)
            errors.append(error)
            if _is_of_check(error):  # which does not know such a run
                if not known:
                    run.looked_at.append(f'{run.looking_at} in part only: '
                                         f'{finding_of(error, "").what}')
            elif known:
                return False
            else:
                found.append(finding_of(error, run.looking_at))
        for finding in found:
            fatal = finding.fatal and stops
            if all(finding.what != other.what for other in findings):
                findings.append(replace(finding, fatal=fatal))
        return not any(finding.fatal for finding in found)

    builds = all([passes(check) for check in OF_CONFIG])
    reads = {
        split:
        all([passes(check, split) for check in OF_ENTRIES])
        and all(passes(check, split) for check in OF_IMAGES)
        for split in run.splits
    }
    trains = run.cfg.get('train_cfg') and 'train' in run.splits
    if trains:
        for check in OF_TRAINING:
            passes(check)
    if run.cfg.get('strategy'):
        run.looked_at.append('no model: its strategy builds it in parts')
        builds = False
    if not (builds and all([passes(check) for check in OF_MODEL])):
        return findings
    shown = [split for split in run.splits if reads[split]]
    if not all(passes(check_input, split) for split in shown):
        return findings
    if trains and 'train' in shown:
        for check in OF_STEP:
            passes(check)
    for split in shown:
        if split != 'train':
            passes(check_evaluation, split)
    return findings


def _is_of_check(error: Exception) -> bool:
    """Whether the code of a check raised it, and not what it looks at, such as
    the user's files."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    path = Path(frame.f_code.co_filename)
    return (path.parent == Path(__file__).parent and path.name != 'files.py'
            and not isinstance(error, (MmmixError, OSError)))


@contextmanager
def untouched(scope: str) -> Iterator[None]:
    """Restore all random states, the default scope, the log and what it knows
    of the run after use."""
    logger, hub = (
        kind.get_current_instance() for kind in (MMLogger, MessageHub))
    level = logger.level
    # losses and label rules follow the progress of the run
    progress = {
        key: value
        for key, value in PROGRESS.items() if hub.get_info(key) is None
    }
    states = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count())
    with torch.random.fork_rng(devices), silent_import(), \
            DefaultScope.overwrite_default_scope(scope):
        for seed in (random.seed, np.random.seed, torch.manual_seed):
            seed(0)
        logger.setLevel(logging.CRITICAL)
        hub.update_info_dict(progress)
        try:
            yield
        finally:
            for key in progress:
                hub.pop_info(key)
            logger.setLevel(level)
            random.setstate(states[0])
            np.random.set_state(states[1])
