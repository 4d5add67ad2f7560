"""Class activation maps by the grad-cam library."""
from importlib.util import find_spec
from typing import Optional

import torch
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.models import find_extractor

CAM_METHODS = ('GradCAM', 'GradCAMPlusPlus', 'XGradCAM', 'HiResCAM',
               'GradCAMElementWise', 'LayerCAM', 'EigenGradCAM')


def class_activation(model: nn.Module,
                     inputs: Tensor,
                     labels: Tensor,
                     method: str = 'GradCAM') -> Tensor:
    """Where a classifier sees a class: class activation maps.

    `Grad-CAM <https://arxiv.org/abs/1610.02391>`_ (SMMix, Fig. 5b and c;
    TdAttenMix, Fig. 6) or a relative of it, by the library grad-cam. Of a
    backbone with a class token the maps are made of the tokens before its
    last attention, the class token left out, as the library recommends; of
    others (CNNs, Swin) of the map that the classifier averages, where Grad-CAM
    is the original class activation map.

    The model is left in eval mode and without gradients.

    Args:
        model (nn.Module): A classifier with a backbone that an attention
            extractor knows, and a head that returns logits.
        inputs (Tensor): Normalised images ``(N, C, H, W)``.
        labels (Tensor): ``(N,)`` int64, the class to look for in each image.
        method (str): The library's name of the method, one of ``CAM_METHODS``.
            Defaults to 'GradCAM'.

    Returns:
        Tensor: ``(N, h, w)`` float32 on the model's own grid and device, each
        map from 0, its lowest value, to 1, its highest; a map is 0 everywhere
        where nothing speaks for the class.

    Raises:
        ModuleNotFoundError: If grad-cam is not installed.
        MmmixError: If the method is unknown, a label is not one of the
            model's, or the backbone is unknown or returns neither tokens nor
            a map.
    """
    check_cam(model, method)
    import pytorch_grad_cam
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    extractor = find_extractor(model.backbone)
    size = inputs.shape[-2:]
    check_labels(model, labels)

    def to_map(tokens: Tensor) -> Tensor:
        if tokens.ndim == 4:
            return tokens
        height, width = extractor.grid(size)
        patches = tokens[:, -height * width:]
        return patches.transpose(1, 2).unflatten(2, (height, width))

    layer = extractor.activation_layer
    logits = _Logits(model, needs_map=layer is None)
    cam = getattr(pytorch_grad_cam,
                  method)(logits,
                          [logits.last_map if layer is None else layer],
                          to_map)
    # not `cam` itself, which would be a cycle that keeps the graph of a batch
    # until Python collects its garbage
    recorded = cam.activations_and_grads
    # as large as the map is, not stretched to the image: width, height
    cam.get_target_width_height = lambda images: (
        recorded.activations[0].shape[:1:-1])
    # of a frozen model, too
    inputs = inputs.detach().clone().requires_grad_()
    targets = [ClassifierOutputTarget(label) for label in labels.tolist()]
    try:
        with torch.enable_grad():
            maps = cam(inputs, targets)
    finally:
        # not by `with`, which the library lets swallow an IndexError
        recorded.release()
        model.zero_grad()
    return torch.from_numpy(maps).to(inputs.device)


def check_cam(model: nn.Module, method: str = 'GradCAM') -> None:
    """Raise what :func:`class_activation` would, before any image."""
    if find_spec('pytorch_grad_cam') is None:
        raise ModuleNotFoundError(
            'Class activation maps need the library grad-cam, which is not '
            'installed: pip install grad-cam, in the version of '
            'requirements/pins.txt, or bash tools/setup_env.sh full.')
    if method not in CAM_METHODS:
        raise MmmixError(f'There is no method {method!r} of class activation '
                         f'maps here: choose among {", ".join(CAM_METHODS)}.')
    find_extractor(model.backbone)


def check_labels(model: nn.Module, labels: Optional[Tensor]) -> None:
    """Raise a MmmixError unless there are labels, and the model has their
    classes."""
    if labels is None:
        raise MmmixError('These maps are made for a class of each image, but '
                         'no `labels` were given: give them, or choose maps '
                         'that depend on none, such as BottomUp.')
    classes = getattr(model.head, 'num_classes', None)
    strange = labels[(labels < 0) | (labels >= (classes or float('inf')))]
    if len(strange):
        raise MmmixError(f'There are no maps of the label {int(strange[0])}: '
                         f'the model has {classes} classes, counted from 0.')


class _Logits(nn.Module):
    """From images to logits, with a module that sees the last map."""

    def __init__(self, model: nn.Module, needs_map: bool):
        super().__init__()
        self.model = model
        self.needs_map = needs_map
        self.last_map = nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        *earlier, last = self.model.backbone(inputs)
        if self.needs_map and last.ndim != 4:
            raise MmmixError(
                f'The backbone {type(self.model.backbone).__name__} returns '
                f'{tuple(last.shape)}, not a map (N, C, h, w), and its '
                'attention extractor names no `activation_layer` whose tokens '
                'could be used instead.')
        features = (*earlier, self.last_map(last))
        if self.model.with_neck:
            features = self.model.neck(features)
        return self.model.head(features)
