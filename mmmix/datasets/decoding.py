"""Images from the content of their files."""
import io
from typing import Optional

import mmcv
import numpy as np
from PIL import Image, UnidentifiedImageError

JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'
TIFF = b'II*\0', b'MM\0*'
PROGRESSIVE = b'\xff\xc2'
MORE_DATA = bytes(range(1, 33))  # of a JPEG's scan, without a marker


class Undecodable(Exception):
    """Why the content of a file gives no image."""


def decode(content: bytes,
           color_type: str = 'color',
           backend: str = 'cv2') -> np.ndarray:
    """Decode an image, whatever its file is called.

    What becomes of gray, palette, 16-bit, CMYK and transparent images is in
    ``docs/datasets.md``. It is the same with both decoders: where Pillow would
    clip (more than 8 bits) or blend (gray with alpha), OpenCV decodes, and
    Pillow where OpenCV would darken (TIFF with alpha).

    The decoder decides what is corrupt, with one addition: a JPEG file whose
    end is missing is, whether it has an end marker or not. Decoders fill the
    rest with one color.

    Args:
        content (bytes): What the file holds.
        color_type (str): ``flag`` of ``mmcv.imfrombytes``.
        backend (str): ``backend`` of ``mmcv.imfrombytes``.

    Returns:
        np.ndarray: BGR ``(h, w, 3)`` or gray ``(h, w)``, uint8, unless the
        image is to be 'unchanged'.

    Raises:
        Undecodable: With the reason.
    """
    if not content:
        raise Undecodable('the file is empty')
    if color_type != 'unchanged':
        backend = _alike(content, backend)
    image, reason = None, f'{backend} cannot decode it'
    try:
        image = mmcv.imfrombytes(content, flag=color_type, backend=backend)
    except Exception as error:  # each decoder raises its own kinds
        reason = decoding_error(error)
    if _is_cut(content, image):
        image, reason = None, 'the JPEG is truncated'
    if image is None:
        raise Undecodable(reason)
    return image


def decoding_error(error: Exception) -> str:
    """What a decoder says, in one line that is the same each time.

    >>> decoding_error(OSError('broken data stream'))
    'OSError: broken data stream'
    """
    if isinstance(error, UnidentifiedImageError):  # its text has an address
        return 'pillow cannot decode it'
    return ' '.join(f'{type(error).__name__}: {error}'.split())


def _alike(content: bytes, backend: str) -> str:
    """The decoder that gives the colors that are documented: the one that was
    asked for, if it does."""
    if backend != 'pillow' and not (backend == 'cv2'
                                    and content.startswith(TIFF)):
        return backend
    try:
        mode = Image.open(io.BytesIO(content)).mode
    except Exception:  # decoding says why
        return backend
    if mode.startswith(('I', 'F', 'LA')):
        return 'cv2'
    return 'pillow' if mode == 'RGBA' else backend


def _is_cut(content: bytes, image: Optional[np.ndarray]) -> bool:
    """Whether a JPEG ends before its image does.

    Decoders do not say so. If it does, more data before the end marker change
    the image; otherwise they are ignored. Where no corner is of one color, as
    a decoder fills it, there is no need to try, except for a progressive
    JPEG, which becomes blurred instead (and is taken as whole if it ends
    between two of its scans).
    """
    if not content.startswith(JPEG_START):
        return False
    end = content.rfind(JPEG_END)
    if end < 0 or image is None:
        return end < 0
    corners = image[:8, :8], image[:8, -8:], image[-8:, :8], image[-8:, -8:]
    if PROGRESSIVE not in content and not any(map(_is_plain, corners)):
        return False
    try:
        one, other = (
            Image.open(io.BytesIO(data)).tobytes()
            for data in (content, content[:end] + MORE_DATA + content[end:]))
    except UnidentifiedImageError:
        return False
    except OSError:
        return True
    except Exception:  # a header that only Pillow minds
        return False
    return one != other


def _is_plain(image: np.ndarray) -> bool:
    """Whether all pixels are equal; NumPy takes five times as long."""
    pixels = image.tobytes()
    first = image[:1, :1].tobytes()
    return pixels == first * (len(pixels) // len(first))
