from mmengine.hooks import Hook
from torch.nn.parallel import DistributedDataParallel

from mmmix.checkpoint import MIXERS, fit_weights, trained_img_size, weights_of
from mmmix.errors import MmmixError
from mmmix.private import is_resuming

REMEDIES = {
    False:
    'Give the checkpoint of this architecture, or load the part that '
    "fits with model.init_cfg=dict(type='Pretrained', _scope_='mmmix', "
    'checkpoint=..., new=[...], unused=[...]) in the place of load_from.',
    True:
    'A run is resumed with the model that it was started with. To start '
    'a new one from these weights, use load_from.'
}


class StrictLoadingHook(Hook):
    """Let a runner load all weights of a checkpoint, or stop.

    MMEngine only logs what is missing, unused or of another size. What this
    hook gives to the runner fits: see
    :func:`mmmix.checkpoint.fitting.fit_weights`. Of a run that is not resumed
    only what a mixer learned, ``mixers.*``, may be missing or left over; one
    that is resumed takes its positions as they are.

    Args:
        path (str): The checkpoint, for messages.

    Raises:
        MmmixError: If its weights do not fit, or if it holds weights alone
            where a run is resumed.
    """

    def __init__(self, path: str):
        self.path = path

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Load the weights; the runner then loads the same ones again."""
        resuming = is_resuming(runner)
        if resuming and 'message_hub' not in checkpoint:
            raise MmmixError(
                f'{self.path} holds weights, but not the state of a run, so '
                'it cannot be resumed from: start a new run from these '
                'weights with load_from.')
        model = runner.model
        if isinstance(model, DistributedDataParallel):
            model = model.module
        excused = () if resuming else MIXERS
        checkpoint['state_dict'] = fit_weights(
            model,
            weights_of(checkpoint, self.path),
            self.path,
            REMEDIES[resuming],
            new=excused,
            unused=excused,
            saved_size=trained_img_size(checkpoint),
            resize=not resuming)
