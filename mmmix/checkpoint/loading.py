"""Reading and loading weights: all of them or none."""
import ast
from pathlib import Path
from typing import Any, Dict, Optional, Union

from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from mmmix.checkpoint.files import check_checkpoint
from mmmix.checkpoint.fitting import MIXERS, fit_weights
from mmmix.checkpoint.positions import Size
from mmmix.errors import MmmixError
from mmmix.private import with_versions

# what torch puts into the names of the weights of a wrapped module
WRAPPERS = ('_orig_mod.', '_fsdp_wrapped_module.',
            '_checkpoint_wrapped_module.')


def weights_of(checkpoint: Any, path: Union[str, Path]) -> Dict[str, Tensor]:
    """The weights in the content of a checkpoint.

    They may lie under 'state_dict' or 'model', or by themselves; what
    ``torch.compile``, FSDP and DDP ('module.') add to their names is removed.

    Args:
        checkpoint (Any): The content of the file.
        path (str | Path): The file, for the message.

    Raises:
        MmmixError: If there are no weights.

    Example:
        >>> [*weights_of({'model': {'module.w': torch.ones(1)}}, 'w.pth')]
        ['w']
    """
    weights = checkpoint
    for key in ('state_dict', 'model'):
        if isinstance(weights, dict) and isinstance(weights.get(key), dict):
            weights = weights[key]
    if not (isinstance(weights, dict) and weights
            and all(isinstance(value, Tensor) for value in weights.values())):
        raise MmmixError(f"{path} has no weights, by themselves or under "
                         "'state_dict' or 'model'.")
    names = list(weights)
    for wrapper in WRAPPERS:
        names = [name.replace(wrapper, '') for name in names]
    if all(name.startswith('module.') for name in names):
        names = [name[len('module.'):] for name in names]
    return with_versions(zip(names, weights.values()), weights)


def trained_img_size(checkpoint: Any) -> Optional[Size]:
    """Height and width of the images that a checkpoint was trained on.

    MMEngine saves the config as text, which is parsed here but not run.

    Args:
        checkpoint (Any): The content of the file.

    Returns:
        tuple[int, int], optional: ``model.backbone.img_size`` of the config;
        None if it does not say.

    Example:
        >>> cfg = "model = dict(backbone=dict(img_size=(32, 48)))"
        >>> trained_img_size(dict(meta=dict(cfg=cfg)))
        (32, 48)
    """
    try:
        node = next(
            line.value for line in ast.parse(checkpoint['meta']['cfg']).body
            if isinstance(line, ast.Assign) and line.targets[0].id == 'model')
        for key in ('backbone', 'img_size'):
            node = next(k.value for k in node.keywords if k.arg == key)
        size = ast.literal_eval(node)
        return (size, size) if isinstance(size, int) else tuple(size)
    except (AttributeError, KeyError, StopIteration, SyntaxError, TypeError,
            ValueError):
        return None


def read_weights(path: str) -> Dict[str, Tensor]:
    """Read the weights in a checkpoint as MMEngine saves it, to the CPU.

    Args:
        path (str): A file or an address that MMEngine reads.

    Raises:
        FileNotFoundError: If there is no such file.
        MmmixError: If the file is damaged or has no weights.
    """
    return weights_of(CheckpointLoader.load_checkpoint(path, 'cpu'), path)


def load_weights(model: nn.Module,
                 path: str,
                 what: str = 'checkpoint') -> None:
    """Load a checkpoint into a model, all of it or none.

    What a mixer learned, ``mixers.*``, is left out where the model has no
    such mixer, and logged.

    Args:
        model (nn.Module): The model to load it into.
        path (str): A file or an address.
        what (str): What to call it in messages.

    Raises:
        FileNotFoundError: If there is no such file.
        MmmixError: If it is damaged, or holds the weights of another model;
            see :func:`mmmix.checkpoint.fitting.fit_weights`.
    """
    checkpoint = CheckpointLoader.load_checkpoint(
        check_checkpoint(path, what), 'cpu')
    weights = weights_of(checkpoint, path)
    untrained = {
        name.split('.')[1]
        for name in model.state_dict()
        if name.startswith('mixers.') and name not in weights
    }
    remedy = 'Give the config that it was trained with.'
    if untrained:
        remedy = (f'What {" and ".join(sorted(untrained))} learned is only in '
                  'the checkpoints of trainings with it: give the CONFIG and '
                  'the CHECKPOINT of such a training together, not the name '
                  'of the mixer for the checkpoint of another.')
    fit_weights(
        model,
        weights,
        f'The {what} {path}',
        remedy,
        unused=MIXERS,
        saved_size=trained_img_size(checkpoint))
