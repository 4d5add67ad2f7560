import numpy as np
from mmpretrain.models.utils.batch_augments import Mixup as _Mixup

from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import MixedBatch

from .base import BatchMixer, check_alpha, pair, to_device


@BATCH_AUGMENTS.register_module()
class Mixup(BatchMixer, _Mixup):
    """MMPretrain's Mixup that also answers a :class:`MixedBatch`.

    `mixup: Beyond Empirical Risk Minimization
    <https://arxiv.org/abs/1710.09412>`_. One lambda for the batch, drawn from
    Beta(alpha, alpha); a random partner for each image. It has no regions, so
    no fine-grained loss.

    Args:
        alpha (float): Positive parameter of the Beta distribution.
    """

    regions = False

    def __init__(self, alpha: float):
        super().__init__(alpha=check_alpha(alpha))

    def sample(self, rng, batch_size, image_size):
        return dict(
            source=pair(rng, batch_size, 'shuffle'),
            lam=np.float32(rng.beta(self.alpha, self.alpha)))

    def mix(self, inputs, scores, params, guidance=None):
        source = to_device(params['source'], inputs)
        lam = float(params['lam'])
        weights = inputs.new_full((len(source), ), lam).float()
        return MixedBatch(
            inputs=inputs.lerp(inputs[source], lam),
            scores=scores,
            source=source,
            lam=weights,
            mask=weights.view(-1, 1, 1),
            regions=False,
            mixer='Mixup')
