from typing import Any, Optional, Sequence

import numpy as np
from torch import Tensor, nn

from mmmix.registry import BATCH_AUGMENTS, build_as
from mmmix.structures import Guidance, MixedBatch
from .base import BatchMixer, Params


@BATCH_AUGMENTS.register_module()
class ReLabel(BatchMixer):
    r"""Labels of what the crops show, from a teacher, before any mixing.

    `Re-labeling ImageNet: from Single to Multi-Labels, from Global to
    Localized Labels <https://arxiv.org/abs/2101.05022>`_. The label of an
    image is replaced by the softmax of the teacher's scores in its crop,

    .. math::
        y = \mathrm{softmax}(\mathrm{RoIAlign}(S, \mathrm{crop}))

    and then the inner mixer mixes images and new labels. The scores are the
    guide's logits: of a :class:`~mmmix.models.LabelMapGuide` those of the
    maps in files, averaged over the crop; of a network those for the crop
    itself.

    It does not mix alone. Every augment has to be wrapped, and what is not
    mixed needs one without a mixer::

        train_cfg = dict(
            augments=[
                dict(type='mmmix.ReLabel', mixer=dict(type='mmmix.CutMix')),
                dict(type='mmmix.ReLabel'),
            ],
            probs=[0.5, 0.5],
            guide=dict(logits=dict(type='mmmix.LabelMapGuide')))

    Args:
        mixer (dict, optional): Config of the mixer. Defaults to None, no
            mixing: a batch of the kind 'unmixed'.

    Raises:
        MmmixError: If ``mixer`` is not one of mmmix.

    >>> import torch
    >>> images, labels = torch.rand(2, 3, 8, 8), torch.eye(2)
    >>> params = ReLabel().sample(np.random.default_rng(0), 2, (8, 8))
    >>> guidance = Guidance(logits=torch.tensor([[0., 9.], [0., 0.]]))
    >>> ReLabel().mix(images, labels, params, guidance).mixed_labels().round()
    tensor([[0., 1.],
            [0., 0.]])
    """

    def __init__(self, mixer: Optional[dict] = None):
        self.mixer: Optional[BatchMixer] = None
        self.kind = 'unmixed'
        self.requires = frozenset({'logits'})
        if mixer is not None:
            self.mixer = build_as(BatchMixer, BATCH_AUGMENTS, mixer, 'mixer')
            self.kind = self.mixer.kind
            self.smallest_batch = self.mixer.smallest_batch
            self.in_place = self.mixer.in_place
            self.modules = self.mixer.modules
            self.requires |= self.mixer.requires

    def check(self, model: nn.Module) -> None:
        if self.mixer is not None:
            self.mixer.check(model)

    def prepare(self, model: nn.Module) -> None:
        if self.mixer is not None:
            self.mixer.prepare(model)
            self.module = self.mixer.module

    def sample_for(self, model: nn.Module, rng: np.random.Generator,
                   inputs: Tensor) -> Params:
        if self.mixer is None:
            return super().sample_for(model, rng, inputs)
        return self.mixer.sample_for(model, rng, inputs)

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int], *args: Any, **kwargs: Any) -> Params:
        """Draw all random numbers of the mixer, whose own ``sample`` may take
        more than that of others, such as the grids of :class:`AtSite`."""
        if self.mixer is None:
            return dict(source=np.arange(batch_size))
        return self.mixer.sample(rng, batch_size, image_size, *args, **kwargs)

    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        labels = self.required(guidance, 'logits').softmax(1)
        if self.mixer is None:
            return MixedBatch.unmixed(inputs, labels)
        return self.mixer.mix(inputs, labels, params, guidance)
