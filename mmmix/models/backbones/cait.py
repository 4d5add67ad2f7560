from typing import Tuple

from mmpretrain.models.backbones import TIMMBackbone
from mmpretrain.models.utils import resize_pos_embed
from torch import Tensor
from torch.func import functional_call

from mmmix.errors import MmmixError
from mmmix.registry import MODELS


@MODELS.register_module()
class CaiT(TIMMBackbone):
    """timm's CaiT, for images of any size that is a multiple of its patches.

    `Going deeper with Image Transformers
    <https://arxiv.org/abs/2103.17239>`_. It has the parameters of
    ``TIMMBackbone``, but resizes the position embeddings for images of
    another size, as MMPretrain's ViT does. A guide can therefore process
    smaller images.

    It outputs one tensor ``(N, 1+hw, C)`` of normalised tokens, the class
    token first. Use it with a ``mmmix.MixVisionTransformerClsHead``, or with
    a ``mmmix.ClassTokenNeck`` and any linear head.

    The key ``timm_model.<name>`` here is ``<name>`` in timm's model, whose
    ``head`` is the linear layer of the head here (``fc`` or ``layers.head``).

    Args:
        model_name (str): Name of a CaiT in timm. Defaults to
            'cait_xxs24_224'.
        **kwargs: Passed to ``TIMMBackbone`` and timm's model, such as
            ``img_size`` and ``drop_path_rate``.

    Raises:
        MmmixError: If the model is not one of timm's CaiTs.

    >>> import torch
    >>> backbone = CaiT('cait_xxs24_224', depth=1)
    >>> backbone(torch.rand(2, 3, 64, 96))[0].shape
    torch.Size([2, 25, 192])
    """

    def __init__(self, model_name: str = 'cait_xxs24_224', **kwargs):
        super().__init__(model_name, **kwargs)
        from timm.models.cait import Cait
        if not isinstance(self.timm_model, Cait):
            raise MmmixError(
                f"model_name='{model_name}' with {kwargs} is not a CaiT: "
                "choose one of timm's, such as 'cait_xxs24_224' or "
                "'cait_xxs36_224', without `features_only`, or use a "
                'TIMMBackbone.')
        embed = self.timm_model.patch_embed
        embed.strict_img_size = False  # type: ignore[assignment]

    def forward(self, x: Tensor) -> Tuple[Tensor]:
        model, embed = self.timm_model, self.timm_model.patch_embed
        grid = embed.dynamic_feat_size(tuple(x.shape[-2:]))
        if grid == embed.grid_size:
            return super().forward(x)
        pos_embed = resize_pos_embed(
            model.pos_embed, embed.grid_size, grid, num_extra_tokens=0)
        return functional_call(model, dict(pos_embed=pos_embed), x),
