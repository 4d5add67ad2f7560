"""Maps of where a model looks: attention or class activation, by name."""
from typing import Optional, Sequence

import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from mmmix.analysis.cam import CAM_METHODS, check_cam, class_activation
from mmmix.errors import MmmixError
from mmmix.models import BottomUp, ClassAttention, TopDown

ATTENTION_MAPS = {m.__name__: m for m in (BottomUp, ClassAttention, TopDown)}
MAP_KINDS = (*ATTENTION_MAPS, *CAM_METHODS)


class ModelMap:
    """Maps of one kind, of any classifier and any images.

    Args:
        kind (str): One of ``MAP_KINDS``: an attention map of
            :mod:`mmmix.models.attention` (SMMix, Eq. 6: BottomUp; MixPro,
            Eq. 4: ClassAttention; TdAttenMix, Eq. 3-5: TopDown) or a method
            of :func:`~mmmix.analysis.cam.class_activation`.

    Attributes:
        requires_labels (bool): Whether a map depends on the label.

    Raises:
        MmmixError: If the kind is unknown.

    Example:
        >>> ModelMap('TopDown').requires_labels
        True
    """

    def __init__(self, kind: str):
        if kind not in MAP_KINDS:
            raise MmmixError(f'There are no maps {kind!r}: choose among '
                             f'{", ".join(MAP_KINDS)}.')
        self.kind = kind
        self._attention = ATTENTION_MAPS.get(kind, lambda: None)()
        self.requires_labels = (
            self._attention is None or self._attention.requires_labels)

    def check(self, model: nn.Module) -> None:
        """Raise a MmmixError or ModuleNotFoundError if a model has no such
        maps."""
        if self._attention is None:
            check_cam(model, self.kind)
        else:
            self._attention.check(model)

    def __call__(self,
                 model: nn.Module,
                 inputs: Tensor,
                 labels: Optional[Tensor] = None) -> Tensor:
        """Make the maps of a batch.

        Args:
            model (nn.Module): A classifier, in eval mode.
            inputs (Tensor): Normalised images ``(N, C, H, W)``.
            labels (Tensor, optional): ``(N,)`` int64, the class to look for
                in each image, where the kind requires it.

        Returns:
            Tensor: ``(N, h, w)`` float32 on the model's own grid, not
            negative; of several heads the mean.
        """
        if self._attention is None:
            return class_activation(model, inputs, labels, self.kind)
        if self.requires_labels:
            labels = F.one_hot(
                labels.to(inputs.device), model.head.num_classes)
        with torch.no_grad():
            return self._attention(model, inputs, labels)[0]

    def of_samples(self, model: nn.Module, inputs: Tensor,
                   samples: Sequence[BaseDataElement]) -> Tensor:
        """Make the maps of a batch, for the true labels where the kind
        requires them.

        Args:
            model, inputs: See :meth:`__call__`.
            samples (Sequence[BaseDataElement]): The N data samples.

        Raises:
            MmmixError: If labels are required and a sample has none.
        """
        if not self.requires_labels:
            return self(model, inputs)
        if not all('gt_label' in sample for sample in samples):
            raise MmmixError(
                f'{self.kind} looks for the label of an image, but this data '
                'set has none: choose other maps, such as BottomUp.')
        return self(model, inputs,
                    torch.cat([sample.gt_label for sample in samples]))
