"""Images whose class is given by a wnid: ImageNet's relatives."""
import logging
import os.path as osp
from typing import List, Optional, Sequence, Tuple, Union

from mmengine.logging import print_log
from mmpretrain.datasets import CustomDataset
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES
from mmpretrain.datasets.custom import find_folders, get_samples

from mmmix.errors import MmmixError, check_name, first_few
from mmmix.imagenet import IMAGENET_WNIDS
from mmmix.registry import DATASETS
from .listed import check_prefix, read_lines

OUTSIDE = -1  # the label of an image of a class that the head does not have


@DATASETS.register_module()
class WnidImages(CustomDataset):
    """Images by wnid, labeled as a given classifier labels them.

    The label of an image is the position of its wnid in ``wnids``, which
    gives the meaning of the classifier's outputs. It is not the position of
    the folder, as in :class:`mmpretrain.datasets.CustomDataset`, so a data
    set with some of the classes fits the whole head. The labels of the
    classes that have images, sorted, are ``metainfo['subset']``; the metrics
    of :mod:`mmmix.evaluation` restrict the logits to them.

    Args:
        data_root (str): The folder that contains the folders, or the list.
        data_prefix (str): Where the images are below it. Defaults to ''.
        ann_file (str): A text file with lines `path wnid`; the rest of a line
            is ignored, so Tiny-ImageNet's ``val_annotations.txt`` can be
            read. Only a tab separates them if there is one, so that the path
            may have blanks. By default there is none, but a folder for each
            wnid.
        wnids (str | Sequence[str]): The classes of the head, in its order, or
            'imagenet', the 1000 of ImageNet-1k. Defaults to 'imagenet'.
        keep (str): 'all' raises an error for images of classes that the head
            does not have; 'known' leaves them out; 'unknown' keeps only
            these, with the label -1 and all classes of the head as subset:
            out-of-distribution images. Defaults to 'all'.
        classes_of (str, optional): A folder; only classes that have a folder
            there, too, are kept: for instance the validation images of
            ImageNet-O's classes.
        allow_partial (bool): Whether a data set of known size may have
            another size; the numbers are logged. Defaults to False.
        **kwargs: Other arguments of
            :class:`mmpretrain.datasets.CustomDataset`, such as ``pipeline``.

    Raises:
        FileNotFoundError: If the folder or the list does not exist.
        MmmixError: If there are no images, or another number of images than
            the data set has, if a class is not one of the head's, or if a
            line cannot be read.

    Example::

        dict(
            type='mmmix.WnidImages',
            data_root='data/imagenet/val',
            classes_of='data/imagenet-o')
    """

    NAME = 'a set of images'
    NUM_IMAGES: Optional[int] = None
    NUM_CLASSES: Optional[int] = None
    OUTSIDE_CLASSES = False  # whether folders name what images are not

    def __init__(self,
                 data_root: str = '',
                 wnids: Union[str, Sequence[str]] = 'imagenet',
                 keep: str = 'all',
                 classes_of: Optional[str] = None,
                 allow_partial: bool = False,
                 **kwargs):
        check_name('keep', keep, ('all', 'known', 'unknown'))
        check_prefix(kwargs.get('data_prefix', ''), 'img_path')
        if isinstance(wnids, str) and wnids != 'imagenet':
            raise MmmixError("wnids must be 'imagenet' or a list of the "
                             f"head's wnids, but got {wnids!r}.")
        imagenet = isinstance(wnids, str)
        self.wnids = IMAGENET_WNIDS if imagenet else tuple(wnids)
        if len(set(self.wnids)) != len(self.wnids):
            raise MmmixError(
                f'Only {len(set(self.wnids))} of the {len(self.wnids)} wnids '
                'of the head differ.')
        self.keep = keep
        self.classes_of = classes_of
        self.allow_partial = allow_partial
        self.num_left_out = 0
        self.subset = tuple(range(len(self.wnids)))
        names = IMAGENET_CATEGORIES if imagenet else self.wnids
        super().__init__(
            data_root=data_root,
            metainfo=dict(classes=tuple(names), wnids=self.wnids),
            **kwargs)

    @property
    def metainfo(self) -> dict:
        """The names and wnids of the head's classes, and the subset."""
        return dict(super().metainfo, subset=self.subset)

    def load_data_list(self) -> List[dict]:
        """Find the images, and label them as the head does."""
        images = self._listed() if self.ann_file else self._in_folders()
        if not images:
            expected = f' {self.NAME} has {self.NUM_IMAGES:,}.' \
                if self.NUM_IMAGES else ''
            raise MmmixError(
                f"'{self.ann_file or self.img_prefix}' has 0 images."
                f'{expected} Expected a folder for each wnid, or lines `path '
                'wnid` in `ann_file`: see docs/datasets.md.')
        self._check_number(images)
        images = self._select(images)
        index = {wnid: i for i, wnid in enumerate(self.wnids)}
        present = sorted({index[w] for _, w in images if w in index})
        outside = self.OUTSIDE_CLASSES or self.keep == 'unknown'
        self.subset = tuple(present) or self.subset
        return [
            dict(
                img_path=osp.join(self.img_prefix, path),
                gt_label=OUTSIDE if outside else index[wnid])
            for path, wnid in images
        ]

    def _in_folders(self) -> List[Tuple[str, str]]:
        """Paths and wnids of the images in the folders."""
        folders, index = find_folders(self.img_prefix)
        samples, _ = get_samples(self.img_prefix, index, self.is_valid_file)
        return [(path, folders[i]) for path, i in samples]

    def _listed(self) -> List[Tuple[str, str]]:
        """Paths and wnids of the images in the list."""
        images = []
        for number, line in read_lines(self.ann_file):
            row = line.split('\t' if '\t' in line else None)
            if len(row) < 2:
                raise MmmixError(
                    f"'{self.ann_file}', line {number}: expected a path and "
                    f"a wnid, but got '{line}'.")
            images.append((row[0].strip(), row[1].strip()))
        return images

    def _check_number(self, images: List[Tuple[str, str]]) -> None:
        """Check that a data set of known size is complete."""
        if self.NUM_IMAGES is None:
            return
        found = len(images), len({wnid for _, wnid in images})
        if found == (self.NUM_IMAGES, self.NUM_CLASSES):
            return
        message = (f"'{self.img_prefix}' has {found[0]:,} images of {found[1]}"
                   f' classes, but {self.NAME} has {self.NUM_IMAGES:,} of '
                   f'{self.NUM_CLASSES}')
        if not self.allow_partial:
            raise MmmixError(f'{message}. Complete it, or measure the part '
                             'that exists with `allow_partial=True`.')
        print_log(f'{message}.', logger='current', level=logging.WARNING)

    def _select(self, images: List[Tuple[str, str]]) -> List[Tuple[str, str]]:
        """The images that ``classes_of`` and ``keep`` select."""
        if self.classes_of is not None:
            wanted = set(find_folders(self.classes_of)[0])
            images = [image for image in images if image[1] in wanted]
        found = {wnid for _, wnid in images}
        unknown = sorted(found.difference(self.wnids))
        where = self.ann_file or self.img_prefix
        if unknown and self.keep == 'all':
            raise MmmixError(
                f"The head lacks {len(unknown)} of the {len(found)} classes "
                f"of '{where}': {first_few(unknown)}. Leave their images out "
                "with `keep='known'`, or give the wnids of the head as "
                '`wnids`.')
        wanted = set(unknown) if self.keep == 'unknown' else set(self.wnids)
        kept = [image for image in images if image[1] in wanted]
        self.num_left_out = len(images) - len(kept)
        if not kept:
            raise MmmixError(
                f"None of the {len(images):,} images of '{where}' has a class "
                f'that keep={self.keep!r} keeps: the head lacks '
                f'{len(unknown)} of their {len(found)} classes.')
        return kept


