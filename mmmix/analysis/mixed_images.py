"""What mixed images and their labels are worth (SMMix, Fig. 5a; TdAttenMix,
Fig. 4 and Table 4)."""
from typing import List, Sequence, Tuple

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmmix.analysis.inconsistency import (
    ground_truth_lambda,
    label_inconsistency,
    unit_mass,
)
from mmmix.analysis.mixed_accuracy import pair_hits
from mmmix.errors import MmmixError
from mmmix.functional import box_masks
from mmmix.registry import METRICS
from mmmix.structures import MixedBatch

TRUTHS = ('boxes', 'maps')


def truth_maps(samples: Sequence[BaseDataElement],
               size: Sequence[int],
               truth: str = 'boxes') -> Tensor:
    """Where the label of each image is to be seen.

    Args:
        samples (Sequence[BaseDataElement]): N data samples.
        size (Sequence[int]): Height and width of the images.
        truth (str): 'boxes': 1 inside of any of ``gt_bboxes``; 'maps':
            ``gt_seg_map``, the mask of the object if it holds integers (0 is
            the background and 255 void), otherwise, as
            :class:`mmmix.datasets.LoadGaze` makes it, as it is.

    Returns:
        Tensor: ``(N, H, W)`` float32.

    Raises:
        ValueError: If a sample lacks it or it has another size.
    """
    key = dict(boxes='gt_bboxes', maps='gt_seg_map')[truth]
    if not all(key in sample for sample in samples):
        raise MmmixError(
            f'The truth {truth!r} is read from `{key}` of the data samples, '
            'but some have none: the pipeline of the data set must end with '
            f"PackInputs(algorithm_keys=('{key}', )), and load what it "
            'packs.')
    return torch.stack([
        _box_map(sample.gt_bboxes, size) if truth == 'boxes' else _given_map(
            sample.gt_seg_map, size) for sample in samples
    ])


def _box_map(boxes, size) -> Tensor:
    """The union of boxes ``(M, 4)``, (x1, y1, x2, y2)."""
    boxes = torch.as_tensor(boxes).round().long()[:, [1, 0, 3, 2]]
    masks = box_masks(boxes, size)
    return masks.amax(0) if len(masks) else torch.zeros(tuple(size))


def _given_map(values, size) -> Tensor:
    if isinstance(values, np.ndarray):
        values = np.ascontiguousarray(values)  # a flip leaves it reversed
    values = torch.as_tensor(values)
    if values.shape != torch.Size(size):
        raise MmmixError(f'A truth map has the size {tuple(values.shape)} and '
                         f'its image {tuple(size)}: use transforms that '
                         "change both, such as mmcv's Resize and CenterCrop.")
    if values.is_floating_point():
        return values.float()
    return ((values != 0) & (values != 255)).float()


def shown_lambda(maps: Tensor,
                 mixed: MixedBatch,
                 normalize: bool = True) -> Tensor:
    """What a mixed batch really shows of its sources (TdAttenMix, 5.5).

    Args:
        maps (Tensor): Truth of the unmixed images ``(N, h, w)``.
        mixed (MixedBatch): What was pasted where.
        normalize (bool): Give all maps the same mass: what counts is which
            share of an object, or of the gaze at it, is to be seen. Otherwise
            its pixels count, at their size in the unmixed image. Defaults to
            True.

    Returns:
        Tensor: ``(N,)`` lambda_gt, NaN where neither object is to be seen.
    """
    grid = maps.shape[1:]
    maps = unit_mass(maps) if normalize else maps
    return ground_truth_lambda(maps[mixed.source], mixed.source_mask(grid),
                               maps, mixed.mask_on(grid))


def mean_and_error(values: Sequence[float],
                   batches: Sequence[int]) -> Tuple[float, float]:
    """Mean and its standard error.

    Some mixers draw one region for a whole batch, so that the images of a
    batch are not independent: batches are the units of the error.

    Args:
        values (Sequence[float]): ``(N,)``.
        batches (Sequence[int]): ``(N,)``, the number of each one's batch.

    Returns:
        tuple[float, float]: NaN where there is no value; the error is NaN
        where there is one batch only.
    """
    values = np.asarray(values, np.float64)
    if not len(values):
        return float('nan'), float('nan')
    mean = values.mean()
    _, batch = np.unique(batches, return_inverse=True)
    sums = np.bincount(batch, values - mean)
    units = len(sums)
    if units == 1:
        return float(mean), float('nan')
    error = np.sqrt(units / (units - 1) * (sums**2).sum()) / len(values)
    return float(mean), float(error)


