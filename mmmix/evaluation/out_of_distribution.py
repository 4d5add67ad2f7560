"""Accuracy and confidence away from the training distribution."""
from typing import List, Optional, Sequence, Tuple

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.evaluation.calibration import (confident_prediction,
                                          response_rate_accuracy,
                                          rms_calibration_error)
from mmmix.registry import METRICS

# confidence, predicted class and label of an image
Answer = Tuple[float, int, int]


class ConfidenceMetric(BaseMetric):
    """Keeps confidence, prediction and label of every image; children differ
    in what they compute of these, so each can evaluate what another has kept:
    ``AURRA().compute_metrics(other.results)``.

    The predictions are among the classes in the data set's
    ``metainfo['subset']``, which :class:`mmmix.datasets.WnidImages` sets;
    without it among all classes of the head.

    Args:
        restrict (bool): Whether to heed the subset, as the authors of
            ImageNet-A, -O and -R do (``eval_many_models.py`` and ``eval.py``
            of their public code take the logits of the 200 classes). Defaults
            to True.
        **kwargs: Arguments of :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        MmmixError: If the data set's labels do not fit the head.
    """

    def __init__(self, restrict: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.restrict = restrict

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of a batch."""
        probabilities = torch.stack(
            [sample['pred_score'] for sample in data_samples])
        subset = fitting_subset(self.dataset_meta or {},
                                probabilities.shape[1])
        confidence, predicted = confident_prediction(
            probabilities, subset if self.restrict else None)
        labels = [int(sample['gt_label']) for sample in data_samples]
        self.results += zip(confidence.tolist(), predicted.tolist(), labels)


def fitting_subset(metainfo: dict, num_classes: int) -> Optional[List[int]]:
    """The classes that a data set is about: the 'subset' in its metainfo, the
    labels that occur among its 'wnids'.

    Raises:
        MmmixError: If the labels are those of a head of another size.
    """
    wnids, subset = metainfo.get('wnids'), metainfo.get('subset')
    if wnids is not None and len(wnids) != num_classes:
        raise MmmixError(
            f'The data set counts {len(wnids)} classes, but the model '
            f'gives {num_classes} probabilities: its `wnids` must name the '
            f'{num_classes} classes of the head, in order.')
    return subset


def columns(results: List[Answer]) -> Tuple[Tensor, Tensor, Tensor]:
    """Confidence, whether the prediction is right, and label of each image
    that a :class:`ConfidenceMetric` has kept, ``(N,)`` each."""
    table = torch.tensor(results, dtype=torch.float64).view(-1, 3)
    confidence, predicted, label = table.unbind(1)
    return confidence, predicted == label, label


@METRICS.register_module()
class SubsetAccuracy(ConfidenceMetric):
    """Top-1 accuracy (%) among the classes that a data set is about: SMMix,
    Table 5; TdAttenMix, Table 3; MixPro, Table 5.

    SMMix does not say whether it restricts the head on ImageNet-A and -R, and
    its public code does not evaluate there; the data sets' authors do.
    """

    default_prefix = 'subset'

    def compute_metrics(self, results: List[Answer]) -> dict:
        """'top1'."""
        _, correct, _ = columns(results)
        return dict(top1=100 * float(correct.double().mean()))


@METRICS.register_module()
class CalibrationError(ConfidenceMetric):
    """Root mean square calibration error (%):
    :func:`mmmix.evaluation.rms_calibration_error` ("Calib-Error" of
    TdAttenMix, Table 3; MixPro, Table 5).

    Args:
        bin_size (int): Images in a bin. Defaults to 100.
        skip_last_bin (bool): As the loop of the authors' public code does.
            Defaults to False.
        **kwargs: Arguments of :class:`ConfidenceMetric`.
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
        confidence, correct, _ = columns(results)
        return dict(rms_error=100 * rms_calibration_error(
            confidence, correct, self.bin_size, self.skip_last_bin))


@METRICS.register_module()
class AURRA(ConfidenceMetric):
    """Area under the response rate accuracy curve (%): the mean of
    :func:`mmmix.evaluation.response_rate_accuracy` (TdAttenMix, Table 3;
    MixPro, Table 5).
    """

    default_prefix = 'calibration'

    def compute_metrics(self, results: List[Answer]) -> dict:
        """'aurra'."""
        confidence, correct, _ = columns(results)
        curve = response_rate_accuracy(confidence, correct)
        return dict(aurra=100 * float(curve.mean()))


@METRICS.register_module()
class OODDetection(ConfidenceMetric):
    """Area under the precision-recall curve (%) of finding images outside of
    the distribution by their low confidence: "AUPR" of TdAttenMix, Table 3;
    MixPro, Table 5. See :func:`detection_aupr`.

    An image is outside if its label is -1, as
    :class:`~mmmix.datasets.ImageNetO` says. The data set must hold images
    inside, too: the authors take the validation images of ImageNet-O's
    classes.
    """

    default_prefix = 'ood'

    def compute_metrics(self, results: List[Answer]) -> dict:
        """'aupr', and 'outside', the share of the images (%): the aupr that
        a guess would reach."""
        confidence, _, label = columns(results)
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

    Raises:
        ImportError: If scikit-learn is not installed.
        MmmixError: If there are no images inside or none outside.
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
