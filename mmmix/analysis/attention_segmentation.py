"""Segmentation of objects by attention alone (TdAttenMix, Table 2)."""
from dataclasses import dataclass
from typing import Dict, List, Literal, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmengine.dataset import BaseDataset
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmmix.analysis.model_maps import ModelMap
from mmmix.analysis.pairs import mean_and_error
from mmmix.analysis.trained_model import TrainedModel, batches
from mmmix.analysis.truth import map_of_size, union_of_boxes
from mmmix.errors import MmmixError, check_name

ROUNDING = 1e-6  # share of the mass that float32 maps do not resolve
UPSAMPLING = ('nearest', 'bilinear')
TRUTHS = ('objects', 'classes')
VOIDS = ('ignored', 'background')
VOID = 255  # the label of pixels, as in Pascal VOC


@dataclass
class SegmentationProtocol:
    """How maps become segmentations, and what these are compared with.

    The places that together hold a given share of the attention are the
    segmentation of an image; its Jaccard index with the truth is averaged
    over the images. TdAttenMix (Table 2) says no more of its protocol. The
    public codes of DINO and of Naseer et al. (for DeiT) take each head of the
    class token's attention by itself and count the best, which knows the
    truth; here the mean of the heads is judged, which is what a guide sees.

    Args:
        mass (Sequence[float]): Shares of the attention that are kept, in
            (0, 1]. Defaults to 0.6 (DINO) and 0.9 (Naseer et al.).
        upsample (str): 'nearest' takes places of the map and enlarges the
            mask, as both public codes do; 'bilinear' enlarges the map and
            takes pixels. Defaults to 'nearest'.
        truth (str): 'objects': all objects against the background;
            'classes': each class in the image by itself, and their mean
            (Naseer et al.). Defaults to 'objects'.
        void (str): Whether pixels of the label 255 are 'ignored' or, as in
            Naseer et al.'s code, 'background'. Defaults to 'ignored'.
        background (int): The label of pixels of no object. If it is 255, no
            pixel is void. Defaults to 0, as in Pascal VOC.

    Raises:
        MmmixError: If an argument is out of its range.
    """
    mass: Sequence[float] = (0.6, 0.9)
    upsample: Literal[UPSAMPLING] = 'nearest'
    truth: Literal[TRUTHS] = 'objects'
    void: Literal[VOIDS] = 'ignored'
    background: int = 0

    def __post_init__(self):
        for mass in self.mass:
            if not 0 < mass <= 1:
                raise MmmixError('`mass`, the share of the attention that is '
                                 f'kept, must be in (0, 1], not {mass!r}.')
        check_name('upsample', self.upsample, UPSAMPLING)
        check_name('truth', self.truth, TRUTHS)
        check_name('void', self.void, VOIDS)

    def objects(self, sample: BaseDataElement) -> Tuple[Tensor, Tensor]:
        """What is to be found in an image.

        Args:
            sample (BaseDataElement): With ``gt_seg_map``, integers
                ``(H, W)``, or else ``gt_bboxes``, whose union is the mask, of
                the image as the classifier sees it.

        Returns:
            tuple[Tensor, Tensor]: Masks ``(K, H, W)``, none of them empty,
            and the pixels that count ``(H, W)``, all bool.

        Raises:
            MmmixError: If the sample has neither, or a map of another size
                than its image.
        """
        labels = self._labels(sample)
        background = labels == self.background
        void = (labels == VOID) & ~background
        objects = ~background & ~void
        valid = ~void if self.void == 'ignored' else torch.ones_like(void)
        if self.truth == 'objects':
            return objects[None][:int(objects.any())], valid
        classes = labels[objects].unique()
        return labels[None] == classes[:, None, None], valid

    def jaccard(self,
                attention: Tensor,
                sample: BaseDataElement,
                seed: int = 0) -> Tensor:
        """Jaccard indices of the attention in an image.

        Args:
            attention (Tensor): A map over the image ``(h, w)``, not negative.
            sample (BaseDataElement): See :meth:`objects`.
            seed (int): Of the shuffling. Defaults to 0.

        Returns:
            Tensor: ``(M, 3)`` float32, for each share of the attention: that
            of the map; of the same map with its places shuffled, which takes
            as many places, but without aim; of the whole image, which needs
            no attention at all. NaN without an object.
        """
        truths, valid = self.objects(sample)
        if not len(truths):
            return torch.full((len(self.mass), 3), float('nan'))
        attention = attention.float()
        places = torch.randperm(
            attention.numel(), generator=torch.Generator().manual_seed(seed))
        shuffled = attention.flatten()[places].view_as(attention)
        maps = torch.stack([attention, shuffled])
        whole = torch.ones_like(valid)
        values = [
            jaccard(mask, truths, valid).mean() for mass in self.mass
            for mask in (
                *attention_segments(maps, mass, valid.shape, self.upsample),
                whole)
        ]
        return torch.stack(values).view(-1, 3)

    def _labels(self, sample: BaseDataElement) -> Tensor:
        """The label of each pixel; boxes are one class."""
        if 'gt_seg_map' in sample:
            return map_of_size(sample.gt_seg_map,
                               sample.img_shape[:2]).cpu().long()
        if 'gt_bboxes' not in sample:
            raise MmmixError(
                'A data sample has neither `gt_seg_map` nor `gt_bboxes`: the '
                'pipeline of the data set must end with '
                "PackInputs(algorithm_keys=('gt_seg_map', )), or "
                "('gt_bboxes', ), and load what it packs.")
        return union_of_boxes(sample.gt_bboxes, sample.img_shape[:2]).long()