def mean_in_bins(values: Sequence[float], lam: Sequence[float],
                 bins: int) -> Tuple[np.ndarray, np.ndarray]:
    """Means over equal parts of lambda's range.

    Args:
        values (Sequence[float]): ``(N,)``.
        lam (Sequence[float]): ``(N,)`` in [0, 1]; a border belongs to the bin
            above it, and 1 to the last.
        bins (int): Number of parts.

    Returns:
        tuple[np.ndarray, np.ndarray]: Means, NaN in empty bins, and counts,
        ``(bins,)`` each.
    """
    lam = np.asarray(lam, np.float64)
    # 3/10 lies at 0.3, also in floating point
    place = np.floor(lam * bins + 1e-6).astype(np.int64).clip(0, bins - 1)
    count = np.bincount(place, minlength=bins)
    total = np.bincount(place, np.asarray(values, np.float64), bins)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan), count


@METRICS.register_module()
class ImageLabelInconsistency(BaseMetric):
    r"""Distance of mixed labels from what mixed images show (TdAttenMix,
    Eq. 21, Table 4).

    :math:`|\lambda_{gt} - \lambda|`, in percent. A data sample must hold
    ``lam_gt``, see :func:`shown_lambda`, ``lam``, the weight of the source's
    label in training, and ``mixed_batch``, the number of its batch; a test
    loop shows unmixed images, so ``tools/analysis/inconsistency.py`` puts
    them there.

    Results:

    - ``mean``, ``error``: mean and its standard error, see
      :func:`mean_and_error`.
    - ``lam``, ``lam_gt``: means of both weights, in percent.
    - ``images``: how many were judged.
    - ``skipped``: how many show neither object; left out of the means.

    Args:
        collect_device (str): See ``BaseMetric``. Defaults to 'cpu'.
        prefix (str, optional): See ``BaseMetric``. Defaults to
            'inconsistency'.
    """

    default_prefix = 'inconsistency'

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Collect both weights of mixed images."""
        for sample in data_samples:
            _check_sample(self, sample, ('lam_gt', 'lam', 'mixed_batch'))
            self.results.append((float(sample['lam_gt']), float(sample['lam']),
                                 int(sample['mixed_batch'])))

    def compute_metrics(self, results: List[Tuple]) -> dict:
        """Means over the images that show something."""
        table = np.asarray(results, np.float64).reshape(-1, 3)
        judged = table[~np.isnan(table[:, 0])]
        lam_gt, lam, batch = torch.from_numpy(judged).unbind(1)
        values = 100 * label_inconsistency(lam_gt, lam)
        mean, error = mean_and_error(values.numpy(), batch.numpy())
        return dict(
            mean=mean,
            error=error,
            lam=100 * float(lam.mean()),
            lam_gt=100 * float(lam_gt.mean()),
            images=len(judged),
            skipped=len(table) - len(judged))


@METRICS.register_module()
class MixedAccuracy(BaseMetric):
    """Top-1 in {A, B} and top-2 = {A, B} of mixed images (SMMix, Fig. 5a;
    TdAttenMix, Fig. 4).

    A data sample must hold ``pred_score``, the scores ``(num_classes,)`` of
    the mixed image, ``source_label`` (A), ``target_label`` (B) and
    ``mixed_batch``, the number of its batch; a test loop shows unmixed images,
    so ``tools/analysis/mixed_accuracy.py`` puts them there.

    Results: ``top1`` and ``top2`` in percent, their standard errors
    ``top1_error`` and ``top2_error`` (see :func:`mean_and_error`), and
    ``images``.

    Args:
        collect_device (str): See ``BaseMetric``. Defaults to 'cpu'.
        prefix (str, optional): See ``BaseMetric``. Defaults to 'mixed'.
    """

    default_prefix = 'mixed'

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Judge mixed images."""
        for sample in data_samples:
            _check_sample(
                self, sample,
                ('pred_score', 'source_label', 'target_label', 'mixed_batch'))
            labels = (
                torch.as_tensor(sample[name]).view(1).cpu()
                for name in ('source_label', 'target_label'))
            top1, top2 = pair_hits(
                torch.as_tensor(sample['pred_score'])[None].cpu(), *labels)
            self.results.append(
                (bool(top1), bool(top2), int(sample['mixed_batch'])))

    def compute_metrics(self, results: List[Tuple]) -> dict:
        """Means over the images."""
        table = np.asarray(results, np.float64).reshape(-1, 3)
        metrics = dict(images=len(table))
        for column, name in enumerate(('top1', 'top2')):
            metrics[name], metrics[f'{name}_error'] = mean_and_error(
                100 * table[:, column], table[:, 2])
        return metrics


def _check_sample(metric: BaseMetric, sample: dict,
                  names: Sequence[str]) -> None:
    missing = [n for n in names if n not in sample]
    if missing:
        raise MmmixError(
            f'{type(metric).__name__} judges mixed images, but a data sample '
            f'lacks {", ".join(missing)}: a test loop shows unmixed images; '
            'use the tools inconsistency.py and mixed_accuracy.py in '
            'tools/analysis.')
