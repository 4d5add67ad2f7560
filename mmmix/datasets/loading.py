import logging
from typing import Optional

import mmcv
import mmengine.fileio as fileio
import numpy as np
import torch
from mmcv.transforms import LoadImageFromFile
from mmengine.logging import print_log

from mmmix.errors import MmmixError
from mmmix.registry import TRANSFORMS

MAX_WORKERS = 256
JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'


@TRANSFORMS.register_module()
class LoadImage(LoadImageFromFile):
    """mmcv's ``LoadImageFromFile``, but a file that cannot be decoded is
    named, or skipped on request.

    Skipping returns None, for which the data set fetches another sample at
    random: wanted in training pipelines only, a data set with
    ``test_mode=True`` stops. Each file skipped is logged by name, on every
    rank, with the number so far. Files that cannot be read at all are never
    skipped.

    What counts as corrupt is up to the decoder, with one addition: a JPEG
    without an end is, though some versions of OpenCV decode what is there.

    Args:
        skip_corrupt (bool): Whether to skip files that cannot be decoded.
            Defaults to False.
        **kwargs: ``to_float32``, ``color_type``, ``imdecode_backend`` and
            ``backend_args`` of ``LoadImageFromFile``.

    Raises:
        ValueError: If a file cannot be decoded and is not to be skipped.
    """

    def __init__(self, skip_corrupt: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.skip_corrupt = skip_corrupt
        # In memory that the workers of a data loader share; a number for
        # each worker, so that none overwrites another's.
        self._skipped = torch.zeros(
            MAX_WORKERS, dtype=torch.int64).share_memory_()

    @property
    def num_skipped(self) -> int:
        """How often all workers of this process have skipped a file."""
        return int(self._skipped.sum())

    def transform(self, results: dict) -> Optional[dict]:
        """Load ``results['img_path']``; the keys are the parent's.

        Returns:
            dict, optional: None if the file was skipped.
        """
        path = results['img_path']
        content = fileio.get(path, backend_args=self.backend_args)
        try:
            img = mmcv.imfrombytes(
                content, flag=self.color_type, backend=self.imdecode_backend)
            reason = f'{self.imdecode_backend} cannot decode it'
        except Exception as error:  # each decoder has exceptions of its own
            img, reason = None, f'{type(error).__name__}: {error}'
        if content.startswith(JPEG_START) and content.rfind(JPEG_END) < 0:
            img, reason = None, 'the JPEG is cut off'
        if img is None:
            return self._corrupt(path, reason)
        if self.to_float32:
            img = img.astype(np.float32)
        results['img'] = img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results

    def _corrupt(self, path: str, reason: str) -> None:
        if not self.skip_corrupt:
            raise MmmixError(
                f"'{path}' is not a readable image ({reason}). Replace it, or "
                'leave such files out of training with `skip_corrupt=True`.')
        worker = torch.utils.data.get_worker_info()
        self._skipped[worker.id % MAX_WORKERS if worker else 0] += 1
        # Of ranks other than 0 MMEngine shows nothing below ERROR.
        print_log(
            f"Skipped the corrupt image '{path}' ({reason}); "
            f'{self.num_skipped} skipped so far.',
            logger='current',
            level=logging.ERROR)

    def __repr__(self) -> str:
        return f'{super().__repr__()[:-1]}, skip_corrupt={self.skip_corrupt})'
