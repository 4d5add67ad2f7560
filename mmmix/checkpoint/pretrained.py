"""An initializer that loads the weights of a classifier strictly."""
import textwrap
from collections import Counter
from typing import Dict, Optional, Sequence, Tuple, Union

from mmengine.model.weight_init import PretrainedInit
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from mmmix.checkpoint.files import check_checkpoint
from mmmix.checkpoint.fitting import MIXERS, fit_weights, log_names, say
from mmmix.checkpoint.loading import trained_img_size, weights_of
from mmmix.errors import MmmixError
from mmmix.private import record_initialization
from mmmix.registry import WEIGHT_INITIALIZERS

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
    fit, except what ``new`` and ``unused`` name, and what a mixer learned
    (``mixers.*``), which may be new or unused. Whatever is resized, left out,
    new or unused is logged by name. From a checkpoint of ``EMAHook`` the
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
            not square where no config is saved beside them. Defaults to None.

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
        self.new, self.unused = [*new], [*unused]
        self.img_size = (img_size, img_size) if isinstance(
            img_size, int) else img_size and tuple(img_size)

    def __call__(self, module: nn.Module) -> None:
        checkpoint = CheckpointLoader.load_checkpoint(
            check_checkpoint(self.checkpoint, remedy=REMEDY),
            self.map_location)
        say(f'Initialize {type(module).__name__} from {self._place()}:')
        fit_weights(
            module,
            self._select(weights_of(checkpoint, self.checkpoint)),
            self._place(),
            'Give the checkpoint of this architecture, or name what may '
            'differ in `init_cfg.new` and `init_cfg.unused`.',
            new=[*self.new, *MIXERS],
            unused=[*self.unused, *MIXERS],
            img_size=self.img_size,
            saved_size=trained_img_size(checkpoint))
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
        log_names('left out',
                  [name for name in weights if not name.startswith(prefix)])
        return state
