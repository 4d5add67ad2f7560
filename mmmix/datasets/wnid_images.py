"""Images whose class is named by a wnid: ImageNet's relatives."""
import logging
import os.path as osp
from typing import List, Optional, Sequence, Tuple, Union

from mmengine.fileio import list_from_file
from mmengine.logging import print_log
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES
from mmpretrain.datasets.custom import find_folders

from mmmix.errors import MmmixError
from mmmix.registry import DATASETS

from .imagenet_wnids import IMAGENET_WNIDS
from .layout import check_layout
from .stock import CustomDataset

OUTSIDE = -1  # the label of an image that has none of the head's classes


@DATASETS.register_module()
class WnidImages(CustomDataset):
    """Images by wnid, with the labels that a given classifier gives them.

    A label is the place of the wnid among ``wnids``, the meaning of the
    classifier's outputs, and not the place of the folder, as in
    :class:`mmpretrain.datasets.CustomDataset`: so a set of a part of the
    classes fits the whole head. Which part it is says
    ``metainfo['subset']``: the labels of the classes that have images, sorted.
    The metrics of :mod:`mmmix.evaluation` restrict the scores to it.

    Args:
        data_root (str): The folder of the folders, or of the list.
        data_prefix (str): Where the images lie below it. Defaults to ''.
        ann_file (str): A text file of lines `path wnid`; what follows in a
            line is not looked at, so Tiny-ImageNet's ``val_annotations.txt``
            can be read. By default there is none: a folder for each wnid.
        wnids (str | Sequence[str]): The classes of the head, in its order, or
            'imagenet', the 1000 of ImageNet-1k. Defaults to 'imagenet'.
        keep (str): 'all' refuses images of classes that the head does not
            have; 'known' leaves them out; 'unknown' takes these alone, with
            the label -1 and all of the head as subset: images out of the
            distribution. Defaults to 'all'.
        classes_of (str, optional): A folder; only classes that have a folder
            there, too, are taken: the validation images of ImageNet-O's
            classes, say.
        allow_partial (bool): Whether a data set whose size is known may have
            another one; the numbers are logged. Defaults to False.
        **kwargs: Other arguments of
            :class:`mmpretrain.datasets.CustomDataset`, such as ``pipeline``.

    Raises:
        FileNotFoundError: If the folder or the list is missing.
        ValueError: If there are no images, or not as many as there should be,
            if a class is not one of the head's, or a line cannot be read.
    """

    LAYOUT = """\
data_root
└── data_prefix
    ├── n01440764
    │   └── *.jpg
    └── ...
or, with `ann_file`, any folders and a text file of lines `path wnid`."""
    NAME = 'a set of images'
    NUM_IMAGES: Optional[int] = None
    NUM_CLASSES: Optional[int] = None
    OUTSIDE_CLASSES = False  # whether folders name what images are not

    def __init__(self,
                 data_root: str = '',
                 data_prefix: str = '',
                 ann_file: str = '',
                 wnids: Union[str, Sequence[str]] = 'imagenet',
                 keep: str = 'all',
                 classes_of: Optional[str] = None,
                 allow_partial: bool = False,
                 **kwargs):
        if keep not in ('all', 'known', 'unknown'):
            raise MmmixError("keep must be 'all', 'known' or 'unknown', but "
                             f'got {keep!r}.')
        if isinstance(wnids, str) and wnids != 'imagenet':
            raise MmmixError("wnids must be 'imagenet' or a list of the "
                             f"head's wnids, but got {wnids!r}.")
        imagenet = isinstance(wnids, str)
        self.wnids = IMAGENET_WNIDS if imagenet else tuple(wnids)
        if len(set(self.wnids)) != len(self.wnids):
            raise MmmixError(f'The {len(self.wnids)} wnids of the head are '
                             f'only {len(set(self.wnids))} different ones.')
        self.names = IMAGENET_CATEGORIES if imagenet else self.wnids
        self.keep = keep
        self.classes_of = classes_of
        self.allow_partial = allow_partial
        self.num_left_out = 0
        super().__init__(
            data_root=data_root,
            data_prefix=data_prefix,
            ann_file=ann_file,
            **kwargs)

    def load_data_list(self) -> List[dict]:
        """Find the images, and name their classes as the head does."""
        check_layout(self.required(), self.LAYOUT)
        images = self._listed() if self.ann_file else self._in_folders()
        self._check_number(images)
        images = self._choose(images)
        index = {wnid: i for i, wnid in enumerate(self.wnids)}
        present = sorted({index[w] for _, w in images if w in index})
        outside = self.OUTSIDE_CLASSES or self.keep == 'unknown'
        self._metainfo.update(
            classes=tuple(self.names),
            wnids=self.wnids,
            subset=tuple(present or range(len(self.wnids))))
        return [
            dict(
                img_path=osp.join(self.img_prefix, path),
                gt_label=OUTSIDE if outside else index[wnid])
            for path, wnid in images
        ]

    def _in_folders(self) -> List[Tuple[str, str]]:
        """Paths and wnids, found by the stock class."""
        self._metainfo.pop('classes', None)
        try:
            samples = self._find_samples()
        except RuntimeError:
            raise self._empty() from None
        folders = sorted(self.folder_to_idx)
        return [(path, folders[i]) for path, i in samples]

    def _listed(self) -> List[Tuple[str, str]]:
        """Paths and wnids of the list."""
        images = []
        for number, line in enumerate(list_from_file(self.ann_file), 1):
            row = line.split()
            if not row:
                continue
            if len(row) < 2:
                raise MmmixError(
                    f"'{self.ann_file}', line {number}: expected a path and "
                    f"a wnid, but got '{line}'.")
            images.append((row[0], row[1]))
        if not images:
            raise self._empty()
        return images

    def _empty(self) -> ValueError:
        expected = f' {self.NAME} has {self.NUM_IMAGES:,}.' \
            if self.NUM_IMAGES else ''
        return ValueError(
            f"'{self.ann_file or self.img_prefix}' has 0 images.{expected} "
            f'Expected:\n{self.LAYOUT}')

    def _check_number(self, images: List[Tuple[str, str]]) -> None:
        """Look whether the data set is whole, if it is known how many images
        and classes that are."""
        if self.NUM_IMAGES is None:
            return
        found = len(images), len({wnid for _, wnid in images})
        if found == (self.NUM_IMAGES, self.NUM_CLASSES):
            return
        message = (f"'{self.img_prefix}' has {found[0]:,} images of {found[1]}"
                   f' classes, but {self.NAME} has {self.NUM_IMAGES:,} of '
                   f'{self.NUM_CLASSES}')
        if not self.allow_partial:
            raise MmmixError(f'{message}. Complete it, or measure what is '
                             'there with `allow_partial=True`.')
        print_log(f'{message}.', logger='current', level=logging.WARNING)

    def _choose(self, images: List[Tuple[str, str]]) -> List[Tuple[str, str]]:
        """The images of the classes that are wanted."""
        if self.classes_of is not None:
            check_layout([self.classes_of], self.LAYOUT)
            wanted = set(find_folders(self.classes_of)[0])
            images = [image for image in images if image[1] in wanted]
        found = {wnid for _, wnid in images}
        unknown = sorted(found.difference(self.wnids))
        where = self.ann_file or self.img_prefix
        if unknown and self.keep == 'all':
            shown = ', '.join(unknown[:5]) + (', ...' if unknown[5:] else '')
            raise MmmixError(
                f"{len(unknown)} of the {len(found)} classes of '{where}' are "
                f'none of the {len(self.wnids)} classes of the head: {shown}. '
                "Leave their images out with `keep='known'`, or give the "
                "head's `wnids`.")
        wanted = set(unknown) if self.keep == 'unknown' else set(self.wnids)
        kept = [image for image in images if image[1] in wanted]
        self.num_left_out = len(images) - len(kept)
        if not kept:
            raise MmmixError(
                f"None of the {len(images):,} images of '{where}' have "
                'classes that are wanted: of its '
                f'{len(found)} classes {len(unknown)} are none of the '
                f"head's {len(self.wnids)}, and keep={self.keep!r}.")
        return kept


