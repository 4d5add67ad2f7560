"""Accuracy, calibration and detection away from the training distribution
(SMMix, Table 5; TdAttenMix, Table 3; MixPro, Table 5)."""
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import List, Optional, Sequence, Sized

import torch
from mmengine.dataset import BaseDataset
from torch import Tensor

from mmmix.analysis.trained_model import (TrainedModel, batches, choose_images,
                                          labels_of, open_dataset)
from mmmix.datasets import (ImageNetA, ImageNetO, ImageNetR, ImageNetSketch,
                            StylizedImageNet, WnidImages)
from mmmix.errors import MmmixError
from mmmix.evaluation import (calibration_bins, confident_prediction,
                              detection_aupr, fitting_subset,
                              response_rate_accuracy, rms_calibration_error)
from mmmix.imagenet import IMAGENET_WNIDS
from mmmix.models.channels import stored_channels

# data sets of the papers, whose numbers of images are checked
KNOWN = dict(
    A=ImageNetA,
    R=ImageNetR,
    Sketch=ImageNetSketch,
    Stylized=StylizedImageNet,
    O=ImageNetO)
ACCURACY_ONLY = ('R', 'Sketch', 'Stylized')  # what the papers report of them
TEST = 'test'  # what the config's own test set is called


@dataclass
class OutOfDistribution:
    """Measures a classifier on sets of images; the metrics of
    :mod:`mmmix.evaluation` compute the same.

    Args:
        trained (TrainedModel): The classifier, with a ``test_dataloader``.
        wnids (Sequence[str], optional): The classes of its head, in order.
            Defaults to None: 1000 classes are those of ImageNet-1k, others
            the data set's.
        num_images (int, optional): At most so many images of each set, drawn
            with a fixed seed. Defaults to None, all.
        batch_size (int): Images at a time. Defaults to 100.
        all_classes (bool): Predict among all classes of the head instead of
            those of the set. Defaults to False.
        known_only (bool): Leave out images of classes that the head does not
            have, instead of refusing them. Defaults to False.
        allow_partial (bool): Accept a part of a known set. Defaults to False.
        as_they_are (Sequence[str]): Names of sets whose images are neither
            resized nor cropped, such as Stylized, whose images are 224 x 224.
            Defaults to none.

    Attributes:
        notes (List[str]): What was left out.

    Raises:
        MmmixError: If nothing says the classes of the head, or they are not
            as many as it has.
    """

    trained: TrainedModel
    wnids: Optional[Sequence[str]] = None
    num_images: Optional[int] = None
    batch_size: int = 100
    all_classes: bool = False
    known_only: bool = False
    allow_partial: bool = False
    as_they_are: Sequence[str] = ()
    notes: List[str] = field(default_factory=list, init=False)

    def __post_init__(self):
        name = self.trained.name
        num_classes = self.trained.model.head.num_classes
        if self.wnids is None:
            self.wnids = IMAGENET_WNIDS if num_classes == len(
                IMAGENET_WNIDS) else self.test_set.metainfo.get('wnids')
        if self.wnids is None:
            raise MmmixError(
                f'{name} has {num_classes} classes and its data set does not '
                'say their wnids: give a file of them, one a line in the '
                'order of the head, with --wnids.')
        if len(self.wnids) != num_classes:
            raise MmmixError(f'There are {len(self.wnids)} wnids for the '
                             f'{num_classes} classes of {name}.')

    @cached_property
    def test_set(self) -> BaseDataset:
        """The config's own test set, read once."""
        return open_dataset(self.trained, 'test')

    def accuracy(self, name: str, path: Optional[str] = None) -> dict:
        """Measure a set whose classes the head has.

        Args:
            name (str): Of the set; those in ``KNOWN`` are checked.
            path (str, optional): See :meth:`open_set`. Defaults to None, the
                config's own test set.

        Returns:
            dict: ``images``, ``classes``; in percent ``top1``,
            ``top1_all_classes``, ``rms_calibration_error``, the same as the
            authors' public code computes it, None if it cannot, and
            ``aurra``; the ``bins`` and the curve behind the last ones.
        """
        dataset = self.test_set if path is None else self.open_set(name, path)
        subset = self._subset(dataset)
        answers = self._show(name, dataset, self._choose(dataset), subset)
        confidence, correct, of_all = answers[:3]
        count, mean_confidence, accuracy = calibration_bins(
            confidence, correct)
        curve = response_rate_accuracy(confidence, correct)
        # at most 100 points of it are drawn
        num = len(curve)
        places = sorted({-(-i * num // 100) for i in range(1, 101)})
        return dict(
            images=num,
            classes=len(subset),
            top1=100 * float(correct.mean()),
            top1_all_classes=100 * float(of_all.mean()),
            rms_calibration_error=100 *
            rms_calibration_error(confidence, correct),
            rms_calibration_error_public_code=100 *
            rms_calibration_error(confidence, correct, skip_last_bin=True)
            if len(count) > 1 else None,
            aurra=100 * float(curve.mean()),
            bins=dict(
                images=count.tolist(),
                confidence=mean_confidence.tolist(),
                accuracy=accuracy.tolist()),
            response_rate_accuracy=dict(
                response_rate=[k / num for k in places],
                accuracy=[float(curve[k - 1]) for k in places]))

    def detection(self, name: str, path: str) -> dict:
        """How well foreign images are told from the test images of the same
        classes.

        Args:
            name, path (str): See :meth:`accuracy`; images of classes that the
                head has are left out.

        Returns:
            dict: ``images_inside``, ``images_outside``, ``classes``; in
            percent ``aupr`` and ``aupr_of_a_guess``; the means of the
            confidence inside and outside.

        Raises:
            MmmixError: If the test set has no images of these classes, or
                ``num_images`` is not positive.
        """
        foreign = self.open_set(name, path, foreign=True)
        wanted = set(foreign.metainfo['subset'])
        inside = [
            i for i, label in enumerate(self.test_set.get_gt_labels())
            if int(label) in wanted
        ]
        if not inside:
            raise MmmixError(f'The test set of {self.trained.name} has no '
                             f'images of the classes of {name}.')
        inside = [inside[place] for place in self._choose(inside)]
        subset = self._subset(foreign)
        answers = torch.cat([
            self._show(f'{name}, inside', self.test_set, inside, subset),
            self._show(f'{name}, outside', foreign, self._choose(foreign),
                       subset)
        ], 1)
        confidence, outside = answers[0], answers[3] < 0
        return dict(
            images_inside=int((~outside).sum()),
            images_outside=int(outside.sum()),
            classes=len(subset),
            aupr=100 * detection_aupr(confidence, outside),
            aupr_of_a_guess=100 * float(outside.double().mean()),
            mean_confidence_inside=float(confidence[~outside].mean()),
            mean_confidence_outside=float(confidence[outside].mean()))

    def open_set(self,
                 name: str,
                 path: str,
                 foreign: bool = False) -> WnidImages:
        """A set of images, prepared as the model's test images are.

        Args:
            name (str): Those in ``KNOWN`` are checked.
            path (str): A folder with a folder for each class, named by its
                wnid, or a text file of lines `path wnid` next to the images,
                or next to a folder ``images`` of them.
            foreign (bool): Take the images of classes that the head does not
                have. Defaults to False.

        Raises:
            FileNotFoundError, MmmixError: See :class:`WnidImages`; also if
                the config does not say how a test image is prepared.
        """
        steps = self._test_pipeline()
        if stored_channels(steps) == 'rgb':  # the test set holds its images
            steps = [dict(type='mmmix.LoadImage'), *steps]
        options = dict(
            data_root=path,
            wnids=self.wnids,
            # loading and packing alone leave the images as they are
            pipeline=[steps[0], steps[-1]]
            if name in self.as_they_are else steps,
            test_mode=True,
            allow_partial=self.allow_partial)
        if Path(path).is_file():
            folder = Path(path).parent
            options.update(
                data_root=str(folder),
                ann_file=Path(path).name,
                data_prefix='images' if (folder / 'images').is_dir() else '')
        kind = KNOWN.get(name, WnidImages)
        if foreign and not kind.OUTSIDE_CLASSES:
            options['keep'] = 'unknown'
        elif self.known_only:
            options['keep'] = 'known'
        dataset = kind(**options)
        if dataset.num_left_out:
            self.notes.append(
                f'{name}: of {dataset.num_left_out + len(dataset):,} images '
                f'{dataset.num_left_out:,} were left out: images of classes '
                f'that the head {"has" if foreign else "does not have"}.')
        if dataset.NUM_IMAGES not in (None, len(dataset)):
            self.notes.append(f'{name}: a part only, {len(dataset):,} of '
                              f'{dataset.NUM_IMAGES:,} images, '
                              f'{len(dataset.metainfo["subset"])} of '
                              f'{dataset.NUM_CLASSES} classes.')
        return dataset

    def _test_pipeline(self) -> Sequence[dict]:
        loader, name = self.trained.cfg.get(
            'test_dataloader'), self.trained.name
        if loader is None:
            raise MmmixError(f'The config of {name} has no test_dataloader, '
                             'which says how the images are prepared.')
        steps = loader.dataset.get('pipeline')
        if steps is None:
            raise MmmixError(
                f'The test set of {name}, a {loader.dataset.type}, has no '
                'pipeline of its own, which says how the images are prepared: '
                'give a config whose test_dataloader has a single data set.')
        return steps

    def _subset(self, dataset: BaseDataset) -> Sequence[int]:
        """The classes that can be predicted."""
        every = range(len(self.wnids))
        subset = fitting_subset(dataset.metainfo, len(every))
        return every if self.all_classes or subset is None else subset

    def _choose(self, images: Sized) -> List[int]:
        wanted = self.num_images
        return choose_images(images, wanted and min(wanted, len(images)))

    @torch.no_grad()
    def _show(self, description: str, dataset: BaseDataset,
              indices: Sequence[int], subset: Sequence[int]) -> Tensor:
        """``(4, N)`` float64: confidence and whether the prediction is right
        among the classes of a subset, whether it is among all classes, and
        the label."""
        answers = []
        for inputs, samples in batches(self.trained, dataset, indices,
                                       self.batch_size,
                                       f'{self.trained.name}: {description}'):
            probabilities = self.trained.model(inputs).softmax(1).cpu()
            labels = labels_of(samples).cpu()
            confidence, predicted = confident_prediction(probabilities, subset)
            answers.append(
                torch.stack([
                    confidence, predicted == labels,
                    probabilities.argmax(1) == labels, labels
                ]))
        return torch.cat(answers, 1)
