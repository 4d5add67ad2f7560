"""The mixers of other libraries, called alike, and what they do to a batch.

Each is a function of images and numbers of classes that returns mixed images
and soft labels, as a training loop needs them. A library is imported when its
mixers are asked for.
"""
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmmix.environment import version_of
from mmmix.models import (BatchMixer, CutMix, FMix, Mixup, PuzzleMix,
                          ResizeMix, SaliencyMix)
from mmmix.structures import Guidance
from .mixing_facts import Mix
from .training_cost import image_guidance

OURS = 'mmmix'
METHODS = ('Mixup', 'CutMix', 'ResizeMix', 'FMix', 'SaliencyMix', 'PuzzleMix')
# lambda from Beta(UNIFORM, UNIFORM), the default of all, or close to 1/2
UNIFORM, HALF = 1., 1e6
CELL = 16  # pixels of a cell of PuzzleMix
# ResizeMix: the share of the image that stays the target's is from these
TARGET_WEIGHT = (.1, .9)


@dataclass(frozen=True)
class PeerMixer:
    """A mixer of a library.

    Attributes:
        method (str): One of :data:`METHODS`.
        draws (str): 'batch' if one region, or lambda, is asked for for all
            images, 'image' for several.
        library (str): A key of :data:`LIBRARIES`.
        mix (Callable): Images ``(N, 3, H, W)`` in [0, 1] and numbers of
            classes ``(N,)`` to mixed images and soft labels ``(N,
            num_classes)``. May change the images that it is given.
        option (str): What is chosen beside the defaults, where one library has
            two for one method.
    """

    method: str
    draws: str
    library: str
    mix: Mix
    option: str = ''

    @property
    def name(self) -> str:
        """Library and option."""
        return f'{self.library}, {self.option}' if self.option \
            else self.library


def mixers_of(library: str,
              num_classes: int,
              alpha: float = UNIFORM) -> List[PeerMixer]:
    """The mixers of a library.

    Args:
        library (str): A key of :data:`LIBRARIES`.
        num_classes (int): Length of the soft labels.
        alpha (float): Of the Beta distribution that lambda is drawn from.

    Raises:
        ModuleNotFoundError: If the library is not installed.

    >>> mixer, *_ = mixers_of('mmmix', num_classes=10)
    >>> images, labels = mixer.mix(torch.rand(4, 3, 32, 32), torch.arange(4))
    >>> mixer.method, images.shape, labels.shape
    ('Mixup', torch.Size([4, 3, 32, 32]), torch.Size([4, 10]))
    """
    return [
        PeerMixer(method, draws, library, mix, *option) for method, draws, mix,
        *option in LIBRARIES[library](num_classes, alpha)
    ]


def installed_version(library: str) -> Optional[str]:
    """The version of a library's distribution; None if there is none."""
    names = DISTRIBUTIONS.get(library, (library, ))
    return next(filter(None, map(version_of, names)), None)


def with_one_hot(mix: Mix, num_classes: int) -> Mix:
    """Give one-hot labels to a mixer that wants them."""

    def mixed(images, labels):
        return mix(images, F.one_hot(labels, num_classes).float())

    return mixed


def _ours(num_classes, alpha):

    def of(mixer: BatchMixer,
           guide: Optional[Callable[[Tensor], Guidance]] = None) -> Mix:
        return with_one_hot(
            lambda images, labels: mixer(images, labels, guide and guide(
                images)), num_classes)

    def saliency(images):
        return Guidance(saliency=image_guidance(images).attention)

    def puzzle(images, labels):
        cells = min(images.shape[-2:]) // CELL
        mixer = PuzzleMix(alpha, grids=[cells])
        return of(mixer, saliency)(images, labels)

    return [
        ('Mixup', 'batch', of(Mixup(alpha))),
        ('Mixup', 'image', of(Mixup(alpha, per_image=True))),
        ('CutMix', 'batch', of(CutMix(alpha))),
        ('CutMix', 'image', of(CutMix(alpha, per_image=True))),
        ('ResizeMix', 'batch',
         of(ResizeMix(alpha, target_weight=TARGET_WEIGHT))),
        ('FMix', 'batch', of(FMix(alpha))),
        ('SaliencyMix', 'image', of(SaliencyMix(alpha), image_guidance)),
        ('PuzzleMix', 'image', puzzle),
    ]


