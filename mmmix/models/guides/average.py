from typing import FrozenSet, List, Optional

from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.registry import TASK_UTILS
from mmmix.structures import Guidance
from .network import NetworkGuide


@TASK_UTILS.register_module()
class EMAGuide(NetworkGuide):
    """The moving average of the model under training guides it.

    ``mmmix.EMAGuideHook`` sets :attr:`average`: it keeps an average, or shares
    the one that MMEngine's ``EMAHook`` keeps, without a second copy. Add it
    to the config::

        custom_hooks = [dict(type='mmmix.EMAGuideHook', momentum=1e-4)]

    Without an average a model in eval mode, as in the analyses, is asked
    itself: the weights of a checkpoint stand for the average.

    Args:
        **kwargs: Of :class:`NetworkGuide`.

    Attributes:
        average (nn.Module, optional): The averaged classifier.

    >>> guide = EMAGuide(dtype='bfloat16')
    >>> guide.average is None  # until the hook sets it
    True
    """

    average: Optional[nn.Module] = None

    def network(self, model: nn.Module) -> nn.Module:
        return model if self.average is None else self.average

    def __call__(self,
                 model: nn.Module,
                 images: Tensor,
                 requires: FrozenSet[str],
                 labels: Optional[Tensor] = None,
                 samples: Optional[List[DataSample]] = None) -> Guidance:
        if self.average is None and model.training:
            raise MmmixError(
                'EMAGuide has no moving average to ask. Add its hook to '
                "`custom_hooks`: dict(type='mmmix.EMAGuideHook').")
        return super().__call__(model, images, requires, labels, samples)

    def __getstate__(self) -> dict:
        # the hook keeps the average in a checkpoint of its own
        return {k: v for k, v in vars(self).items() if k != 'average'}
