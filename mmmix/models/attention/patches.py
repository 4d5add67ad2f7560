from typing import Sequence, Tuple

from mmmix.errors import MmmixError


def patch_grid(image_size: Sequence[int],
               patch: Sequence[int]) -> Tuple[int, int]:
    """How many patches, down and across, an image divides into.

    Args:
        image_size (Sequence[int]): Height and width in pixels.
        patch (Sequence[int]): Height and width of a patch, or of whatever one
            place of the map stands for.

    Raises:
        ValueError: If the patches do not fill the image.
    """
    if any(side % p for side, p in zip(image_size, patch)):
        raise MmmixError(
            f'Images of {image_size[0]} x {image_size[1]} pixels do not '
            f'divide into cells of {patch[0]} x {patch[1]}, the places of the '
            'attention map: resize or crop them to a multiple of that.')
    return tuple(side // p for side, p in zip(image_size, patch))