@DATASETS.register_module()
class ImageNetA(WnidImages):
    """ImageNet-A: 7,500 photographs of 200 classes of ImageNet-1k that a
    ResNet-50 misclassifies.

    Hendrycks et al., Natural Adversarial Examples, CVPR 2021.
    """

    NAME, NUM_IMAGES, NUM_CLASSES = 'ImageNet-A', 7500, 200


@DATASETS.register_module()
class ImageNetO(WnidImages):
    """ImageNet-O: 2,000 out-of-distribution photographs, of classes that
    ImageNet-1k does not have.

    A folder is named after the class of ImageNet-1k that its images are
    mistaken for. The authors compare with the validation images of these 200
    classes and restrict the logits to them (``eval_many_models.py``), so
    ``metainfo['subset']`` holds them; the label of every image is -1.

    Hendrycks et al., Natural Adversarial Examples, CVPR 2021.
    """

    NAME, NUM_IMAGES, NUM_CLASSES = 'ImageNet-O', 2000, 200
    OUTSIDE_CLASSES = True


@DATASETS.register_module()
class ImageNetR(WnidImages):
    """ImageNet-R(endition): 30,000 paintings, toys, sculptures and more of
    200 classes of ImageNet-1k.

    Hendrycks et al., The Many Faces of Robustness, ICCV 2021.
    """

    NAME, NUM_IMAGES, NUM_CLASSES = 'ImageNet-R', 30000, 200


@DATASETS.register_module()
class ImageNetSketch(WnidImages):
    """ImageNet-Sketch: 50,889 drawings of the 1000 classes.

    Wang et al., Learning Robust Global Representations by Penalizing Local
    Predictive Power, NeurIPS 2019.
    """

    NAME, NUM_IMAGES, NUM_CLASSES = 'ImageNet-Sketch', 50889, 1000


@DATASETS.register_module()
class StylizedImageNet(WnidImages):
    """Stylized-ImageNet: the 50,000 validation images in the style of
    paintings, by AdaIN.

    It is not published as images; the authors' code makes it from ImageNet.
    Geirhos et al., ImageNet-trained CNNs are biased towards texture, ICLR
    2019.
    """

    NAME, NUM_IMAGES, NUM_CLASSES = 'Stylized-ImageNet', 50000, 1000
