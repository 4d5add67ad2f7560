"""Weakly supervised segmentation by attention (TdAttenMix, Table 2)."""
from typing import List, Optional, Sequence, Tuple

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from mmmix.analysis.localisation import UPSAMPLING, attention_segments, jaccard
from mmmix.errors import MmmixError, check_name
from mmmix.functional import box_masks
from mmmix.registry import METRICS

TRUTHS = ('objects', 'classes')
VOIDS = ('ignored', 'background')


@METRICS.register_module()
class AttentionJaccard(BaseMetric):
    """Jaccard index of thresholded attention maps and the objects' masks.

    The places that together hold a stated share of the attention are the
    segmentation of an image; its intersection over union with the truth is
    averaged over the images. TdAttenMix (Table 2) says no more of its
    protocol. The public codes keep 0.6 (DINO) and 0.9 (Naseer et al., for
    DeiT) of the class token's attention, take each head for itself and count
    the best, which knows the truth; here the heads' mean is judged, which is
    what a guide sees. Naseer et al. average over the classes in an image
    (``truth='classes'``) and let void pixels be background
    (``void='background'``).

    A data sample must hold ``attention``, a map ``(h, w)`` over the image,
    and, as the classifier sees them, ``gt_seg_map``, ``(H, W)`` integers,
    or else ``gt_bboxes``, whose union is then the mask.

    Results:

    - ``jaccard``: mean over the images, in percent.
    - ``shuffled``: the same for maps whose places are shuffled, by a seed
      that is the image's number: as many places, but no aim. Attention that
      finds objects is above it.
    - ``whole_image``: the same for a segmentation that is the whole image:
      what is reached without any attention.
    - ``images``: how many were judged.
    - ``skipped``: how many have no pixel of an object that counts. They are
      left out of the means.

    The means are NaN if no image is left.

    Args:
        mass (float): Share of the attention that is kept, in (0, 1].
            Defaults to 0.9.
        upsample (str): 'nearest' or 'bilinear', see
            :func:`mmmix.functional.attention_segments`. Defaults to
            'nearest'.
        truth (str): 'objects': all objects against the background;
            'classes': each class in the image for itself, and their mean.
            Defaults to 'objects'.
        void (str): Whether pixels of label ``void_label`` are 'ignored' or
            'background'. Defaults to 'ignored'.
        void_label (int): Defaults to 255, as in Pascal VOC.
        background_label (int): Defaults to 0.
        collect_device (str): See ``BaseMetric``. Defaults to 'cpu'.
        prefix (str, optional): See ``BaseMetric``. Defaults to 'attention'.

    Raises:
        ValueError: If an argument is out of its range, or a data sample
            lacks what is said above.
    """

    default_prefix = 'attention'

    def __init__(self,
                 mass: float = 0.9,
                 upsample: str = 'nearest',
                 truth: str = 'objects',
                 void: str = 'ignored',
                 void_label: int = 255,
                 background_label: int = 0,
                 collect_device: str = 'cpu',
                 prefix: Optional[str] = None):
        if not 0 < mass <= 1:
            raise MmmixError('`mass`, the share of the attention that is '
                             f'kept, must be in (0, 1], not {mass!r}.')
        check_name('upsample', upsample, UPSAMPLING)
        check_name('truth', truth, TRUTHS)
        check_name('void', void, VOIDS)
        super().__init__(collect_device, prefix)
        self.mass = mass
        self.upsample = upsample
        self.truth = truth
        self.void = void
        self.void_label = void_label
        self.background_label = background_label

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Judge images, each for itself: their sizes may differ."""
        for sample in data_samples:
            if 'attention' not in sample:
                raise MmmixError(
                    'AttentionJaccard judges the `attention` of data samples, '
                    'but there is none: '
                    'tools/analysis/attention_segmentation.py puts it there.')
            truths, valid = self._truth(sample)
            self.results.append(
                self._judge(sample['attention'], truths, valid))

    def compute_metrics(self, results: List[Tuple[float, ...]]) -> dict:
        """Means over the images that were judged."""
        values = torch.tensor(results, dtype=torch.float64).view(-1, 3)
        judged = ~values[:, 0].isnan()
        means = (100 * values[judged].mean(0)).tolist()
        return dict(
            jaccard=means[0],
            shuffled=means[1],
            whole_image=means[2],
            images=int(judged.sum()),
            skipped=int((~judged).sum()))

    def _judge(self, attention: Tensor, truths: Tensor,
               valid: Tensor) -> Tuple[float, ...]:
        """Jaccard index of the attention, the shuffled attention and the
        whole image; NaN if the image has no object."""
        if not len(truths):
            return (float('nan'), ) * 3
        attention = torch.as_tensor(attention).float().cpu()
        places = torch.randperm(
            attention.numel(),
            generator=torch.Generator().manual_seed(len(self.results)))
        shuffled = attention.flatten()[places].view_as(attention)
        segments = attention_segments(
            torch.stack([attention, shuffled]), self.mass, valid.shape,
            self.upsample)
        valid = valid.expand_as(truths)
        return tuple(
            jaccard(mask.expand_as(truths), truths, valid).mean().item()
            for mask in (*segments, torch.ones_like(valid)))

    def _truth(self, sample: dict) -> Tuple[Tensor, Tensor]:
        """Masks ``(K, H, W)`` of what is to be found, none of them empty,
        and the pixels that count ``(H, W)``."""
        labels = self._labels(sample)
        void = labels == self.void_label
        objects = (labels != self.background_label) & ~void
        valid = ~void if self.void == 'ignored' else torch.ones_like(void)
        if self.truth == 'objects':
            truths = objects[None][:int(objects.any())]
        else:
            classes = labels[objects].unique()
            truths = labels[None] == classes[:, None, None]
        return truths, valid

    def _labels(self, sample: dict) -> Tensor:
        """The label of each pixel; boxes are one class."""
        if 'gt_seg_map' in sample:
            return torch.as_tensor(sample['gt_seg_map']).cpu().long()
        if 'gt_bboxes' not in sample:
            raise MmmixError(
                'A data sample has neither `gt_seg_map` nor `gt_bboxes`: the '
                'pipeline of the data set must end with '
                "PackInputs(algorithm_keys=('gt_seg_map', )), or "
                "('gt_bboxes', ), and load what it packs.")
        x1, y1, x2, y2 = torch.as_tensor(
            sample['gt_bboxes']).cpu().round().long().unbind(-1)
        boxes = torch.stack([y1, x1, y2, x2], 1)
        inside = box_masks(boxes, sample['img_shape'][:2]).any(0)
        return torch.where(inside, self.background_label + 1,
                           self.background_label)
