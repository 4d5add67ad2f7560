"""Images with masks of any objects, for classifiers."""
import os.path as osp
from typing import List

from mmengine.fileio import list_dir_or_file
from mmpretrain.datasets import BaseDataset

from mmmix.registry import DATASETS
from .listed import check_prefix

IMAGES = ('.jpg', '.jpeg', '.png')


@DATASETS.register_module()
class MaskedImages(BaseDataset):
    """Images that have a mask in a folder of label maps.

    It measures where a classifier looks, as
    :class:`mmmix.datasets.VOCSegmentation` does: a sample has ``img_path``
    and ``seg_map_path`` and no label. An image belongs to the mask of the same
    path below the two folders, without the suffix; images without a mask are
    left out.

    Args:
        data_root (str): The folder with images and masks.
        data_prefix (dict): ``img_path`` and ``seg_map_path``, the folders of
            the images and of the masks, PNG files, below it. Folders in the
            latter are searched, too.
        **kwargs: Other arguments of
            :class:`mmpretrain.datasets.BaseDataset`, such as ``pipeline``.

    Raises:
        FileNotFoundError: If there are no masks, or one has no image.
        MmmixError: If ``data_prefix`` does not name the two folders.

    Example::

        dict(
            type='mmmix.MaskedImages',
            data_root='data/coco-tiny',
            data_prefix=dict(img_path='', seg_map_path='semantic'))
    """

    def __init__(self, data_root: str, data_prefix: dict, **kwargs):
        check_prefix(data_prefix, 'img_path', 'seg_map_path')
        super().__init__(
            ann_file='',
            data_root=data_root,
            data_prefix=data_prefix,
            **kwargs)

    def load_data_list(self) -> List[dict]:
        """Find the masks, and the image of each."""
        images, masks = (
            self.data_prefix[name] for name in ('img_path', 'seg_map_path'))
        if not osp.isdir(masks):
            raise FileNotFoundError(f"There is no folder '{masks}' of masks.")
        stems = sorted(
            osp.splitext(path)[0] for path in list_dir_or_file(
                masks, list_dir=False, suffix='.png', recursive=True))
        if not stems:
            raise FileNotFoundError(f"There are no PNG files in '{masks}'.")
        return [
            dict(
                img_path=_image(osp.join(images, stem)),
                seg_map_path=osp.join(masks, f'{stem}.png')) for stem in stems
        ]


def _image(stem: str) -> str:
    for suffix in IMAGES:
        if osp.isfile(stem + suffix):
            return stem + suffix
    raise FileNotFoundError(f"There is a mask of '{stem}', but no image "
                            f'{" or ".join(IMAGES)} of this name.')
