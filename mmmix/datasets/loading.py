"""Transforms that load what a sample names."""
from pathlib import Path
from typing import Callable, Optional, Sequence, Tuple, Union

import numpy as np
from mmcv.transforms import BaseTransform, LoadAnnotations, LoadImageFromFile

from mmmix.errors import MmmixError, check_name
from mmmix.registry import TRANSFORMS
from .bad_files import BadFiles, missing_file, read_file
from .decoding import Undecodable, decode, decoding_error
from .fixations import read_cub_gha, read_fixations, read_image_ids
from .gaze import SIGMA

BACKENDS = ('cv2', 'pillow', 'turbojpeg', 'tifffile', None)
COLOR_TYPES = ('color', 'grayscale', 'unchanged', 'color_ignore_orientation',
               'grayscale_ignore_orientation')
GAZE_READERS = {'cub-gha': read_cub_gha, 'table': read_fixations}


@TRANSFORMS.register_module()
class LoadImage(LoadImageFromFile):
    """mmcv's ``LoadImageFromFile``, but a file that cannot be decoded is
    named in an error, or skipped on request.

    A skipped file returns None, for which the data set takes another sample
    at random. That is meant for training: a data set with ``test_mode=True``
    stops. Each skipped file is logged by name, on every rank;
    :class:`mmmix.engine.hooks.LoadingHook` lists all of them at the end. A
    file that does not exist or cannot be read is never skipped.

    See :func:`~mmmix.datasets.decoding.decode` for what counts as corrupt, and
    for colors.

    If the sample has the ``height`` and ``width`` for which its boxes are, as
    mmdet's data sets give them, the image must be of this size; an EXIF
    orientation may have turned it.

    Args:
        on_error (str): What to do with a file that cannot be decoded: 'raise'
            an error or 'skip' it. Defaults to 'raise'.
        **kwargs: ``to_float32``, ``color_type``, ``imdecode_backend`` and
            ``backend_args`` of ``LoadImageFromFile``.

    Raises:
        FileNotFoundError: If the file does not exist.
        MmmixError: If an argument is another word, or the file cannot be
            read, cannot be decoded and ``on_error`` is 'raise', or the image
            is of another size than its boxes are for.

    Example::

        dict(type='mmmix.LoadImage', on_error='skip')
    """

    def __init__(self, on_error: str = 'raise', **kwargs):
        super().__init__(**kwargs)
        check_name('color_type', self.color_type, COLOR_TYPES)
        check_name('imdecode_backend', self.imdecode_backend, BACKENDS)
        self.bad_files = BadFiles(on_error)

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
        content = read_file(path, self.backend_args)
        try:
            img = decode(content, self.color_type, self.imdecode_backend)
        except Undecodable as error:
            self.bad_files.bad(path, str(error))
            return None
        self.bad_files.good()
        check_size(path, img.shape[:2],
                   (results.get('height'), results.get('width')), 'boxes')
        if self.to_float32:
            img = img.astype(np.float32)
        results['img'] = img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results

    def __repr__(self) -> str:
        return (f'{super().__repr__()[:-1]}, '
                f'on_error={self.bad_files.on_error!r})')


@TRANSFORMS.register_module()
class LoadMask(LoadAnnotations):
    """mmcv's ``LoadAnnotations`` for label maps alone, but a file that cannot
    be decoded, has colors instead of labels, or is of another size than the
    image, is named in an error.

    **Required Keys:** ``seg_map_path``

    **Added Keys:** ``gt_seg_map``

    Args:
        imdecode_backend (str): The decoder. Defaults to 'pillow'; OpenCV would
            read the colors of a palette instead of the labels.
        on_error (str): What to do with a label map that cannot be decoded:
            see :class:`LoadImage`. Defaults to 'raise'.
        **kwargs: ``backend_args`` of ``LoadAnnotations``.

    Raises:
        FileNotFoundError: If the file does not exist.
        MmmixError: If it cannot be decoded, or has several channels or
            another size.

    Example::

        dict(type='mmmix.LoadMask')
    """

    def __init__(self,
                 imdecode_backend: str = 'pillow',
                 on_error: str = 'raise',
                 **kwargs):
        super().__init__(
            with_bbox=False,
            with_label=False,
            with_seg=True,
            imdecode_backend=imdecode_backend,
            **kwargs)
        self.bad_files = BadFiles(on_error, 'label map')

    def transform(self, results: dict) -> Optional[dict]:
        """Load the label map."""
        load = super().transform
        return load_label_map(results, load, self.bad_files)


def load_label_map(results: dict, load: Callable,
                   bad_files: BadFiles) -> Optional[dict]:
    """Load a label map, and name the file if it is missing, cannot be
    decoded, has colors instead of labels, or is of another size than the
    image.

    Args:
        results (dict): The sample, with ``seg_map_path``.
        load (Callable): Adds ``gt_seg_map`` to the sample.
        bad_files (BadFiles): What is done if it cannot be decoded.

    Returns:
        dict, optional: None if the file was skipped.

    Raises:
        FileNotFoundError, MmmixError: In these cases.
    """
    path = results['seg_map_path']
    try:
        results = load(results)
    except FileNotFoundError:
        raise missing_file(path) from None
    except Exception as error:  # each decoder raises its own kinds
        bad_files.bad(path, decoding_error(error))
        return None
    bad_files.good()
    shape = results['gt_seg_map'].shape
    if len(shape) > 2:
        raise MmmixError(
            f'{path!r} is no label map: it has {shape[2]} channels, where one '
            'is wanted, with the number of the class at each pixel. Save '
            'numbers instead of colors, or colors as the palette of an image '
            "of numbers, read by imdecode_backend='pillow'.")
    if 'ori_shape' in results:
        check_size(results['img_path'], results['ori_shape'][:2], shape,
                   'labels')
    return results


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
            f"{path!r} is {loaded[0]} x {loaded[1]} pixels (height x width) "
            f'as loaded, but its {what} are for {said[0]} x {said[1]}. If its '
            'EXIF orientation turns it, load all images with '
            "color_type='color_ignore_orientation', or save it turned.")


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
