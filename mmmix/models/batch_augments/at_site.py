from dataclasses import replace
from typing import Dict, Optional, Sequence, Tuple

import numpy as np
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.functional import resize_mask
from mmmix.registry import BATCH_AUGMENTS, build_as
from mmmix.structures import Guidance, MixedBatch
from .base import BatchMixer, Params

IMAGES = 'input'


@BATCH_AUGMENTS.register_module()
class AtSite(BatchMixer):
    """Let a mixer mix the output of a module instead of the images.

    In each step one of the sites is drawn, all equally likely. The mixer draws
    its regions on the grid of that module's output, and the classifier mixes
    the output: maps ``(N, C, h, w)`` and tokens ``(N, L, C)`` place by place,
    tokens without a place, such as a class token, by lambda. What follows the
    site, batch norms included, sees mixed features; label rules and losses
    work as on mixed images. The rest of the network sees the images, unmixed.

    The mixer must leave content in its place and need no guide: CutMix,
    Mixup, or MaskMix, whose ``patch_size`` then counts places of the grid.

    Args:
        mixer (dict): Config of the mixer.
        sites (Sequence[str]): Paths of modules in the backbone, such as
            'layer1' or 'stages.0', each called once in a pass, and 'input',
            the images.

    Raises:
        MmmixError: If the mixer moves content, requires guidance or mixes
            several sources, or the sites are none or not different names; in
            :meth:`check`, if a site names no module, or one that is not
            called once, or has no output that the mixer can mix; in
            :meth:`sample`, if the grid of the site is not known.

    >>> import torch
    >>> inputs, labels = torch.rand(4, 3, 32, 32), torch.eye(4)
    >>> mixer = AtSite(dict(type='mmmix.CutMix'), sites=['layer1'])
    >>> rng = np.random.default_rng(0)
    >>> params = mixer.sample(rng, 4, (32, 32), grids=dict(layer1=(8, 8)))
    >>> mixed = mixer.mix(inputs, labels, params)
    >>> mixed.site, mixed.mask.shape, torch.equal(mixed.inputs, inputs)
    ('layer1', torch.Size([4, 8, 8]), True)
    >>> mixed.paste(torch.rand(4, 16, 8, 8)).shape  # by the classifier
    torch.Size([4, 16, 8, 8])
    """

    def __init__(self, mixer: dict, sites: Sequence[str]):
        self.mixer = build_as(BatchMixer, BATCH_AUGMENTS, mixer, 'mixer')
        self._check_mixer()
        if not all(sites) or not 0 < len(sites) == len({*sites}):
            raise MmmixError('`sites` must be a list of different names of '
                             f"modules and 'input', not {sites!r}.")
        self.sites = tuple(sites)
        self.modules = tuple(site for site in sites if site != IMAGES)
        self.kind = self.mixer.kind
        self.smallest_batch = self.mixer.smallest_batch

    def _check_mixer(self) -> None:
        mixer, reason = self.mixer, ''
        if mixer.modules:
            reason = 'has sites of its own'
        elif mixer.requires:
            reason = (
                f'requires {" and ".join(sorted(mixer.requires))}, which '
                'is known of images only')
        elif mixer.kind == 'several':
            reason = 'mixes several sources'
        elif not mixer.in_place:
            reason = 'moves content to other places'
        if reason:
            raise MmmixError(
                f'{type(mixer).__name__} cannot mix inside of a network: it '
                f'{reason}. Choose a mixer such as CutMix, MaskMix or Mixup.')

    @property
    def name(self) -> str:
        """What logs and tables call it."""
        if type(self) is AtSite:
            return f'AtSite-{type(self.mixer).__name__}'
        return type(self).__name__

    def check(self, model: nn.Module) -> None:
        if IMAGES in self.sites:
            self.mixer.check(model)
        model.sites.add(model.backbone, self.modules)
        grids = model.sites.check(model.backbone)
        for site in self.modules if grids else ():
            self._check_grid(site, grids)

    def _check_grid(self, site: str, grids: Dict) -> Tuple[int, int]:
        """The grid of a site; a blend needs none."""
        if self.kind == 'blend':
            return grids[site] or (1, 1)
        if grids[site] is None:
            raise MmmixError(
                f'The output of {site!r} has no rows and columns of places, '
                'or none that are known: features must be maps (N, C, h, w), '
                'or tokens (N, L, C) of all patches. Choose another site, or '
                'a mixer that needs no places, such as Mixup.')
        return grids[site]

    def sample(self,
               rng: np.random.Generator,
               batch_size: int,
               image_size: Sequence[int],
               grids: Optional[Dict] = None) -> Params:
        """Draw the site and all random numbers of the mixer.

        Args:
            rng, batch_size, image_size: As in the parent.
            grids (dict[str, tuple[int, int] | None], optional): Rows and
                columns of each site's output, see
                :meth:`mmmix.models.sites.Sites.grids`. Needed unless the
                images are the only site.
        """
        site = self.sites[rng.integers(len(self.sites))]
        if site == IMAGES:
            return dict(self.mixer.sample(rng, batch_size, image_size))
        if grids is None or site not in grids:
            raise MmmixError(
                f'{self.name} mixes the output of {site!r}, whose grid only '
                'the model knows: mix by `MixDataPreprocessor.mix_by`, or '
                'give the `grids`.')
        grid = self._check_grid(site, grids)
        return dict(
            self.mixer.sample(rng, batch_size, grid), site=site, grid=grid)

    def sample_for(self, model: nn.Module, rng: np.random.Generator,
                   inputs: Tensor) -> Params:
        # in every step, as processes that share a model draw different sites
        model.sites.add(model.backbone, self.modules)
        grids = model.sites.grids(model.backbone, inputs)
        return self.sample(rng, inputs.size(0), inputs.shape[-2:], grids)

    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        site = params.get('site')
        if site is None:
            mixed = self.mixer.mix(inputs, labels, params)
            return replace(mixed, mixer=self.name)
        places = inputs.new_zeros(inputs.size(0), 1, *params['grid'])
        mixed = self.mixer.mix(places, labels, params)
        mask = mixed.mask
        if self.kind != 'blend':
            mask = resize_mask(mask, params['grid'])
        return replace(
            mixed,
            inputs=inputs,
            mask=mask,
            source_boxes=None,
            target_boxes=None,
            mixer=self.name,
            site=site)
