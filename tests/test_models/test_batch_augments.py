"""Mixers through their public interface."""
import itertools
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmpretrain.models.utils.batch_augments import CutMix as StockCutMix
from mmpretrain.models.utils.batch_augments import RandomBatchAugment
from mmpretrain.models.utils.batch_augments import ResizeMix as StockResizeMix

from mmmix.errors import MmmixError
from mmmix.functional import area_lambda, resize_mask
from mmmix.models import RandomMixer
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance

MIXERS = [
    dict(type='mmmix.SMMix'),
    dict(type='mmmix.SMMix', delta=(0, 1), per_image=True),
    dict(type='mmmix.SMMix', integer_sides=True, pairing='shuffle'),
    dict(type='mmmix.SMMix', delta=0.5),
    dict(type='mmmix.CutMix', alpha=1.),
    dict(type='mmmix.CutMix', alpha=1., cutmix_minmax=[0.2, 0.8]),
    dict(type='mmmix.CutMix', per_image=True),
    dict(type='mmmix.CutMix', cutmix_minmax=[0.2, 0.8], per_image=True),
    dict(type='mmmix.ResizeMix'),
    dict(type='mmmix.ResizeMix', target_weight=(0.1, 0.8)),
    dict(type='mmmix.Mixup', alpha=0.8),
    dict(type='mmmix.Mixup', per_image=True),
]


