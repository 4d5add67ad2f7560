"""The weights of a classifier that the stock one has as well."""
from fnmatch import fnmatchcase
from typing import Any, Dict, Tuple

from torch import Tensor

from mmmix.checkpoint.fitting import MIXERS
from mmmix.checkpoint.loading import weights_of
from mmmix.errors import MmmixError

# what learned mixers, losses and label rules add to a classifier
ADDED = (*MIXERS, 'head.mix_losses.*', 'head.label_rule.*')


def stock_weights(checkpoint: Any,
                  path: str,
                  key: str = 'state_dict') -> Tuple[Dict[str, Tensor], list]:
    """The weights that a stock ``ImageClassifier`` has.

    Args:
        checkpoint (Any): The content of a file.
        path (str): The file, for messages.
        key (str): Which of a checkpoint's weights: 'state_dict', those that
            were validated; 'ema_state_dict', of MMEngine's ``EMAHook``, those
            under training; 'guide_ema_state_dict', the average that
            ``mmmix.EMAGuideHook`` keeps.

    Returns:
        tuple[dict[str, Tensor], list[str]]: The weights, and the names of
        those that are left out.

    Raises:
        MmmixError: If there are no weights under the key.

    >>> import torch
    >>> saved = {'head.fc.bias': torch.ones(2), 'mixers.AutoMix.value.bias': 1}
    >>> saved = {name: torch.as_tensor(value) for name, value in saved.items()}
    >>> stock_weights(dict(state_dict=saved), 'epoch_1.pth')
    ({'head.fc.bias': tensor([1., 1.])}, ['mixers.AutoMix.value.bias'])
    """
    if key != 'state_dict':
        if not (isinstance(checkpoint, dict) and key in checkpoint):
            kept = [name for name in checkpoint if name.endswith('state_dict')]
            raise MmmixError(f'{path} has no weights under {key!r}, but under '
                             f'{", ".join(kept) or "none"}.')
        # an average counts its steps beside the weights
        checkpoint = {
            name: value
            for name, value in checkpoint[key].items() if name != 'steps'
        }
    weights = weights_of(checkpoint, path)
    added = [
        name for name in weights if any(
            fnmatchcase(name, pattern) for pattern in ADDED)
    ]
    return {n: w for n, w in weights.items() if n not in added}, added
