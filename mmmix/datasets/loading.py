"""Transforms that load what a sample names."""
import io
import logging
from pathlib import Path
from typing import Optional, Sequence, Tuple, Union

import mmcv
import mmengine.fileio as fileio
import numpy as np
import torch
from mmcv.transforms import BaseTransform, LoadImageFromFile
from mmengine.logging import print_log
from PIL import Image, UnidentifiedImageError

from mmmix.errors import MmmixError, check_name
from mmmix.registry import TRANSFORMS
from .fixations import read_cub_gha, read_fixations, read_image_ids
from .gaze import SIGMA

MAX_WORKERS = 256
JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'
PROGRESSIVE = b'\xff\xc2'
MORE_DATA = bytes(range(1, 33))  # of a JPEG's scan, without a marker
GAZE_READERS = {'cub-gha': read_cub_gha, 'table': read_fixations}


@TRANSFORMS.register_module()
class LoadImage(LoadImageFromFile):
    """mmcv's ``LoadImageFromFile``, but a file that cannot be decoded is
    named in an error, or skipped on request.

    A skipped file returns None, for which the data set takes another sample
    at random. That is meant for training: a data set with ``test_mode=True``
    stops. Each skipped file is logged by name, on every rank, with the number
    of files skipped so far. A file that does not exist is never skipped.

    The decoder decides what is corrupt, with one addition: a JPEG file whose
    end is missing is, whether it has an end marker or not. Decoders fill the
    rest with one color.

    If the sample has the ``height`` and ``width`` for which its boxes are, as
    mmdet's data sets give them, the image must be of this size; an EXIF
    orientation may have turned it.

    Args:
        skip_corrupt (bool): Whether to skip files that cannot be decoded.
            Defaults to False.
        **kwargs: ``to_float32``, ``color_type``, ``imdecode_backend`` and
            ``backend_args`` of ``LoadImageFromFile``.

    Raises:
        FileNotFoundError: If the file does not exist.
        MmmixError: If the file cannot be decoded and ``skip_corrupt`` is
            False, or the image is of another size than its boxes are for.

    Example::

        dict(type='mmmix.LoadImage', skip_corrupt=True)
    """

    def __init__(self, skip_corrupt: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.skip_corrupt = skip_corrupt
        # in memory shared by the workers of a data loader, one counter for
        # each, so that none overwrites another's
        self._skipped = torch.zeros(
            MAX_WORKERS, dtype=torch.int64).share_memory_()

    @property
    def num_skipped(self) -> int:
        """How many files all workers of this process have skipped."""
        return int(self._skipped.sum())

    def transform(self, results: dict) -> Optional[dict]:
        """Load ``results['img_path']``; the keys are the parent's.

        An image without a path is loaded already: MMPretrain's inferencers do
        so, and only leave out a step that is named LoadImageFromFile.

        Returns:
            dict, optional: None if the file was skipped.
        """
        if 'img' in results and 'img_path' not in results:
            return results
        path = results['img_path']
        content = fileio.get(path, backend_args=self.backend_args)
        try:
            img = mmcv.imfrombytes(
                content, flag=self.color_type, backend=self.imdecode_backend)
            reason = f'{self.imdecode_backend} cannot decode it'
        except Exception as error:  # each decoder raises its own kinds
            img, reason = None, f'{type(error).__name__}: {error}'
        if _is_cut(content, img):
            img, reason = None, 'the JPEG is truncated'
        if img is None:
            return self._corrupt(path, reason)
        check_size(path, img.shape[:2],
                   (results.get('height'), results.get('width')), 'boxes')
        if self.to_float32:
            img = img.astype(np.float32)
        results['img'] = img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results

    def _corrupt(self, path: str, reason: str) -> None:
        if not self.skip_corrupt:
            raise MmmixError(
                f"'{path}' is not a readable image ({reason}). Replace it, or "
                'skip such files in training with `skip_corrupt=True`.')
        worker = torch.utils.data.get_worker_info()
        self._skipped[worker.id % MAX_WORKERS if worker else 0] += 1
        # On ranks other than 0 MMEngine logs nothing below ERROR.
        print_log(
            f"Skipped the corrupt image '{path}' ({reason}); "
            f'{self.num_skipped} skipped so far.',
            logger='current',
            level=logging.ERROR)

    def __repr__(self) -> str:
        return f'{super().__repr__()[:-1]}, skip_corrupt={self.skip_corrupt})'


def check_size(path: str, loaded: Tuple[int, int], said: tuple,
               what: str) -> None:
    """Check that an image has the size that its annotations are for.

    Args:
        path (str): The image, for the message.
        loaded (tuple[int, int]): Its height and width as loaded.
        said (tuple): Those of the annotations; None where they do not say.
        what (str): The annotations, for the message.

    Raises:
        MmmixError: If they differ.
    """
    if None not in said and tuple(loaded) != tuple(said):
        raise MmmixError(
            f"'{path}' is {loaded[0]} x {loaded[1]} pixels (height x width) "
            f'as loaded, but its {what} are for {said[0]} x {said[1]}. If its '
            'EXIF orientation turns it, load all images with '
            "color_type='color_ignore_orientation', or save it turned.")


def _is_cut(content: bytes, img: Optional[np.ndarray]) -> bool:
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
    if end < 0 or img is None:
        return end < 0
    corners = img[:8, :8], img[:8, -8:], img[-8:, :8], img[-8:, -8:]
    if PROGRESSIVE not in content and not any(
        (corner == corner[0, 0]).all() for corner in corners):
        return False
    try:
        one, other = (
            Image.open(io.BytesIO(data)).tobytes()
            for data in (content, content[:end] + MORE_DATA + content[end:]))
    except UnidentifiedImageError:
        return False
    except OSError:
        return True
    return one != other


@TRANSFORMS.register_module()
class LoadGaze(BaseTransform):
    """Add a map of where people looked at the image.

    It comes right after the image is loaded. The map is stored as
    ``gt_seg_map``, which mmcv's ``Resize``, ``RandomFlip`` and ``CenterCrop``
    transform together with the image (MMPretrain's ``ResizeEdge`` does not),
    and reaches a metric through
    ``PackInputs(algorithm_keys=('gt_seg_map', ))``: see
    ``tools/analysis/inconsistency.py --truth maps``. An image without
    fixations gets a map of zeros.

    **Required Keys:** ``img``, ``img_path``

    **Added Keys:** ``gt_seg_map``, float32 ``(h, w)`` with sum 1

    Args:
        files (str | Sequence[str]): Fixation files, which are pooled.
        images_file (str, optional): CUB's ``images.txt``, which has the id of
            each image. Required for 'cub-gha'; a table without it names
            images by their file name.
        kind (str): 'cub-gha' or 'table', see :func:`read_cub_gha` and
            :func:`read_fixations`. Defaults to 'cub-gha'.
        sigma (float): See :meth:`Gaze.map`. Defaults to 0.07.
        weight (str): See :meth:`Gaze.map`. Defaults to 'duration'.

    Raises:
        FileNotFoundError: If a file does not exist.
        MmmixError: If ``kind`` is unknown, ``images_file`` is missing or
            cannot be read, or an image is not in it.

    Example::

        dict(type='mmmix.LoadGaze', files='data/gaze.csv', kind='table')
    """

    def __init__(self,
                 files: Union[str, Sequence[str]],
                 images_file: Optional[str] = None,
                 kind: str = 'cub-gha',
                 sigma: float = SIGMA,
                 weight: str = 'duration'):
        check_name('kind', kind, GAZE_READERS)
        if kind == 'cub-gha' and images_file is None:
            raise MmmixError("LoadGaze of kind 'cub-gha' requires "
                             '`images_file`, the images.txt of CUB_200_2011.')
        files = [files] if isinstance(files, str) else files
        self.gaze = GAZE_READERS[kind](*files)
        self.ids = images_file and read_image_ids(images_file)
        self.sigma = sigma
        self.weight = weight

    def transform(self, results: dict) -> dict:
        """Add the map."""
        name = Path(results['img_path']).name
        if self.ids and name not in self.ids:
            raise MmmixError(f"{results['img_path']} is not an image of the "
                             'list `images_file` that LoadGaze was given.')
        image = self.ids[name] if self.ids else name
        results['gt_seg_map'] = self.gaze.map(image, results['img'].shape[:2],
                                              self.sigma, self.weight)
        return results

    def __repr__(self) -> str:
        return (f'{type(self).__name__}({self.gaze.summary()}, '
                f'sigma={self.sigma}, weight={self.weight!r})')
