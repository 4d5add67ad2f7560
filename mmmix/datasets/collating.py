"""Samples that become a batch."""
from typing import Any, Dict, Sequence, Tuple

from mmengine.dataset import default_collate
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.registry import FUNCTIONS


@FUNCTIONS.register_module()
def collate(samples: Sequence[dict]) -> Any:
    """MMEngine's ``default_collate``, but images of different sizes are named
    in an error.

    Args:
        samples (Sequence[dict]): What a pipeline gives, with ``inputs``.

    Raises:
        MmmixError: If two images differ in size or channels.

    Example::

        train_dataloader = dict(collate_fn=dict(type='mmmix.collate'))
    """
    try:
        return default_collate(samples)
    except RuntimeError:
        sizes: Dict[Tuple[int, ...], dict] = {}
        for sample in samples:
            if isinstance(sample.get('inputs'), Tensor):
                sizes.setdefault(tuple(sample['inputs'].shape), sample)
        if len(sizes) < 2:
            raise
        (one, a), (other, b) = list(sizes.items())[:2]
        raise MmmixError(
            'Images of different sizes cannot be put into one batch: '
            f'{_path(a)} is {sides(one)} and {_path(b)} {sides(other)} after '
            'the pipeline. Add a step that gives all one size, such as '
            'RandomResizedCrop, CenterCrop or Resize with both sides.'
        ) from None


def _path(sample: dict) -> str:
    path = getattr(sample.get('data_samples'), 'img_path', None)
    return repr(path) if path else 'an image'


def sides(shape: Tuple[int, ...]) -> str:
    """A shape as messages write it.

    >>> sides((3, 32, 48))
    '3 x 32 x 48'
    """
    return ' x '.join(map(str, shape))