@DATASETS.register_module()
class ImageNetA(WnidImages):
    """ImageNet-A: 7,500 photographs of 200 classes of ImageNet-1k that a
    ResNet-50 gets wrong.

    Hendrycks et al., Natural Adversarial Examples, CVPR 2021. See
    :class:`WnidImages` for arguments and errors.
    """

    NAME, NUM_IMAGES, NUM_CLASSES = 'ImageNet-A', 7500, 200
    LAYOUT = """\
data_root
├── n01498041
│   └── *.jpg
└── ...
which is the unpacked imagenet-a.tar."""


@DATASETS.register_module()
class ImageNetO(WnidImages):
    """ImageNet-O: 2,000 photographs of classes that ImageNet-1k does not
    have, out of the distribution.

    A folder is named by the class of ImageNet-1k that its images are taken
    for. The authors compare with the validation images of these 200 classes
    and restrict the scores to them (``eval_many_models.py``), so
    ``metainfo['subset']`` holds them; the label of every image is -1.

    Hendrycks et al., Natural Adversarial Examples, CVPR 2021. See
    :class:`WnidImages` for arguments and errors.
    """

    NAME, NUM_IMAGES, NUM_CLASSES = 'ImageNet-O', 2000, 200
    OUTSIDE_CLASSES = True
    LAYOUT = """\
data_root
├── n01443537
│   └── *.JPEG
└── ...
which is the unpacked imagenet-o.tar."""


@DATASETS.register_module()
class ImageNetR(WnidImages):
    """ImageNet-R(endition): 30,000 paintings, toys, sculptures and more of
    200 classes of ImageNet-1k.

    Hendrycks et al., The Many Faces of Robustness, ICCV 2021. See
    :class:`WnidImages` for arguments and errors.
    """

    NAME, NUM_IMAGES, NUM_CLASSES = 'ImageNet-R', 30000, 200
    LAYOUT = """\
data_root
├── n01443537
│   └── *.jpg
└── ...
which is the unpacked imagenet-r.tar."""


@DATASETS.register_module()
class ImageNetSketch(WnidImages):
    """ImageNet-Sketch: 50,889 drawings of the 1000 classes.

    Wang et al., Learning Robust Global Representations by Penalizing Local
    Predictive Power, NeurIPS 2019. See :class:`WnidImages` for arguments and
    errors.
    """

    NAME, NUM_IMAGES, NUM_CLASSES = 'ImageNet-Sketch', 50889, 1000
    LAYOUT = """\
data_root
├── n01440764
│   └── *.JPEG
└── ...
which is the folder `sketch` of the unpacked ImageNet-Sketch.zip."""


@DATASETS.register_module()
class StylizedImageNet(WnidImages):
    """Stylized-ImageNet: the 50,000 validation images in the style of
    paintings, by AdaIN.

    It is not published as images; the authors' code makes it out of ImageNet.
    Geirhos et al., ImageNet-trained CNNs are biased towards texture, ICLR
    2019. See :class:`WnidImages` for arguments and errors.
    """

    NAME, NUM_IMAGES, NUM_CLASSES = 'Stylized-ImageNet', 50000, 1000
    LAYOUT = """\
data_root
├── n01440764
│   └── *.png or *.JPEG
└── ...
which is the folder `val` that the code of Stylized-ImageNet makes."""
