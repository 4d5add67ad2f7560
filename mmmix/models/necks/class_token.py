from typing import Tuple

from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.registry import MODELS


@MODELS.register_module()
class ClassTokenNeck(nn.Module):
    """The class token out of all tokens. It has no parameters.

    For a linear head behind a backbone that answers every token: timm's CaiT,
    or XCiT and ViT with ``out_type='raw'``. It makes MMPretrain's stock
    heads read them too.
    """

    def forward(self, features: Tuple[Tensor]) -> Tuple[Tensor]:
        """Take the first token.

        Args:
            features (tuple[Tensor]): What the backbone answered; the last
                are tokens ``(N, 1+hw, C)``.

        Returns:
            tuple[Tensor]: The class token ``(N, C)``.

        Raises:
            ValueError: If these are no tokens.
        """
        tokens = features[-1]
        if tokens.ndim != 3:
            raise MmmixError(
                'ClassTokenNeck wants tokens (N, 1+hw, C), not features of '
                f"shape {tuple(tokens.shape)}: set out_type='raw' in the "
                'backbone, or remove the neck.')
        return tokens[:, 0],
