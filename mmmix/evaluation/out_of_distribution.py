"""Accuracy and confidence away from the training distribution."""
from typing import List, Optional, Sequence, Tuple

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.evaluation.calibration import (
    confident_prediction,
    response_rate_accuracy,
    rms_calibration_error,
)
from mmmix.registry import METRICS

Answer = Tuple[float, int, int]


class _Confidence(BaseMetric):
    """Keeps of every image confidence, answer and label.

    The data set's ``metainfo['subset']`` says among which classes of the head
    the answer is: what :class:`mmmix.datasets.WnidImages` gives. A data set
    that says nothing means all of them.

    Args:
        restrict (bool): Whether to heed the subset, as the authors of
            ImageNet-A, -O and -R do (``eval_many_models.py`` and ``eval.py``
            of their public code take the 200 classes' logits). Defaults to
            True.
        **kwargs: Arguments of :class:`mmengine.evaluator.BaseMetric`.
    """

    def __init__(self, restrict: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.restrict = restrict

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Keep what this batch answers."""
        scores = torch.stack([sample['pred_score'] for sample in data_samples])
        subset = fitting_subset(self.dataset_meta or {}, scores.shape[1])
        confidence, answer = confident_prediction(
            scores, subset if self.restrict else None)
        labels = [int(sample['gt_label']) for sample in data_samples]
        self.results += zip(confidence.tolist(), answer.tolist(), labels)


def fitting_subset(metainfo: dict, num_scores: int) -> Optional[List[int]]:
    """The classes that a data set is about, if its labels fit the scores.

    Args:
        metainfo (dict): Of the data set; 'wnids' are the classes that its
            labels count, 'subset' the labels that occur.
        num_scores (int): How many scores a model gives an image.

    Raises:
        ValueError: If the labels are those of a head of another size.
    """
    wnids, subset = metainfo.get('wnids'), metainfo.get('subset')
    if wnids is not None and len(wnids) != num_scores:
        raise MmmixError(
            f'The data set counts {len(wnids)} classes, but the model gives '
            f'{num_scores} scores an image: its `wnids` must name the '
            f'{num_scores} classes of the head, in order.')
    return subset


def _columns(results: List[Answer]) -> Tuple[Tensor, Tensor, Tensor]:
    """Confidence, whether the answer is right, and labels, each ``(N,)``."""
    table = torch.tensor(results, dtype=torch.float64)
    confidence, answer, label = table.unbind(1)
    return confidence, answer == label, label


@METRICS.register_module()
class SubsetAccuracy(_Confidence):
    """Top-1 accuracy (%) among the classes that a data set is about: SMMix,
    Table 5; TdAttenMix, Table 3; MixPro, Table 5.

    SMMix does not say whether it restricts the head on ImageNet-A and -R, and
    its public code does not evaluate there; the data sets' authors do.
    ``restrict=False`` lets all classes of the head answer.

    Args:
        restrict (bool): See above. Defaults to True.
        **kwargs: Arguments of :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        ValueError: If the data set's labels do not fit the head.
    """

    default_prefix = 'subset'

    def compute_metrics(self, results: List[Answer]) -> dict:
        """'top1'."""
        _, correct, _ = _columns(results)
        return dict(top1=100 * float(correct.double().mean()))


@METRICS.register_module()
class CalibrationError(_Confidence):
    """Root mean square calibration error (%):
    :func:`mmmix.functional.rms_calibration_error` ("Calib-Error" of
    TdAttenMix, Table 3; MixPro, Table 5).

    Args:
        bin_size (int): Images in a bin. Defaults to 100.
        skip_last_bin (bool): As the loop of the authors' public code does.
            Defaults to False.
        restrict (bool): See :class:`SubsetAccuracy`. Defaults to True.
        **kwargs: Arguments of :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        ValueError: If the data set's labels do not fit the head.
    """

    default_prefix = 'calibration'

    def __init__(self,
                 bin_size: int = 100,
                 skip_last_bin: bool = False,
                 **kwargs):
        super().__init__(**kwargs)
        self.bin_size = bin_size
        self.skip_last_bin = skip_last_bin

    def compute_metrics(self, results: List[Answer]) -> dict:
        """'rms_error'."""
        confidence, correct, _ = _columns(results)
        return dict(rms_error=100 * rms_calibration_error(
            confidence, correct, self.bin_size, self.skip_last_bin))


@METRICS.register_module()
class AURRA(_Confidence):
    """Area under the response rate accuracy curve (%): the mean of
    :func:`mmmix.functional.response_rate_accuracy` (TdAttenMix, Table 3;
    MixPro, Table 5).

    Args:
        restrict (bool): See :class:`SubsetAccuracy`. Defaults to True.
        **kwargs: Arguments of :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        ValueError: If the data set's labels do not fit the head.
    """

    default_prefix = 'calibration'

    def compute_metrics(self, results: List[Answer]) -> dict:
        """'aurra'."""
        confidence, correct, _ = _columns(results)
        curve = response_rate_accuracy(confidence, correct)
        return dict(aurra=100 * float(curve.mean()))


@METRICS.register_module()
class OODDetection(_Confidence):
    """Area under the precision-recall curve (%) of telling images outside of
    the distribution by low confidence: "AUPR" of TdAttenMix, Table 3; MixPro,
    Table 5. See :func:`detection_aupr`.

    An image is outside if its label is -1, as :class:`mmmix.ImageNetO` says.
    The data set must hold images inside, too: the authors take the validation
    images of ImageNet-O's classes.

    Args:
        restrict (bool): See :class:`SubsetAccuracy`. Defaults to True.
        **kwargs: Arguments of :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        ImportError: If scikit-learn is not installed.
        ValueError: If the data set's labels do not fit the head, or there are
            no images inside or none outside.
    """

    default_prefix = 'ood'

    def compute_metrics(self, results: List[Answer]) -> dict:
        """'aupr', and 'outside', the share of the images (%): the aupr that
        a guess would reach."""
        confidence, _, label = _columns(results)
        outside = label < 0
        return dict(
            aupr=100 * detection_aupr(confidence, outside),
            outside=100 * float(outside.double().mean()))


def detection_aupr(confidence: Tensor, outside: Tensor) -> float:
    """Average precision of finding the images outside of the distribution,
    which are the positives, by minus the confidence.

    As ``get_measures`` in the public code of ImageNet-O's authors does, with
    scikit-learn's ``average_precision_score``.

    Args:
        confidence (Tensor): ``(N,)``, the largest softmax score.
        outside (Tensor): ``(N,)`` bool.

    Returns:
        float: In [0, 1].

    Raises:
        ImportError: If scikit-learn is not installed.
        ValueError: If there are no images inside or none outside.
    """
    try:
        from sklearn.metrics import average_precision_score
    except ImportError:
        raise ImportError(
            'The area under the precision-recall curve is '
            "scikit-learn's: pip install scikit-learn.") from None
    num_outside = int(outside.sum())
    if not 0 < num_outside < len(outside):
        raise MmmixError(
            'Images inside and outside of the distribution are needed, but '
            f'there are {len(outside) - num_outside} inside and '
            f'{num_outside} outside.')
    return float(
        average_precision_score(outside.cpu().numpy(),
                                -confidence.cpu().numpy()))
