"""What a mixer does to a batch, found by mixing images whose pixels say from
which one they come."""
from typing import Callable, Dict, NamedTuple, Sequence, Tuple

import torch
from torch import Tensor

from mmmix.errors import MmmixError

Mix = Callable[[Tensor, Tensor], Tuple[Tensor, Tensor]]

SIZE = (64, 64)
RECTANGLE = (192, 256)
FEW, ODD = 8, 127
BATCHES = 20  # of those that cost more a quarter
# a pixel of an image of SIZE, as a lambda may be rounded to whole pixels, and
# a hundredth of one for the rounding of numbers
TOLERANCE = 1.01 / (SIZE[0] * SIZE[1])
# what libraries raise at a batch that does not suit them
REFUSALS = (AssertionError, IndexError, RuntimeError, TypeError, ValueError)


class WrongLabels(MmmixError):
    """The labels of a mixed batch do not have a row for each image."""


class Seen(NamedTuple):
    """What is seen in a mixed batch.

    Attributes:
        weights (Tensor): Weight of the source at each place, ``(N, H, W)``.
        source (Tensor): ``(N,)`` int64, index of the image mixed in.
        lam (Tensor): ``(N,)``, the label's weight of the source; 0 where there
            is none, and ``source`` has no meaning.
        own_lam (Tensor): ``(N,)``, the label's weight of the image itself.
    """

    weights: Tensor
    source: Tensor
    lam: Tensor
    own_lam: Tensor


def look_inside(mix: Mix, batch_size: int, size: Sequence[int]) -> Seen:
    """Mix a batch whose pixels say from which image they come.

    The first channel of image i is i / N everywhere, the other two are random,
    so that a mixer that looks at the pixels has something to see.

    Args:
        mix (Callable): Images ``(N, 3, H, W)`` in [0, 1] and numbers of
            classes ``(N,)`` to mixed images and soft labels of N classes or
            more.
        batch_size (int): Number of images N.
        size (Sequence[int]): Height and width of the images.

    Raises:
        WrongLabels: If the labels are not ``(N, num_classes)``.

    >>> from mmmix.models import CutMix
    >>> seen = look_inside(
    ...     lambda images, labels: CutMix()(images, torch.eye(4)[labels]), 4,
    ...     (32, 32))
    >>> torch.allclose(seen.weights.mean((1, 2)), seen.lam, atol=1e-5)
    True
    """
    classes = torch.arange(batch_size)
    values = classes / batch_size
    images = torch.rand(batch_size, 3, *size)
    images[:, 0] = values.view(-1, 1, 1)
    mixed, labels = mix(images, classes)
    if labels.ndim != 2 or len(labels) != batch_size:
        raise WrongLabels(f'labels {tuple(labels.shape)}')
    lam, source = labels.scatter(1, classes[:, None], 0).max(1)
    change = mixed[:, 0] - values.view(-1, 1, 1)
    # an image without a source should not have changed at all
    weights = torch.where((lam > 0).view(-1, 1, 1),
                          change / (values[source] - values).view(-1, 1, 1),
                          (change.abs() > 1e-3 / batch_size).float())
    return Seen(weights, source, lam, labels[classes, classes])


def label_error(mix: Mix, batch_size: int, size: Sequence[int]) -> float:
    """How far the label's weights are, at most, from the shares of the two
    images in the pixels of a batch; see :func:`look_inside`."""
    seen = look_inside(mix, batch_size, size)
    area = seen.weights.double().mean((1, 2))
    return float(
        torch.maximum((area - seen.lam).abs(),
                      (1 - area - seen.own_lam).abs()).max())


def error_or_refusal(mix: Mix,
                     batch_size: int,
                     size: Sequence[int],
                     batches: int = BATCHES // 4) -> Dict[str, object]:
    """The :func:`label_error` of some batches as ``error``; or as ``refusal``
    what the mixer said instead of mixing, or as ``fault`` what its labels are
    like."""
    try:
        return dict(
            error=max(
                label_error(mix, batch_size, size) for _ in range(batches)))
    except WrongLabels as fault:
        return dict(fault=str(fault))
    except REFUSALS as refusal:
        return dict(refusal=f'{type(refusal).__name__}: {refusal}')


def shared_by(mix: Mix) -> str:
    """Who shares a region, or a lambda: all of a 'batch', the two of a 'pair'
    that are mixed with one another, or nobody: 'image'."""
    batch = pair = True
    for _ in range(BATCHES // 4):
        weights, source, lam, _ = look_inside(mix, FEW, SIZE)
        mixed = lam > 0
        both = mixed & mixed[source]
        pair &= _alike(weights[both], weights[source[both]])
        batch &= _alike(weights[mixed], weights[mixed][:1])
    return 'batch' if batch else 'pair' if pair else 'image'


def _alike(weights: Tensor, others: Tensor) -> bool:
    return not bool(((weights - others).abs() > 1e-3).any())


def keeps_images(mix: Mix) -> bool:
    """Whether a mixer leaves the images as they are that it is given."""
    for _ in range(BATCHES // 4):
        images = torch.rand(FEW, 3, *SIZE)
        before = images.clone()
        mix(images, torch.arange(FEW))
        if not torch.equal(images, before):
            return False
    return True


def mean_share(mix: Mix) -> float:
    """The mean share of the source in the images that have one, of batches
    of 8."""
    shares = []
    for _ in range(2 * BATCHES):
        seen = look_inside(mix, FEW, SIZE)
        shares.append(seen.weights[seen.lam > 0].mean((1, 2)))
    return float(torch.cat(shares).mean())


def mixing_facts(mix: Mix, half: Mix) -> Dict[str, object]:
    """What a mixer does to a batch.

    Args:
        mix (Callable): See :func:`look_inside`; labels of 127 classes or more.
        half (Callable): The same with a lambda of 1/2.

    Returns:
        dict: ``labels``, :func:`error_or_refusal` of batches of 8; ``odd``
        and ``rectangle``, the same of batches of 127 and of images of 192 x
        256 pixels; ``keeps_images``; ``shared_by``, and ``mean_share`` of
        ``half``, None if the labels are at fault.
    """
    labels = error_or_refusal(mix, FEW, SIZE, BATCHES)
    readable = 'error' in labels
    return dict(
        labels=labels,
        odd=error_or_refusal(mix, ODD, SIZE),
        rectangle=error_or_refusal(mix, FEW, RECTANGLE),
        keeps_images=keeps_images(mix),
        shared_by=shared_by(mix) if readable else None,
        mean_share=mean_share(half) if readable else None)


def verdict(found: Dict[str, object]) -> str:
    """What :func:`error_or_refusal` found, in a word or two.

    >>> verdict(dict(error=1e-7)), verdict(dict(error=.125))
    ('yes', 'off by 0.12')
    """
    if 'refusal' in found:
        return 'refused'
    if 'fault' in found:
        return found['fault']
    return 'yes' if found['error'] <= TOLERANCE else (
        f'off by {found["error"]:.2g}')
