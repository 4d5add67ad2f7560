from typing import Tuple

from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.registry import MODELS


@MODELS.register_module()
class ClassTokenNeck(nn.Module):
    """Selects the class token from all tokens. It has no parameters.

    For a linear head after a backbone that outputs every token: timm's CaiT,
    or XCiT and ViT with ``out_type='raw'``. With it, MMPretrain's stock heads
    work with them too.

    >>> import torch
    >>> ClassTokenNeck()((torch.rand(2, 5, 16), ))[0].shape
    torch.Size([2, 16])
    """

    def forward(self, features: Tuple[Tensor]) -> Tuple[Tensor]:
        """Select the first token.

        Args:
            features (tuple[Tensor]): Outputs of the backbone; the last are
                tokens ``(N, 1+hw, C)``.

        Returns:
            tuple[Tensor]: The class token ``(N, C)``.

        Raises:
            MmmixError: If the last output is not of this form.
        """
        tokens = features[-1]
        if tokens.ndim != 3:
            raise MmmixError(
                'ClassTokenNeck requires tokens (N, 1+hw, C), not features of '
                f"shape {tuple(tokens.shape)}: set out_type='raw' in the "
                'backbone, or remove the neck.')
        return tokens[:, 0],
