"""Loading weights into a model that they fit, or saying where they do not."""
from fnmatch import fnmatchcase
from typing import Dict, List, Optional, Sequence

from mmengine.logging import print_log
from torch import Tensor, nn

from mmmix.checkpoint.positions import Size, resize_positions
from mmmix.errors import MmmixError
from mmmix.private import with_versions

SHOWN = 8  # how much of a long list a message shows
# what mixers with modules of their own learned: a model without these mixers
# does not need it, and one with them can learn it anew
MIXERS = ('mixers.*', )
# what a model computes itself from the size of its windows
DERIVED = ('*.relative_position_index', '*.attn_mask')


def fit_weights(model: nn.Module,
                weights: Dict[str, Tensor],
                place: str,
                remedy: str,
                new: Sequence[str] = (),
                unused: Sequence[str] = (),
                img_size: Optional[Size] = None,
                saved_size: Optional[Size] = None,
                resize: bool = True) -> Dict[str, Tensor]:
    """Load weights into a model, all of them or none.

    Learned positions are resized to the model:
    :func:`mmmix.checkpoint.positions.resize_positions`. Everything else must
    fit, except what ``new`` and ``unused`` name. Whatever is resized, left
    out, new or unused is logged by name.

    Args:
        model (nn.Module): The model to load them into.
        weights (dict[str, Tensor]): The weights, under the model's names.
        place (str): Where they come from, for the message.
        remedy (str): What to do if they do not fit, for the message.
        new (Sequence[str]): Which weights of the model may be missing and
            then keep their values: names, or patterns such as 'norm0.*'.
        unused (Sequence[str]): Which weights the model may lack, in the same
            form. A name in both may also be of another size.
        img_size, saved_size: See
            :func:`mmmix.checkpoint.positions.resize_positions`.
        resize (bool): Whether positions may be for another grid. Defaults to
            True.

    Returns:
        dict[str, Tensor]: What was loaded.

    Raises:
        MmmixError: If they do not fit: the differences are listed.
    """
    wanted = model.state_dict()
    resized = resize_positions(model, weights, img_size, saved_size)
    derived = {n: w for n, w in wanted.items() if _matches(n, DERIVED)}
    state = {**weights, **resized, **derived}
    excused = [
        name for name in _other_size(wanted, state)
        if _matches(name, new) and _matches(name, unused)
    ]
    state = with_versions(
        ((n, w) for n, w in state.items() if n not in excused), weights)
    before = with_versions(((n, w.clone()) for n, w in wanted.items()), wanted)
    try:  # hooks of a model may adapt a size that differs
        missing, extra = model.load_state_dict(state, strict=False)
        other_size = []
    except (AssertionError, RuntimeError):
        missing = [name for name in wanted if name not in state]
        extra = [name for name in state if name not in wanted]
        other_size = _other_size(wanted, state)
        if not other_size:
            raise
    differences = {
        'of another size': [
            f'{n}: {tuple(state[n].shape)} in the checkpoint, '
            f'{tuple(wanted[n].shape)} in the model' for n in other_size
        ],
        'on another grid': [] if resize else [*resized],
        'missing in the checkpoint':
        [n for n in missing if not _matches(n, new)],
        'not in the model': [n for n in extra if not _matches(n, unused)],
    }
    if any(differences.values()):
        model.load_state_dict(before)
        raise _refusal(model, place, remedy, differences)
    for name, value in resized.items():
        say(f'  resized {name} from {tuple(weights[name].shape)} to '
            f'{tuple(value.shape)}')
    log_names('of another size, not used', excused)
    log_names('new, not in the checkpoint',
              [name for name in missing if name not in excused])
    log_names('unused, not in the model', extra)
    return state


def say(text: str) -> None:
    """Log a line."""
    print_log(text, logger='current')


def log_names(what: str, names: Sequence[str]) -> None:
    """Log the names of weights, if there are any."""
    if names:
        say(f'  {what}: {", ".join(names)}')


def _refusal(model: nn.Module, place: str, remedy: str,
             differences: Dict[str, List[str]]) -> MmmixError:
    lines = [
        f'{place} does not hold the weights of this {type(model).__name__}:'
    ]
    for what, names in differences.items():
        if names:
            lines.append(f'  {len(names)} {what}:')
            lines += [f'    {name}' for name in names[:SHOWN]]
            if names[SHOWN:]:
                lines.append('    ...')
    return MmmixError('\n'.join([*lines, remedy]))


def _other_size(wanted: Dict[str, Tensor], state: Dict[str,
                                                       Tensor]) -> List[str]:
    """The names of the weights whose shapes differ."""
    return [
        name for name, value in wanted.items()
        if name in state and state[name].shape != value.shape
    ]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
