"""Maps of where a model looks, whatever they are made of."""
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmmix.analysis.cam import CAM_METHODS, check_cam, class_activation
from mmmix.errors import MmmixError
from mmmix.models import BottomUp, ClassAttention, TopDown

VIEWS = {view.__name__: view for view in (BottomUp, ClassAttention, TopDown)}
MAP_KINDS = (*VIEWS, *CAM_METHODS)


class LookingMaps:
    """Maps of one kind: attention through a view, or class activation.

    Args:
        kind (str): One of ``MAP_KINDS``: a view of
            :mod:`mmmix.models.attention` or a method of
            :func:`class_activation`.

    Attributes:
        requires_labels (bool): Whether a map depends on the label.

    Raises:
        ValueError: If the kind is unknown.
    """

    def __init__(self, kind: str):
        if kind not in MAP_KINDS:
            raise MmmixError(f'There are no maps {kind!r}: choose among '
                             f'{", ".join(MAP_KINDS)}.')
        self.kind = kind
        self._view = VIEWS[kind]() if kind in VIEWS else None
        self.requires_labels = self._view is None or self._view.requires_labels

    def check(self, model: nn.Module) -> None:
        """Raise a ValueError or ModuleNotFoundError if there are no such maps
        of a model."""
        if self._view is None:
            check_cam(model, self.kind)
        else:
            self._view.check(model)

    def __call__(self,
                 model: nn.Module,
                 inputs: Tensor,
                 labels: Optional[Tensor] = None) -> Tensor:
        """Look at images.

        Args:
            model (nn.Module): A classifier, in eval mode.
            inputs (Tensor): Normalised images ``(N, C, H, W)``.
            labels (Tensor, optional): ``(N,)`` int64, the class to look for
                in each, where the kind needs it.

        Returns:
            Tensor: ``(N, h, w)`` float32 on the model's grid, not negative.
        """
        if self._view is None:
            return class_activation(model, inputs, labels, self.kind)
        if self.requires_labels:
            labels = F.one_hot(labels, model.head.num_classes)
        with torch.no_grad():
            return self._view(model, inputs, labels)[0]
