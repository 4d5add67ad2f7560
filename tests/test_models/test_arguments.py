"""Wrong arguments of registered parts, the kinds that fuzzing found."""
import math
from types import UnionType
from typing import Any, Optional, Sequence, Union

import numpy as np
import pytest
from mmengine.registry import DefaultScope
from mmpretrain.registry import BATCH_AUGMENTS as STOCK

from mmmix.arguments import fits, in_words
from mmmix.datasets import (CustomDataset, MaskedImages, SyntheticObjects,
                            WnidImages)
from mmmix.errors import MmmixError
from mmmix.models import (AtSite, BottomUp, ClassTokenNeck, CoMixup, CutMix,
                          FrozenGuide, GridMixup, ManifoldMix,
                          MixLinearClsHead, Mixup, PuzzleMix, SelfGuide, SMMix,
                          SmoothMix, UnmixedLoss)
from mmmix.registry import BATCH_AUGMENTS


@pytest.mark.parametrize('part, given, message', [
    (Mixup, dict(alpha='1'), "`alpha` of Mixup must be a finite number, not "
     "'1'"),
    (Mixup, dict(alpha=True), '`alpha` .* not True'),
    (Mixup, dict(alpha=math.nan), '`alpha` .* not nan'),
    (Mixup, dict(alpha=10**400), '`alpha` .* a finite number'),
    (UnmixedLoss, dict(loss_weight=-10**30), '`loss_weight` .* not -10000'),
    (CoMixup, dict(eta=10**30), '`eta` .* a finite number'),
    (CoMixup, dict(sweeps=10**30), '`sweeps` .* a whole number'),
    (UnmixedLoss, dict(loss_weight=math.inf), '`loss_weight` .* not inf'),
    (CutMix, dict(correct_lam=1), '`correct_lam` .* True or False, not 1'),
    (CutMix, dict(cutmix_minmax=[1, 'x']), '`cutmix_minmax` .* a list of '
     'finite numbers or None'),
    (SMMix, dict(pairing=None), '`pairing` .* a string, not None'),
    (SelfGuide, dict(attention_map='BottomUp'), '`attention_map` .* a dict'),
    (FrozenGuide, dict(config=False), '`config` .* a string, a dict or a '
     'Config, not False'),
    (SyntheticObjects, dict(num_images=2.5), '`num_images` .* whole number'),
])
def test_arguments_of_another_kind(part, given, message):
    with pytest.raises(MmmixError, match=message):
        part(**given)


@pytest.mark.parametrize('part, given, message', [
    (Mixup, dict(alhpa=1), 'no argument `alhpa`, but alpha, per_image; did '
     'you mean `alpha`'),
    (BottomUp, dict(x=1), 'BottomUp has no argument `x`, but none'),
    (AtSite, dict(sites=['input']), "AtSite: missing .* 'mixer'"),
    (CustomDataset, dict(data_root='.',
                         ann_fil='x'), "built with ann_fil='x'"),
    (MixLinearClsHead, dict(num_classes=2), "missing .* 'in_channels'"),
    (ClassTokenNeck, dict(x=1), 'cannot be built with x=1'),
])
def test_arguments_of_another_name(part, given, message):
    with pytest.raises(MmmixError, match=message):
        part(**given)


@pytest.mark.parametrize('part, given, message', [
    (MixLinearClsHead, dict(num_classes=2, in_channels='8'),
     "cannot be built with in_channels='8'"),
    (MixLinearClsHead, dict(num_classes=0, in_channels=8), 'num_classes=0'),
    (CustomDataset, {}, '`data_root` and `data_prefix` must be specified'),
    (CustomDataset, dict(data_root='.', indices='x'), "indices='x'"),
])
def test_arguments_that_a_parent_refuses(part, given, message):
    with pytest.raises(MmmixError, match=message):
        part(**given)


@pytest.mark.parametrize('part, given, message', [
    (ManifoldMix, dict(sites=np.array([])), '`sites`'),
    (PuzzleMix, dict(std=[]), '`std`'),
    (PuzzleMix, dict(std=[0.2, -1, 0.2]), '`std`'),
    (SMMix, dict(delta=[]), '`delta`'),
])
def test_empty_and_negative_lists(part, given, message):
    with pytest.raises(MmmixError, match=message):
        part(**given)