def measure_segmentation(trained: TrainedModel,
                         maps: ModelMap,
                         dataset: BaseDataset,
                         indices: Sequence[int],
                         protocol: SegmentationProtocol,
                         batch_size: int = 100) -> List[Dict[str, float]]:
    """How well the maps of a model segment the objects of a data set.

    Args:
        trained, dataset, indices, batch_size: See
            :func:`~mmmix.analysis.batches`; the images have masks or boxes.
        maps (ModelMap): The kind of its maps.
        protocol (SegmentationProtocol): What is measured.

    Returns:
        list[dict]: For each share of the attention the means of
        :meth:`SegmentationProtocol.jaccard` in percent, ``jaccard`` and its
        standard ``error``, ``shuffled`` and ``whole_image``, NaN if no image
        is left; ``gain``, how much the map is better than shuffled, and its
        ``gain_error``, image by image; ``images``, how many were judged;
        ``skipped``, how many have no object that counts.

    Raises:
        MmmixError: If images are padded, have masks of another size, or lack
            what the protocol or the maps require.
    """
    values = []
    for inputs, samples in batches(trained, dataset, indices, batch_size):
        attention = maps.of_samples(trained.model, inputs, samples).cpu()
        for one, sample in zip(attention, samples):
            if tuple(sample.img_shape[:2]) != inputs.shape[-2:]:
                raise MmmixError(
                    'The data preprocessor pads the images, so the attention '
                    'covers more than the truth: resize them to one size in '
                    'the pipeline.')
            values.append(protocol.jaccard(one, sample, len(values)))
    return [mean_jaccard(own) for own in torch.stack(values, 1)]


def mean_jaccard(values: Tensor) -> Dict[str, float]:
    """The means of :func:`measure_segmentation` for one share of the
    attention, of ``(N, 3)`` Jaccard indices."""
    judged = ~values[:, 0].isnan()
    found = 100 * values[judged].double().numpy()
    images = range(len(found))
    jaccard, error = mean_and_error(found[:, 0], images)
    gain, gain_error = mean_and_error(found[:, 0] - found[:, 1], images)
    return dict(
        jaccard=jaccard,
        error=error,
        shuffled=mean_and_error(found[:, 1], images)[0],
        whole_image=mean_and_error(found[:, 2], images)[0],
        gain=gain,
        gain_error=gain_error,
        images=len(found),
        skipped=int((~judged).sum()))


def top_mass_mask(attention: Tensor, share: float) -> Tensor:
    """The fewest, most attended places that together hold a share of the
    attention.

    The protocol of DINO (Caron et al., 2021) and Naseer et al. (2021). Of
    equal places the first in reading order is taken first; the place that
    crosses the share is taken, too. What is left out may exceed
    ``1 - share`` by a millionth, so that rounding takes no place too many.

    Args:
        attention (Tensor): ``(N, h, w)``, not negative; it need not sum to 1.
        share (float): In [0, 1]. 0 takes nothing.

    Returns:
        Tensor: ``(N, h, w)`` bool. A map of zeros has no mass: nothing of it
        is taken.
    """
    mass = attention.flatten(1)
    if mass.device.type != 'mps':  # which has no float64
        mass = mass.double()
    mass, order = mass.sort(dim=1, descending=True, stable=True)
    before = mass.cumsum(1) - mass
    taken = before < (share - ROUNDING) * mass.sum(1, keepdim=True)
    mask = torch.zeros_like(taken).scatter_(1, order, taken)
    return mask.view_as(attention)


def attention_segments(attention: Tensor,
                       share: float,
                       size: Sequence[int],
                       upsample: str = 'nearest') -> Tensor:
    """The segmentations ``(N, *size)``, bool, that attention maps make of
    images.

    Args:
        attention, share: See :func:`top_mass_mask`.
        size (Sequence[int]): Height and width of the image.
        upsample (str): See :class:`SegmentationProtocol`. Defaults to
            'nearest'.
    """
    size = tuple(size)
    if upsample == 'bilinear':
        attention = F.interpolate(
            attention[:, None], size, mode='bilinear', align_corners=False)
        return top_mass_mask(attention[:, 0], share)
    mask = top_mass_mask(attention, share)[:, None].float()
    return F.interpolate(mask, size, mode='nearest')[:, 0].bool()


def jaccard(pred: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """Intersection over union of masks ``(N, H, W)`` or ``(H, W)``, all bool,
    on the valid pixels: ``(N,)`` float32, NaN where the union is empty."""
    intersection = (pred & truth & valid).sum((-2, -1))
    union = ((pred | truth) & valid).sum((-2, -1))
    return intersection / union
