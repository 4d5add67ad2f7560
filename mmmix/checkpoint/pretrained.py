"""Backbones that start from a classifier's checkpoint."""
import ast
import textwrap
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

from mmengine.logging import print_log
from mmengine.model.weight_init import PretrainedInit, update_init_info
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from mmmix.checkpoint.positions import resize_positions
from mmmix.errors import MmmixError
from mmmix.registry import WEIGHT_INITIALIZERS

SHOWN = 8  # of a long list in a message
# what a model computes by itself, from the size of its windows
DERIVED = ('*.relative_position_index', '*.attn_mask')


@WEIGHT_INITIALIZERS.register_module('Pretrained')
class StrictPretrained(PretrainedInit):
    """Start from a checkpoint, and say what of it did not fit.

    It takes the place of MMEngine's ``Pretrained``, which only logs what is
    missing, unused or of another size::

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
    :func:`mmmix.checkpoint.positions.resize_positions`. All else must fit,
    but for what ``new`` and ``unused`` name, and everything that is resized,
    left out, new or unused is logged by name. Of a checkpoint of
    ``EMAHook`` the weights that were validated are taken, those under
    'state_dict'.

    Args:
        checkpoint (str): A file, or an address that MMEngine reads. Weights
            may lie under 'state_dict' or 'model', or by themselves. They are
            read safely where that suffices.
        prefix (str, optional): Which part of it to take, such as
            'backbone.'; the other parts are left out. Defaults to None: all
            of it.
        map_location (str): Where to read it. Defaults to 'cpu'.
        new (Sequence[str]): What of the model may be missing in the
            checkpoint and then stays as it was drawn: names, as in a file
            search, such as 'norm0.*'. Defaults to ().
        unused (Sequence[str]): What of the checkpoint the model may lack,
            in the same form. A name in both may also be of another size.
            Defaults to ().
        img_size (int | tuple[int, int], optional): Height and width of the
            images it was trained on. Needed for positions on a grid that is
            not square, where the checkpoint holds no config of ours.
            Defaults to None.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, has nothing under the prefix, or is that
            of another architecture: it lists what differs.
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
        checkpoint = self._read()
        self._say(f'Initialize {type(module).__name__} from {self._place()}:')
        state = self._select(_weights_of(checkpoint, self.checkpoint))
        hint = _size_in_config(checkpoint, self._parts())
        resized = resize_positions(module, state, self.img_size, hint)
        for name, value in resized.items():
            self._say(f'  resized {name} from {tuple(state[name].shape)} to '
                      f'{tuple(value.shape)}')
        self._load(module, {**state, **resized})
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=self._get_init_info())

    def _read(self) -> dict:
        path = str(self.checkpoint)
        is_file = '://' not in path
        if is_file and not Path(path).expanduser().is_file():
            raise FileNotFoundError(
                f'There is no checkpoint {path}, seen from {Path.cwd()}. '
                'Pretrain it, give another with --cfg-options '
                'model.backbone.init_cfg.checkpoint=..., or start from random '
                'weights with model.backbone.init_cfg=None.')
        try:
            return CheckpointLoader.load_checkpoint(
                path, map_location=self.map_location)
        except Exception as error:  # foreign bytes raise anything
            if not is_file:
                raise
            raise MmmixError(
                f'{path} is damaged or no checkpoint '
                f'({textwrap.shorten(str(error), 200)}).') from None

    def _parts(self) -> List[str]:
        return (self.prefix or '').strip('.').split('.')

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
        try:
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


def _weights_of(checkpoint: dict, path: str) -> Dict[str, Tensor]:
    weights = checkpoint
    for key in ('state_dict', 'model'):
        if isinstance(weights, dict) and isinstance(weights.get(key), dict):
            weights = weights[key]
    if not (isinstance(weights, dict) and weights
            and all(isinstance(value, Tensor) for value in weights.values())):
        raise MmmixError(f"{path} has no weights, by themselves or under "
                         "'state_dict' or 'model'.")
    if all(name.startswith('module.') for name in weights):
        return {name[len('module.'):]: w for name, w in weights.items()}
    return dict(weights)


def _size_in_config(checkpoint: dict,
                    parts: Sequence[str]) -> Optional[Tuple[int, int]]:
    """`model.<parts>.img_size` in the config that MMEngine saves, read as a
    text: running it could do anything."""
    meta = checkpoint.get('meta')
    text = meta.get('cfg') if isinstance(meta, dict) else None
    if not isinstance(text, str):
        return None
    try:
        node = {
            statement.targets[0].id: statement.value
            for statement in ast.parse(text).body
            if isinstance(statement, ast.Assign)
        }['model']
        for part in [*filter(None, parts), 'img_size']:
            node = {item.arg: item.value for item in node.keywords}[part]
        size = ast.literal_eval(node)
        height, width = (size, size) if isinstance(size, int) else size
    except (AttributeError, KeyError, SyntaxError, TypeError, ValueError):
        # not written there: the default of the backbone, a square
        return None
    return height, width