@pytest.mark.parametrize('loss', [
    3, 'x', [],
    dict(loss_weight=1),
    dict(type=3),
    dict(type='mmmix.Nothing'),
    dict(type='mmmix.UnmixedLoss')
])
def test_a_part_of_a_part_must_be_a_config_of_its_kind(loss):
    with pytest.raises(MmmixError, match='`loss`'):
        BATCH_AUGMENTS.build(dict(type='mmmix.AutoMix', loss=loss))


@pytest.mark.parametrize('part, name', [(GridMixup, 'crop_ratio'),
                                        (GridMixup, 'hole_ratio'),
                                        (SmoothMix, 'sigma')])
@pytest.mark.parametrize('value', [1e-160, 1e160, (1e-160, 1.)])
def test_numbers_too_small_or_large_to_compute_with(part, name, value):
    with pytest.raises(MmmixError, match=f'`{name}` .* from 1e-06 to 1e'):
        part(**{name: value})


@pytest.mark.parametrize('part, prefix', [
    (MaskedImages, {}),
    (MaskedImages, dict(img_path='images')),
    (MaskedImages, dict(img_path='x', seg_map_path=3)),
    (CustomDataset, dict(a=1)),
    (WnidImages, {}),
])
def test_folders_that_a_prefix_does_not_name(part, prefix):
    with pytest.raises(MmmixError, match='`data_prefix` must name .*img_path'):
        part(data_root='.', data_prefix=prefix, lazy_init=True)


def test_checked_through_any_registry_and_scope():
    wrong = dict(type='mmmix.Mixup', alpha='1')
    for registry in (BATCH_AUGMENTS, STOCK):
        with pytest.raises(MmmixError, match='`alpha`'):
            registry.build(wrong)
    with DefaultScope.overwrite_default_scope('mmmix'):
        with pytest.raises(MmmixError, match='`alpha`'):
            BATCH_AUGMENTS.build(dict(wrong, type='Mixup'))


def test_numbers_of_numpy_and_arrays_are_numbers_and_lists():
    assert Mixup(alpha=np.float32(2)).alpha == 2
    assert SMMix(grid=np.uint8(4)).grid == (4, 4)
    assert PuzzleMix(grids=np.array([2, 4], np.uint8)).grids == (2, 4)
    assert PuzzleMix(levels=np.int64(3)).levels == 3
    assert GridMixup(columns=np.uint8(3)).columns == (3, 3)
    assert SMMix(delta=np.array([0.5, 0.75])).delta == (0.5, 0.75)


def test_a_subclass_elsewhere_is_checked_by_its_own_signature():

    @BATCH_AUGMENTS.register_module(name='FuzzTestMix', force=True)
    class FuzzTestMix(Mixup):

        def __init__(self, share: 'float', alpha=1., **kwargs):
            super().__init__(alpha, **kwargs)
            self.share = share

    try:
        assert FuzzTestMix(0.5, 2).alpha == 2
        for given in (dict(share='x'), dict(share=1,
                                            alpha='x'), dict(share=1, x=2)):
            with pytest.raises(MmmixError, match='of FuzzTestMix|FuzzTestMix'):
                FuzzTestMix(**given)
    finally:
        BATCH_AUGMENTS.module_dict.pop('FuzzTestMix')


def test_annotations_in_words():
    assert fits(range(5), Any)  # what SeededBatchSampler takes
    assert fits(None, Optional[int]) and not fits(None, int)
    assert fits((1, 2), int | Sequence[int])
    assert isinstance(int | None, UnionType)
    assert in_words(Union[bool, dict, None]) == \
        'True or False, a dict or None'


def test_a_guide_that_sees_no_pixel_is_refused():
    with pytest.raises(
            MmmixError, match='`scale` 0.01 .* no pixel .* 32 x 48'):
        SelfGuide(scale=0.01).size_for((32, 48))