def case(n=7, size=(48, 32), patch=8):
    inputs = torch.rand(n, 3, *size)
    labels = F.one_hot(torch.randint(0, 4, (n, )), 4)
    grid = tuple(s // patch for s in size)
    return inputs, labels, Guidance(attention=torch.rand(n, *grid))


def run(cfg, seed=0, n=7, **kwargs):
    mixer = BATCH_AUGMENTS.build(cfg)
    inputs, labels, guidance = case(n, **kwargs)
    params = mixer.sample(np.random.default_rng(seed), n, inputs.shape[-2:])
    return mixer.mix(inputs, labels, params, guidance), inputs, guidance


PASTING = [
    dict(type='mmmix.CutMix'),
    dict(type='mmmix.ResizeMix'),
    dict(type='mmmix.SMMix'),
    dict(type='mmmix.AttentiveCutMix'),
    dict(type='mmmix.SaliencyMix'),
    dict(type='mmmix.MaskMix', scale=1, patch_size=4),
    dict(type='mmmix.MaskMix', scale=1, patch_size=8),
    dict(type='mmmix.FMix'),
    dict(type='mmmix.GridMixup'),
]
BLENDING = [
    dict(type='mmmix.Mixup'),
    dict(type='mmmix.FMix', max_soft=0.5),
    dict(type='mmmix.SmoothMix'),
    dict(type='mmmix.PuzzleMix', grids=(4, )),
    dict(type='mmmix.CoMixup'),
]


def mixed_by_itself(cfg, inputs):
    """What a mixer returns in a training loop of plain PyTorch."""
    torch.manual_seed(0)
    np.random.seed(0)
    guidance = Guidance(
        attention=torch.rand(4, 4, 4), saliency=torch.rand(4, 32, 32))
    return BATCH_AUGMENTS.build(cfg)(inputs, torch.eye(4), guidance)[0]


@pytest.mark.parametrize('cfg', PASTING + BLENDING)
def test_images_may_require_a_gradient(cfg):
    inputs = torch.rand(4, 3, 32, 32)
    expected = mixed_by_itself(cfg, inputs)
    mixed = mixed_by_itself(cfg, inputs.requires_grad_())
    torch.testing.assert_close(mixed, expected)
    weight = torch.rand(4, 3, 32, 32)
    slope, = torch.autograd.grad((mixed * weight).sum(), inputs)
    with torch.no_grad():  # a mix is linear in the images, in their places
        assert (slope * inputs).sum() == pytest.approx(
            (expected * weight).sum().item(), rel=1e-4)


@pytest.mark.parametrize('cfg', PASTING)
def test_bytes_are_pasted(cfg):
    inputs = torch.randint(256, (4, 3, 32, 32), dtype=torch.uint8)
    mixed = mixed_by_itself(cfg, inputs)
    assert mixed.dtype == torch.uint8
    if cfg['type'] != 'mmmix.ResizeMix':  # which rounds
        assert torch.equal(mixed.float(), mixed_by_itself(cfg, inputs.float()))


@pytest.mark.parametrize('cfg', BLENDING)
def test_bytes_are_not_blended(cfg):
    inputs = torch.zeros(4, 3, 32, 32, dtype=torch.uint8)
    with pytest.raises(MmmixError, match='floating point .* torch.uint8'):
        mixed_by_itself(cfg, inputs)


@pytest.mark.parametrize('cfg', MIXERS)
@pytest.mark.parametrize('n', [1, 2, 7])
def test_labels_sum_to_one_and_lambda_is_the_area(cfg, n):
    for seed in range(5):
        mixed, inputs, _ = run(cfg, seed, n)
        assert mixed.inputs.shape == inputs.shape
        assert mixed.source.shape == mixed.lam.shape == (n, )
        torch.testing.assert_close(mixed.mixed_labels().sum(1), torch.ones(n))
        torch.testing.assert_close(mixed.lam, area_lambda(mixed.mask))
        assert ((0 <= mixed.lam) & (mixed.lam <= 1)).all()


@pytest.mark.parametrize('cfg', MIXERS)
def test_the_same_numbers_give_the_same_mix(cfg):
    mixer = BATCH_AUGMENTS.build(cfg)
    inputs, labels, guidance = case()
    before = inputs.clone()
    first, second = (
        mixer.mix(inputs, labels,
                  mixer.sample(np.random.default_rng(3), 7, inputs.shape[-2:]),
                  guidance) for _ in range(2))
    assert torch.equal(first.inputs, second.inputs)
    assert torch.equal(first.lam, second.lam)
    assert torch.equal(inputs, before)


@pytest.mark.parametrize('cfg', [
    cfg for cfg in MIXERS
    if 'resize' not in cfg['type'].lower() and 'Mixup' not in cfg['type']
])
def test_every_pixel_comes_from_its_image_and_place(cfg):
    mixed, inputs, _ = run(cfg, seed=1)
    mask = resize_mask(mixed.mask, inputs.shape[-2:]).bool()
    for i in range(len(inputs)):
        shift = (mixed.source_boxes - mixed.target_boxes)[i, :2].tolist()
        for y in range(inputs.size(2)):
            for x in range(inputs.size(3)):
                expected = inputs[mixed.source[i], :, y + shift[0],
                                  x + shift[1]] if mask[i, y,
                                                        x] else inputs[i, :, y,
                                                                       x]
                assert torch.equal(mixed.inputs[i, :, y, x], expected)


@pytest.mark.parametrize('per_image', [False, True])
def test_smmix_moves_the_most_attended_box_onto_the_least(per_image):
    cfg = dict(type='mmmix.SMMix', delta=(0.2, 1), per_image=per_image)
    mixed, _, guidance = run(cfg, seed=2)

    def total(attention, box):
        y1, x1, y2, x2 = box
        return attention[y1:y2, x1:x2].sum().item()

    def places(attention, h, w):
        height, width = attention.shape
        return [
            total(attention, (i, j, i + h, j + w))
            for i in range(height - h + 1) for j in range(width - w + 1)
        ]

    sizes = set()
    for i in range(7):
        source = guidance.attention[mixed.source[i]]
        target = guidance.attention[i]
        taken = (mixed.source_boxes[i] // 8).tolist()
        put = (mixed.target_boxes[i] // 8).tolist()
        h, w = put[2] - put[0], put[3] - put[1]
        sizes.add((h, w))
        assert total(source, taken) == pytest.approx(
            max(places(source, h, w)), abs=1e-6)
        assert total(target, put) == pytest.approx(
            min(places(target, h, w)), abs=1e-6)
    assert (len(sizes) > 1) == per_image


def test_smmix_sides():
    mixer = BATCH_AUGMENTS.build(dict(type='mmmix.SMMix'))
    side = np.linspace(0, 1, 1000, endpoint=False)
    sizes = mixer.region_sizes(side, (14, 28))
    delta = 0.25 + side / 2
    assert sizes.tolist() == [[int(d * 14), int(d * 28)] for d in delta]

    # k / 49 of 49 cells are k, though floating point may fall short of it
    for k in range(50):
        mixer = BATCH_AUGMENTS.build(dict(type='mmmix.SMMix', delta=k / 49))
        assert mixer.region_sizes(side[:1], (49, 49)).tolist() == [[k, k]]

    public = BATCH_AUGMENTS.build(dict(type='mmmix.SMMix', integer_sides=True))
    sizes, counts = np.unique(
        public.region_sizes(side, (14, 14)), axis=0, return_counts=True)
    assert sizes.tolist() == [[s, s] for s in range(3, 11)]
    assert counts.min() >= 124


@pytest.mark.parametrize('delta,lam', [((0, 0.25), 0.), (1, 1.)])
def test_regions_of_no_and_of_all_cells(delta, lam):
    mixed, inputs, _ = run(dict(type='mmmix.SMMix', delta=delta))
    assert (mixed.lam == lam).all()
    expected = inputs[mixed.source] if lam else inputs
    assert torch.equal(mixed.inputs, expected)


def test_flip_pairs_the_middle_of_an_odd_batch_with_itself():
    mixed, *_ = run(dict(type='mmmix.SMMix'))
    assert mixed.source.tolist() == [6, 5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize('name,stock', [('CutMix', StockCutMix),
                                        ('ResizeMix', StockResizeMix)])
def test_boxes_are_pasted_as_by_mmpretrain(name, stock, monkeypatch):
    """Given the same pairs and box, images and labels are MMPretrain's."""
    inputs, labels, _ = case()
    ours = BATCH_AUGMENTS.build(dict(type=f'mmmix.{name}', alpha=1.))
    for seed in range(5):
        params = ours.sample(np.random.default_rng(seed), 7, inputs.shape[-2:])
        mixed = ours.mix(inputs, labels, params)
        y1, x1, y2, x2 = params['box']
        if y1 == y2 or x1 == x2:
            continue
        theirs = stock(alpha=1.)
        drawn = (y1, y2, x1, x2), 1 - (y2 - y1) * (x2 - x1) / (48 * 32)
        monkeypatch.setattr(
            theirs, 'cutmix_bbox_and_lam', lambda *args, drawn=drawn: drawn)
        monkeypatch.setattr(
            torch, 'randperm', lambda n, source=mixed.source: source)
        images, expected = theirs(inputs.clone(), labels)
        torch.testing.assert_close(mixed.inputs, images)
        torch.testing.assert_close(mixed.mixed_labels(), expected)


@pytest.mark.parametrize('per_image', [False, True])
def test_mixup_blends(per_image):
    mixed, inputs, _ = run(
        dict(type='mmmix.Mixup', alpha=0.8, per_image=per_image))
    assert len(mixed.lam.unique()) == (7 if per_image else 1)
    lam = mixed.lam.view(-1, 1, 1, 1)
    torch.testing.assert_close(mixed.inputs,
                               lam * inputs[mixed.source] + (1 - lam) * inputs)
    assert mixed.kind == 'blend'


@pytest.mark.parametrize('cfg', [{}, dict(cutmix_minmax=[0.2, 0.8])])
def test_a_box_for_each_image_is_drawn_like_one_for_the_batch(cfg):
    one, several = (
        BATCH_AUGMENTS.build(
            dict(type='mmmix.CutMix', per_image=per_image, **cfg))
        for per_image in (False, True))
    drawn = several.sample(np.random.default_rng(0), 7, (48, 32))
    assert len({*map(tuple, drawn['box'].tolist())}) > 1
    rng = np.random.default_rng(0)
    rng.permutation(7)
    for box, lam in zip(drawn['box'], drawn['lam']):
        state = rng.bit_generator.state
        params = one.sample(rng, 0, (48, 32))  # no pairs are drawn of 0 images
        assert box.tolist() == params['box'].tolist()
        assert lam == params['lam'] and state != rng.bit_generator.state


def stock_boxes(cfg, stock, size, seed, n):
    """Boxes and source weights as MMPretrain draws them."""
    parent = stock(alpha=1., **cfg)
    np.random.seed(seed)
    for _ in range(n):
        lam = np.random.beta(1, 1)
        if stock is StockResizeMix:
            lam = lam * 0.7 + 0.1
        (y1, y2, x1, x2), lam = parent.cutmix_bbox_and_lam(size, lam)
        yield y1, x1, y2, x2, 1 - lam


def openmixup_boxes(size, seed, n):
    """ResizeMix as OpenMixup describes it: the side is uniform."""
    rng = np.random.RandomState(seed)
    for _ in range(n):
        tau = rng.uniform(0.1, 0.8)
        (y1, y2), (x1, x2) = ((max(centre - int(tau * side) // 2,
                                   0), min(centre + int(tau * side) // 2,
                                           side))
                              for side, centre in ((s, rng.randint(s))
                                                   for s in size))
        yield y1, x1, y2, x2, (y2 - y1) * (x2 - x1) / (size[0] * size[1])


def sampled_boxes(cfg, size, n):
    """Boxes and source weights of a mixer."""
    mixer, rng = BATCH_AUGMENTS.build(cfg), np.random.default_rng(0)
    for _ in range(n):
        params = mixer.sample(rng, 2, size)
        yield *params['box'], params['lam']


@pytest.mark.parametrize('cfg,others', [
    (dict(type='mmmix.CutMix'), partial(stock_boxes, {}, StockCutMix)),
    (dict(type='mmmix.CutMix', correct_lam=False),
     partial(stock_boxes, dict(correct_lam=False), StockCutMix)),
    (dict(type='mmmix.ResizeMix',
          target_weight=(0.1, 0.8)), partial(stock_boxes, {}, StockResizeMix)),
    (dict(type='mmmix.ResizeMix'), openmixup_boxes),
])
def test_boxes_are_distributed_as_those_of_others(cfg, others):
    """Both samples of each coordinate and of lambda have, by the test of
    Kolmogorov and Smirnov, one distribution (a millionth of false alarms)."""
    n, size = 3000, (40, 64)
    ours = np.array([*sampled_boxes(cfg, size, n)], np.float64)
    theirs = np.array([*others(size, 1, n)], np.float64)
    for one, other in zip(ours.T, theirs.T):
        # means of the float32 lambda are compared on the float64 axis
        places = np.sort(np.r_[one, other]) + 1e-6
        gap = np.abs(
            np.searchsorted(np.sort(one), places) -
            np.searchsorted(np.sort(other), places)).max() / n
        assert gap < 2.7 * (2 / n)**0.5
    assert len(np.unique(ours[:, 0])) > 10


def test_mean_weight_of_resizemix():
    """0.174 with OpenMixup's boxes, 0.354 with MMPretrain's."""
    for cfg, mean in ((dict(type='mmmix.ResizeMix'), 0.174),
                      (dict(type='mmmix.ResizeMix',
                            target_weight=(0.1, 0.8)), 0.354)):
        lams = [lam for *_, lam in sampled_boxes(cfg, (224, 224), 4000)]
        assert np.mean(lams) == pytest.approx(mean, abs=0.01)


@pytest.mark.parametrize('cfg', [
    dict(type='CutMix'),
    dict(type='CutMix', cutmix_minmax=[0.2, 0.6]),
    dict(type='ResizeMix'),
    dict(type='ResizeMix', target_weight=(0.1, 0.8))
])
def test_lambda_is_exactly_the_pasted_area(cfg):
    mixer = BATCH_AUGMENTS.build(dict(cfg, type=f'mmmix.{cfg["type"]}'))
    rng = np.random.default_rng(0)
    inputs, labels, _ = case(size=(40, 64))
    for _ in range(50):
        params = mixer.sample(rng, 7, (40, 64))
        mixed = mixer.mix(inputs, labels, params)
        y1, x1, y2, x2 = mixed.target_boxes[0].tolist()
        area = np.float32((y2 - y1) * (x2 - x1) / (40 * 64))
        assert mixed.lam.tolist() == [area] * 7


def test_global_random_state_is_left_alone():
    mixer = BATCH_AUGMENTS.build(dict(type='mmmix.CutMix', alpha=1.))
    np.random.seed(0)
    expected = np.random.rand()
    np.random.seed(0)
    mixer.sample(np.random.default_rng(0), 4, (32, 32))
    assert np.random.rand() == expected


@pytest.mark.parametrize('name', ['CutMix', 'Mixup', 'ResizeMix'])
def test_unguided_mixers_keep_mmpretrains_contract(name):
    inputs, labels, _ = case()
    augment = RandomBatchAugment(dict(type=f'mmmix.{name}', alpha=1.))
    np.random.seed(0)
    first = augment(inputs, labels)
    np.random.seed(0)
    again = augment(inputs, labels)
    assert first[0].shape == inputs.shape and first[1].shape == (7, 4)
    assert torch.equal(first[0], again[0])


def test_a_guided_mixer_names_what_it_requires():
    inputs, labels, _ = case()
    mixer = BATCH_AUGMENTS.build(dict(type='mmmix.SMMix'))
    with pytest.raises(ValueError, match='MixDataPreprocessor'):
        mixer(inputs, labels)
    params = mixer.sample(np.random.default_rng(0), 7, (48, 32))
    with pytest.raises(ValueError, match='attention'):
        mixer.mix(inputs, labels, params)


def mean_over(attention, rows, columns):
    """The map (N, h, w) averaged onto a grid, one cell after the other."""
    n, height, width = attention.shape
    cells = torch.zeros(n, rows, columns)
    for i, j, r, c in itertools.product(
            range(rows), range(columns), range(height), range(width)):
        down, right = (max(
            0,
            min((new + 1) / count,
                (old + 1) / side) - max(new / count, old / side)) * count
                       for new, count, old, side in ((i, rows, r, height),
                                                     (j, columns, c, width)))
        cells[:, i, j] += down * right * attention[:, r, c]
    return cells


@pytest.mark.parametrize('grid,map_size,own', [(None, (5, 7), (5, 7)),
                                               (9, (4, 3), (9, 9)),
                                               ((4, 2), (6, 5), (4, 2))])
def test_regions_are_whole_pixels_on_any_grid(grid, map_size, own):
    """The extremes of the averaged map; both boxes are of one size."""
    inputs, labels, _ = case()  # of 48 x 32 pixels
    attention = torch.rand(7, *map_size)
    mixer = BATCH_AUGMENTS.build(dict(type='mmmix.SMMix', delta=.5, grid=grid))
    params = mixer.sample(np.random.default_rng(0), 7, (48, 32))
    mixed = mixer.mix(inputs, labels, params, Guidance(attention=attention))
    cells = mean_over(attention, *own)
    h, w = own[0] // 2, own[1] // 2
    height, width = round(48 * h / own[0]), round(32 * w / own[1])
    assert torch.allclose(mixed.lam, torch.tensor(height * width / (48 * 32)))
    assert torch.allclose(mixed.lam, area_lambda(mixed.mask))
    for i in range(7):
        for boxes, maps, best in ((mixed.source_boxes, cells[mixed.source],
                                   max), (mixed.target_boxes, cells, min)):
            sums = {
                (y, x): maps[i, y:y + h, x:x + w].sum().item()
                for y in range(own[0] - h + 1)
                for x in range(own[1] - w + 1)
            }
            y, x = best(sums, key=sums.get)
            y1, x1, y2, x2 = boxes[i].tolist()
            assert (y2 - y1, x2 - x1) == (height, width)
            assert abs(y1 - 48 * y / own[0]) <= 1
            assert abs(x1 - 32 * x / own[1]) <= 1


@pytest.mark.parametrize('cfg,message', [
    (dict(type='SMMix', delta=(0.75, 0.25)), r'low <= high, not \(0.75'),
    (dict(type='SMMix', delta=1.2), 'in .0, 1. .*not 1.2'),
    (dict(type='SMMix', delta=(0, 0.5, 1)), 'or two'),
    (dict(type='SMMix', pairing='random'), "not 'random'"),
    (dict(type='SMMix', grid=0), 'positive whole numbers, or None, not 0'),
    (dict(type='CutMix', alpha=0), 'positive number, not 0'),
    (dict(type='CutMix', alpha=1, cutmix_minmax=[0.8, 0.2]), 'low <= high'),
    (dict(type='Mixup', alpha=-1), 'positive number, not -1'),
    (dict(type='ResizeMix', sides=(0.9, 0.8)), '`sides`.*not .0.9'),
    (dict(type='ResizeMix', sides=0.5), '`sides`.*not 0.5'),
    (dict(type='ResizeMix', target_weight=(0, 2)), '`target_weight`.*0, 2'),
    (dict(type='ResizeMix', alpha=1, interpolation='foo'), "not 'foo'"),
])
def test_bad_hyper_parameters_are_refused(cfg, message):
    cfg['type'] = 'mmmix.' + cfg['type']
    with pytest.raises(ValueError, match=message):
        BATCH_AUGMENTS.build(cfg)


def test_length_mismatch_is_refused():
    mixer = BATCH_AUGMENTS.build(dict(type='mmmix.Mixup', alpha=1.))
    with pytest.raises(ValueError, match='same N'):
        mixer(torch.rand(4, 3, 8, 8), torch.eye(3))


def test_mixers_are_picked_by_their_probabilities():
    augments = [dict(type='mmmix.Mixup', alpha=1.), dict(type='mmmix.SMMix')]
    probs = [0.5, 0.2]
    mixers = RandomMixer(augments, probs)
    rng = np.random.default_rng(0)
    picks = [mixers.pick(rng) for _ in range(4000)]
    shares = [
        sum(pick is mixer for pick in picks) / 4000
        for mixer in (*mixers.augments, None)
    ]
    np.testing.assert_allclose(shares, [0.5, 0.2, 0.3], atol=0.03)
    # unlike MMPretrain's, it can be built twice from the same lists
    assert probs == [0.5, 0.2]
    RandomMixer(augments, probs)


def test_probabilities_that_sum_to_1_always_mix():
    mixers = RandomMixer([dict(type='mmmix.SMMix')] * 3, [0.1, 0.2, 0.7])

    class AlmostOne:

        def random(self):
            return 1 - 1e-16

    assert mixers.pick(AlmostOne()) is mixers.augments[2]


@pytest.mark.parametrize('probs,message', [([0.7, 0.5], 'sums to 1.2'),
                                           ([-0.1, 0.5], 'not be negative'),
                                           ([0.5], 'each of the 2'),
                                           ([float('nan'), 0.5], 'negative')])
def test_bad_probabilities_are_refused(probs, message):
    augments = [dict(type='mmmix.Mixup', alpha=1.), dict(type='mmmix.SMMix')]
    with pytest.raises(ValueError, match=message):
        RandomMixer(augments, probs)


def test_no_augments_are_refused():
    with pytest.raises(ValueError, match='is empty'):
        RandomMixer([])