def _timm(num_classes, alpha):
    from timm.data import Mixup as TimmMixup

    def of(mode, mixup_alpha=0., cutmix_alpha=0.):
        return TimmMixup(
            mixup_alpha,
            cutmix_alpha,
            mode=mode,
            label_smoothing=0.,
            num_classes=num_classes)

    return [(method, draws, of(mode, **{key: alpha}), *option)
            for method, key in (('Mixup', 'mixup_alpha'), ('CutMix',
                                                           'cutmix_alpha'))
            for draws, mode, *option in (('batch', 'batch'), ('image', 'pair',
                                                              'pair'),
                                         ('image', 'elem', 'elem'))]


def _torchvision(num_classes, alpha):
    from torchvision.transforms import v2
    return [('Mixup', 'batch', v2.MixUp(alpha=alpha, num_classes=num_classes)),
            ('CutMix', 'batch',
             v2.CutMix(alpha=alpha, num_classes=num_classes))]


def _kornia(num_classes, alpha):
    from kornia.augmentation import RandomCutMixV2, RandomMixUpV2

    def of(augment, lam_is_own):
        """Its labels are both numbers of classes and one weight."""

        def mix(images, labels):
            mixed, labels = augment(images, labels)
            own, other, weight = labels.view(-1, 3).unbind(1)
            weights = torch.stack([weight, 1 - weight], 1)
            soft = weights.new_zeros(len(images), num_classes)
            soft.scatter_add_(1,
                              torch.stack([own, other], 1).long(),
                              weights if lam_is_own else weights.flip(1))
            return mixed, soft

        return mix

    # its Mixup draws uniformly between two numbers
    between = (0., 1.) if alpha == UNIFORM else (.5, .5)
    keys = ['input', 'class']
    mixers = []
    for draws in ('batch', 'image'):
        same = draws == 'batch'
        mixup = RandomMixUpV2(
            torch.tensor(between), same_on_batch=same, data_keys=keys)
        cutmix = RandomCutMixV2(
            beta=alpha,
            same_on_batch=same,
            data_keys=keys,
            use_correct_lambda=True)
        mixers += [('Mixup', draws, of(mixup, False)),
                   ('CutMix', draws, of(cutmix, True))]
    return mixers


def _mmpretrain(num_classes, alpha):
    from mmpretrain.models import CutMix, Mixup, ResizeMix
    return [
        (method, 'batch', with_one_hot(mixer, num_classes))
        for method, mixer in (
            ('Mixup', Mixup(alpha)), ('CutMix', CutMix(alpha)),
            ('ResizeMix',
             ResizeMix(
                 alpha, lam_min=TARGET_WEIGHT[0], lam_max=TARGET_WEIGHT[1])))
    ]


def _mixup(num_classes, alpha):
    import mixup
    return [
        (method, draws, with_one_hot(mixer, num_classes))
        for method, draws, mixer in (('Mixup', 'batch',
                                      mixup.VanillaMixUp(alpha)),
                                     ('CutMix', 'batch', mixup.CutMix(alpha)),
                                     ('ResizeMix', 'batch',
                                      mixup.ResizeMix(alpha)),
                                     ('FMix', 'batch', mixup.FMix(alpha)),
                                     ('SaliencyMix', 'image',
                                      mixup.SaliencyMix(alpha)),
                                     ('PuzzleMix', 'image',
                                      mixup.PuzzleMix(alpha, block_size=CELL)))
    ]


LIBRARIES: Dict[str, Callable] = {
    OURS: _ours,
    'timm': _timm,
    'torchvision': _torchvision,
    'Kornia': _kornia,
    'MMPretrain': _mmpretrain,
    'mixup': _mixup,
}
# the distributions of a library, where they are not called like it
DISTRIBUTIONS: Dict[str, Sequence[str]] = {
    'Kornia': ('kornia', ),
    'MMPretrain': ('onedl-mmpretrain', 'mmpretrain'),
}
