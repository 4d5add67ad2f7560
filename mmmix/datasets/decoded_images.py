"""Class folders whose images are decoded once, for long trainings on few."""
from typing import List, Optional

import numpy as np

from mmmix.errors import MmmixError
from mmmix.registry import DATASETS
from .listed import CustomDataset
from .loading import LoadImage


@DATASETS.register_module()
class DecodedImages(CustomDataset):
    """Evenly spaced images of class folders, decoded once and held in memory.

    For trainings that show few, small images hundreds of times: a pipeline
    begins with the decoded image and needs no loading step. It is RGB, as in
    MMPretrain's CIFAR, so the data preprocessor has ``to_rgb=False``. As the
    images of a class follow each other, evenly spaced
    ones have the classes in the proportions of the whole set.

    Args:
        num_images (int, optional): How many of the images to take, in
            [1, all]. Defaults to None, all.
        offset (int): How many images behind the evenly spaced ones to take
            instead, for a second part that shares no image with the first: in
            [0, all // num_images). Defaults to 0.
        **kwargs: Of :class:`CustomDataset`.

    Raises:
        MmmixError: If ``num_images`` or ``offset`` is out of range.

    Example::

        # every tenth image of CIFAR-10
        dict(type='mmmix.DecodedImages', data_root='data/cifar10-jpg',
             data_prefix='train', num_images=5000, pipeline=[...])
    """

    def __init__(self,
                 *args,
                 num_images: Optional[int] = None,
                 offset: int = 0,
                 **kwargs):
        self.num_images = num_images
        self.offset = offset
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> List[dict]:
        entries = super().load_data_list()
        if self.num_images is not None:
            entries = self._evenly_spaced(entries)
        load = LoadImage()
        for entry in entries:
            image = load(dict(img_path=entry['img_path']))['img']
            entry['img'] = np.ascontiguousarray(image[..., ::-1])  # from BGR
        return entries

    def _evenly_spaced(self, entries: List[dict]) -> List[dict]:
        total, wanted = len(entries), self.num_images
        if not 1 <= wanted <= total:
            raise MmmixError(f'`num_images` must be in [1, {total}], the '
                             f'number of images there are, not {wanted}.')
        if not 0 <= self.offset < total // wanted:
            raise MmmixError(
                f'`offset` must be in [0, {total // wanted}), the distance '
                f'of {wanted} evenly spaced images of {total}, not '
                f'{self.offset}.')
        return [
            entries[i * total // wanted + self.offset] for i in range(wanted)
        ]
