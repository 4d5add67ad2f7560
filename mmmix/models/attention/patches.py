from typing import Sequence, Tuple

from mmmix.errors import MmmixError


def patch_grid(image_size: Sequence[int],
               patch: Sequence[int]) -> Tuple[int, int]:
    """Number of patches, down and across, that an image divides into.

    Args:
        image_size (Sequence[int]): Height and width in pixels.
        patch (Sequence[int]): Height and width in pixels of a patch, or of
            the area that one cell of the map represents.

    Raises:
        MmmixError: If the image is not a multiple of the patch.

    >>> patch_grid((224, 192), (16, 16))
    (14, 12)
    """
    if any(side % p for side, p in zip(image_size, patch)):
        raise MmmixError(
            f'Images of {image_size[0]} x {image_size[1]} pixels do not '
            f'divide into cells of {patch[0]} x {patch[1]}, one for each '
            'element of the attention map: resize or crop them to a multiple '
            'of that.')
    rows, columns = (side // p for side, p in zip(image_size, patch))
    return rows, columns
