"""An initializer that loads the weights of a classifier strictly."""
import textwrap
from collections import Counter
from fnmatch import fnmatchcase
from typing import Dict, List, Optional, Sequence, Tuple, Union

from mmengine.logging import print_log
from mmengine.model.weight_init import PretrainedInit
from torch import Tensor, nn

from mmmix.checkpoint.loading import check_checkpoint, read_weights
from mmmix.checkpoint.positions import resize_positions
from mmmix.errors import MmmixError
from mmmix.private import record_initialization
from mmmix.registry import WEIGHT_INITIALIZERS

SHOWN = 8  # how much of a long list a message shows
# what a model computes itself from the size of its windows
DERIVED = ('*.relative_position_index', '*.attn_mask')
REMEDY = (
    'pretrain it, give another with --cfg-options '
    'model.backbone.init_cfg.checkpoint=..., or start from random weights '
    'with model.backbone.init_cfg=None.')


@WEIGHT_INITIALIZERS.register_module('Pretrained')
class StrictPretrained(PretrainedInit):
    """Start from a checkpoint, and report everything that did not fit.

    It replaces MMEngine's ``Pretrained``, which only logs what is missing,
    unused or of another size::

        backbone=dict(
            type='mmpretrain.VisionTransformer',
            ...,
            init_cfg=dict(
                type='Pretrained',
                _scope_='mmmix',
                checkpoint='work_dirs/deit-small_smmix/epoch_300.pth',
                prefix='backbone.'))

    The type must be the word 'Pretrained', which MMEngine and the stock
    backbones look for; ``_scope_`` chooses this class under any default
    scope.

    Learned positions are resized to the model:
    :func:`mmmix.checkpoint.positions.resize_positions`. Everything else must
    fit, except what ``new`` and ``unused`` name. Whatever is resized, left
    out, new or unused is logged by name. From a checkpoint of ``EMAHook`` the
    weights that were validated are taken, those under 'state_dict'.

    Args:
        checkpoint (str): A file, or an address that MMEngine reads. Weights
            may lie under 'state_dict' or 'model', or by themselves. They are
            read safely where that suffices.
        prefix (str, optional): Which part of it to take, such as
            'backbone.'; the other parts are left out. Defaults to None: all
            of it.
        map_location (str): The device to read it to. Defaults to 'cpu'.
        new (Sequence[str]): Which weights of the model may be missing in the
            checkpoint and then keep their initial values: names, or patterns
            such as 'norm0.*'. Defaults to ().
        unused (Sequence[str]): Which weights of the checkpoint the model may
            lack, in the same form. A name in both may also be of another
            size. Defaults to ().
        img_size (int | tuple[int, int], optional): Height and width of the
            images it was trained on. Needed for positions on a grid that is
            not square. Defaults to None.

    Raises:
        FileNotFoundError: If there is no such file.
        MmmixError: If it is damaged, has nothing under the prefix, or is the
            checkpoint of another architecture: the differences are listed.
    """

    def __init__(self,
                 checkpoint: str,
                 prefix: Optional[str] = None,
                 map_location: str = 'cpu',
                 new: Sequence[str] = (),
                 unused: Sequence[str] = (),
                 img_size: Union[int, Tuple[int, int], None] = None):
        super().__init__(checkpoint, prefix, map_location)
        self.new = _patterns(new, 'new')
        self.unused = _patterns(unused, 'unused')
        self.img_size = (img_size, img_size) if isinstance(
            img_size, int) else img_size and tuple(img_size)

    def __call__(self, module: nn.Module) -> None:
        weights = read_weights(
            check_checkpoint(self.checkpoint, remedy=REMEDY),
            self.map_location)
        self._say(f'Initialize {type(module).__name__} from {self._place()}:')
        state = self._select(weights)
        resized = resize_positions(module, state, self.img_size)
        for name, value in resized.items():
            self._say(f'  resized {name} from {tuple(state[name].shape)} to '
                      f'{tuple(value.shape)}')
        self._load(module, {**state, **resized})
        record_initialization(module, self._get_init_info())

    def _place(self) -> str:
        part = f"'{self.prefix}' of " if self.prefix else ''
        return f'{part}{self.checkpoint}'

    def _select(self, weights: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """The weights under the prefix, named without it."""
        if not self.prefix:
            return weights
        prefix = f'{self.prefix.strip(".")}.'
        state = {
            name[len(prefix):]: value
            for name, value in weights.items() if name.startswith(prefix)
        }
        if not state:
            found = Counter(name.partition('.')[0] for name in weights)
            listed = ', '.join(f"'{first}.' ({n} weights)"
                               for first, n in found.items())
            raise MmmixError(
                f"{self.checkpoint} has nothing under the prefix '{prefix}', "
                f'but under {textwrap.shorten(listed, 400)}. Give the prefix '
                'of the backbone as `init_cfg.prefix`, or None if its weights '
                'have none.')
        self._list('left out',
                   [name for name in weights if not name.startswith(prefix)])
        return state

    def _load(self, module: nn.Module, state: Dict[str, Tensor]) -> None:
        wanted = module.state_dict()
        for name, value in wanted.items():
            if _matches(name, DERIVED):
                state[name] = value
        excused = [
            name for name, value in wanted.items()
            if name in state and state[name].shape != value.shape
            and _matches(name, self.new) and _matches(name, self.unused)
        ]
        for name in excused:
            del state[name]
        try:  # hooks of a model may adapt a size that differs
            missing, unused = module.load_state_dict(state, strict=False)
            other_size = []
        except RuntimeError:
            missing = [name for name in wanted if name not in state]
            unused = [name for name in state if name not in wanted]
            other_size = [
                f'{name}: {tuple(state[name].shape)} in the checkpoint, '
                f'{tuple(value.shape)} in the model'
                for name, value in wanted.items()
                if name in state and state[name].shape != value.shape
            ]
            if not other_size:
                raise
        self._refuse(
            module, {
                'of another size':
                other_size,
                'missing in the checkpoint':
                [n for n in missing if not _matches(n, self.new)],
                'not in the model':
                [n for n in unused if not _matches(n, self.unused)],
            })
        self._list('of another size, not used', excused)
        self._list('new, not in the checkpoint',
                   [n for n in missing if n not in excused])
        self._list('unused, not in the model', unused)

    def _refuse(self, module: nn.Module, differences: Dict[str,
                                                           List[str]]) -> None:
        if not any(differences.values()):
            return
        lines = [
            f'{self._place()} does not hold the weights of this '
            f'{type(module).__name__}:'
        ]
        for what, names in differences.items():
            if names:
                lines.append(f'  {len(names)} {what}:')
                lines += [f'    {name}' for name in names[:SHOWN]]
                if names[SHOWN:]:
                    lines.append('    ...')
        lines.append('Give the checkpoint of this architecture, or name what '
                     'may differ in `init_cfg.new` and `init_cfg.unused`.')
        raise MmmixError('\n'.join(lines))

    def _list(self, what: str, names: Sequence[str]) -> None:
        if names:
            self._say(f'  {what}: {", ".join(names)}')

    @staticmethod
    def _say(text: str) -> None:
        print_log(text, logger='current')


def _patterns(patterns: Sequence[str], argument: str) -> List[str]:
    if isinstance(
            patterns,
            str) or not all(isinstance(pattern, str) for pattern in patterns):
        raise MmmixError(f'init_cfg.{argument}={patterns!r} must be a list of '
                         "names, such as ['norm0.*'].")
    return list(patterns)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
