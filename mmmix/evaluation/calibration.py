"""How well a classifier's confidence tells whether it is right.

The definitions are those of the authors of ImageNet-A (Hendrycks et al.,
Natural Adversarial Examples, CVPR 2021, and the file ``calibration_tools.py``
of their public code), with one addition: where images tie in confidence, each
counts with the share of the tied images that are right, so that no result
depends on the order of the images. Without ties nothing changes.
"""
from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor

from mmmix.errors import MmmixError, check_least


def confident_prediction(
        probabilities: Tensor,
        subset: Optional[Sequence[int]] = None) -> Tuple[Tensor, Tensor]:
    """What a classifier predicts among some classes, and how sure it is.

    The softmax over a subset of the logits is the softmax over all of them,
    divided by its sum over the subset.

    Args:
        probabilities (Tensor): ``(N, K)``, softmax over all K classes.
        subset (Sequence[int], optional): The classes that may be predicted.
            Defaults to None, all.

    Returns:
        tuple[Tensor, Tensor]: The confidence ``(N,)``, float64, in [0, 1]:
        the largest probability; and its class ``(N,)``, of the K. Where all
        probabilities of the subset are 0, the prediction is its first class
        and the confidence that of a guess.

    Raises:
        MmmixError: If the subset is empty or holds none of the K classes, or
            probabilities are not finite.

    Example:
        >>> confident_prediction(torch.tensor([[0.5, 0.1, 0.4]]), [1, 2])
        (tensor([0.8000], dtype=torch.float64), tensor([2]))
    """
    num_classes = probabilities.shape[1]
    classes = torch.arange(num_classes) if subset is None else torch.as_tensor(
        subset, dtype=torch.long)
    if not len(classes) or classes.min() < 0 or classes.max() >= num_classes:
        raise MmmixError(
            f'The subset must hold classes between 0 and {num_classes - 1}, '
            f'as there are {num_classes} columns, but it holds '
            f'{len(classes)}' +
            (f', up to {int(classes.max())}.' if len(classes) else '.'))
    broken = int((~probabilities.isfinite()).any(1).sum())
    if broken:
        raise MmmixError(
            f'The probabilities of {broken} of {len(probabilities)} images '
            'are not finite, so nothing is predicted: check the weights of '
            'the model and the images.')
    classes = classes.to(probabilities.device)
    chosen = probabilities.double()[:, classes]
    total = chosen.sum(1, keepdim=True)
    chosen = torch.where(total > 0, chosen / total, 1 / len(classes))
    confidence, place = chosen.max(1)
    return confidence, classes[place]


def calibration_bins(confidence: Tensor,
                     correct: Tensor,
                     bin_size: int = 100) -> Tuple[Tensor, Tensor, Tensor]:
    """Sort images by confidence into bins of equal numbers.

    Args:
        confidence (Tensor): ``(N,)``, in [0, 1].
        correct (Tensor): ``(N,)``, whether the prediction is right.
        bin_size (int): Images in a bin; the last bin takes the remainder, too,
            and fewer images are a single bin. Defaults to 100.

    Returns:
        tuple[Tensor, Tensor, Tensor]: Of each bin the number of images, their
        mean confidence and their accuracy.

    Raises:
        MmmixError: If there are no images, the shapes differ, a confidence is
            out of its range, or the bin size is not positive.
    """
    confidence, correct = _by_confidence(confidence, correct)
    check_least('bin_size', bin_size, 1)
    # where all bins but the first begin
    begin = list(range(bin_size, len(confidence) - bin_size + 1, bin_size))
    bins = [values.tensor_split(begin) for values in (confidence, correct)]
    count = torch.tensor([len(one) for one in bins[0]])
    mean, accuracy = (torch.stack([b.mean() for b in each]) for each in bins)
    return count.to(mean.device), mean, accuracy


def rms_calibration_error(confidence: Tensor,
                          correct: Tensor,
                          bin_size: int = 100,
                          skip_last_bin: bool = False) -> float:
    """Root mean square of (accuracy - mean confidence) over adaptive bins.

    ``sqrt(sum_b |B_b| / N (acc(B_b) - conf(B_b))^2)`` with the bins of
    :func:`calibration_bins`: "Calib-Error" of TdAttenMix, Table 3, and MixPro,
    Table 5.

    Args:
        confidence, correct, bin_size: See :func:`calibration_bins`.
        skip_last_bin (bool): Leave out the bin of the most confident images,
            though still divide by N, as the loop of the authors' public code
            does. Defaults to False, the definition.

    Raises:
        MmmixError: If the bin that is left out is the only one.
    """
    count, mean_confidence, accuracy = calibration_bins(
        confidence, correct, bin_size)
    squares = count / count.sum() * (accuracy - mean_confidence)**2
    if skip_last_bin:
        if len(count) < 2:
            raise MmmixError(
                '`skip_last_bin` leaves nothing of one bin: it needs at least '
                f'{2 * bin_size} images, not {int(count.sum())}.')
        squares = squares[:-1]
    return float(squares.sum().sqrt())


def response_rate_accuracy(confidence: Tensor, correct: Tensor) -> Tensor:
    """Accuracy of answering only the most confident images.

    Args:
        confidence, correct: See :func:`calibration_bins`.

    Returns:
        Tensor: ``(N,)``, float64: entry k - 1 is the accuracy on the k images
        of highest confidence, a response rate of k / N. Its mean is AURRA,
        the area under the response rate accuracy curve (TdAttenMix, Table 3;
        MixPro, Table 5).
    """
    _, correct = _by_confidence(confidence, correct)
    answered = torch.arange(1, len(correct) + 1, device=correct.device)
    return correct.flip(0).cumsum(0) / answered


def _by_confidence(confidence: Tensor,
                   correct: Tensor) -> Tuple[Tensor, Tensor]:
    """Both as float64, from the least to the most confident image, and
    ``correct`` averaged over images that tie."""
    if confidence.ndim != 1 or confidence.shape != correct.shape:
        raise MmmixError(
            'Confidence and correctness must be one number per image, but '
            f'have the shapes {tuple(confidence.shape)} and '
            f'{tuple(correct.shape)}.')
    if not len(confidence):
        raise MmmixError('There are no images.')
    if not bool(((confidence >= 0) & (confidence <= 1)).all()):
        raise MmmixError(
            'Confidence must lie between 0 and 1, but it lies between '
            f'{float(confidence.min())} and {float(confidence.max())}.')
    confidence, correct = confidence.double(), correct.double()
    levels, place, count = confidence.unique(
        return_inverse=True, return_counts=True)
    right = torch.zeros_like(levels).index_add(0, place, correct) / count
    return (levels.repeat_interleave(count), right.repeat_interleave(count))
