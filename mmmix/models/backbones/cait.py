from typing import Tuple

from mmpretrain.models.backbones import TIMMBackbone
from mmpretrain.models.utils import resize_pos_embed
from torch import Tensor
from torch.func import functional_call

from mmmix.errors import MmmixError
from mmmix.registry import MODELS


@MODELS.register_module()
class CaiT(TIMMBackbone):
    """timm's CaiT, for images of any size that its patches fill.

    `Going deeper with Image Transformers
    <https://arxiv.org/abs/2103.17239>`_. It is ``TIMMBackbone`` with the same
    parameters, whose position embeddings are resized where an image is not of
    the size they are for, as MMPretrain's ViT does. So a guide can be shown
    smaller images.

    It answers one tensor ``(N, 1+hw, C)``, class token first, normed. Behind
    it belongs a ``mmmix.MixVisionTransformerClsHead``, or a
    ``mmmix.ClassTokenNeck`` and any linear head.

    The key ``timm_model.<name>`` here is ``<name>`` in timm's model, whose
    ``head`` is the head's linear layer (``fc``, or ``layers.head``).

    Args:
        model_name (str): A CaiT of timm. Defaults to 'cait_xxs24_224'.
        **kwargs: Of ``TIMMBackbone`` and of timm's model, such as
            ``img_size`` and ``drop_path_rate``.

    Raises:
        ValueError: If the model is none of timm's CaiTs.
    """

    def __init__(self, model_name: str = 'cait_xxs24_224', **kwargs):
        super().__init__(model_name, **kwargs)
        from timm.models.cait import Cait
        if not isinstance(self.timm_model, Cait):
            raise MmmixError(
                f"model_name='{model_name}' with {kwargs} is no CaiT: choose "
                "one of timm's, such as 'cait_xxs24_224' or 'cait_xxs36_224', "
                'without `features_only`, or take a TIMMBackbone.')
        self.timm_model.patch_embed.strict_img_size = False

    def forward(self, x: Tensor) -> Tuple[Tensor]:
        model, embed = self.timm_model, self.timm_model.patch_embed
        grid = embed.dynamic_feat_size(tuple(x.shape[-2:]))
        if grid == embed.grid_size:
            return super().forward(x)
        pos_embed = resize_pos_embed(
            model.pos_embed, embed.grid_size, grid, num_extra_tokens=0)
        return functional_call(model, dict(pos_embed=pos_embed), x),
