"""Methods of mixing that tools compare: loaded, paired, on other models."""
import argparse
from pathlib import Path

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample

from mmmix.analysis import (TrainedModel, check_alike, open_dataset,
                            pair_batches)
from mmmix.analysis.methods import measure_pairs
from mmmix.analysis.pairs import Pairs, pair_classes
from mmmix.cli import build_model, load_config
from mmmix.cli.methods import guided_methods, read_methods, with_mixing_of
from mmmix.cli.models import read_model
from mmmix.errors import MmmixError
from mmmix.models import SelfGuide, SMMix

TINY = str(Path(__file__).parents[1] / 'test_tools/tiny_smmix.py')
AREA_ATTENTION = ('+model.head.label_rule.type=mmmix.AreaAttentionLabel'
                  '+model.train_cfg.probs=None')


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    model = build_model(load_config(TINY))
    path = tmp_path / 'run' / 'epoch_1.pth'
    path.parent.mkdir()
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(path)


def arguments(pairs=(), methods=(), names=None, options=None):
    return argparse.Namespace(
        pairs=list(pairs),
        methods=list(methods),
        names=names,
        controls=False,
        cfg_options=options)


@pytest.mark.parametrize('labels',
                         [[0, 0, 1, 1], [0, 1, 2], [4, 4, 4, 1, 2, 3],
                          list(range(9)) * 3, [0, 0, 0, 0, 1, 2, 3, 5]])
def test_pairs_of_different_classes(labels):
    seen = set()
    for seed in range(20):
        source = pair_classes(np.array(labels), np.random.default_rng(seed))
        assert sorted(source) == list(range(len(labels)))
        assert all(labels[a] != labels[b] for b, a in enumerate(source))
        seen.add(tuple(source))
    assert len(seen) > 1


@pytest.mark.parametrize('labels, most', [([7], 0), ([1, 1, 1], 0),
                                          ([1, 1, 1, 2], 2)])
def test_pairs_that_cannot_differ_are_told(labels, most):
    source = pair_classes(np.array(labels), np.random.default_rng(0))
    assert sorted(source) == list(range(len(labels)))
    samples = [DataSample().set_gt_label(label) for label in labels]
    valid = Pairs(torch.zeros(len(labels)), samples, source).valid
    assert valid.sum() == most
    assert valid.tolist() == [
        labels[a] != labels[b] for b, a in enumerate(source)
    ]


def test_every_image_once_a_round(weights):
    trained = read_model('tiny', TINY, weights)
    dataset = open_dataset(trained)
    rounds = [[], []]
    for number, pairs in enumerate(
            pair_batches(trained, dataset, range(16), 5, rounds=2, seed=4)):
        rounds[number // 4] += [x.sum().item() for x in pairs.inputs]
        assert pairs.key == (4, number)
        assert len(pairs.source) == len(pairs.valid) == len(pairs.labels)
    assert rounds[0] != rounds[1]
    assert sorted(rounds[0]) == sorted(rounds[1]) and len(rounds[0]) == 16


def test_methods_share_pairs_and_regions(weights):
    """The same rule, mixer and weights give the same, whoever asks."""
    own, = read_methods(
        arguments(
            [TINY, weights],
            options={
                'model.train_cfg.augments': [dict(type='mmmix.SMMix')],
                'model.train_cfg.probs': None
            }))
    named, cut, again = guided_methods(['SMMix', 'CutMix', 'mmmix.CutMix'],
                                       [TINY, weights])
    assert own.guided_by == named.guided_by == 'run/epoch_1.pth'
    assert cut.guided_by == 'nobody'
    pairs = next(pair_batches(own, open_dataset(own), range(6), 6))
    mine, theirs = own.mix(pairs), named.mix(pairs)
    assert torch.equal(mine.inputs, theirs.inputs)
    assert torch.equal(mine.lam, theirs.lam)
    assert mine.source.tolist() == pairs.source.tolist()
    assert torch.equal(cut.mix(pairs).inputs, again.mix(pairs).inputs)


def test_controls(weights):
    method, = guided_methods(['SMMix+delta=0.5'], [TINY, weights])
    assert method.mixer.delta == (.5, .5)
    pairs = next(pair_batches(method, open_dataset(method), range(6), 6))
    maps = torch.zeros(6, 32, 32)
    maps[:, 8:24, 16:] = 1
    oracle = method.controlled('oracle')
    assert oracle.guided_by == 'the truth'
    assert oracle.name == 'SMMix+delta=0.5, oracle'
    mixed = oracle.mix(pairs, maps)
    assert mixed.source_boxes.tolist() == [[8, 16, 24, 32]] * 6
    assert (mixed.target_boxes[:, 3] <= 16).all()  # beside the object
    chance = method.controlled('chance')
    first, second = chance.mix(pairs, maps), chance.mix(pairs)
    assert torch.equal(first.inputs, second.inputs)
    assert len(first.source_boxes.unique(dim=0)) > 1
    assert torch.equal(first.lam, mixed.lam)


def test_another_model_mixes_as_a_config_says(weights):
    host = load_config('vanilla/vit-xs_vanilla_1xb128-15e_tiny-imagenet-25.py')
    cfg = with_mixing_of(
        'tdattenmix/deit-small_tdattenmix_8xb128-300e_in1k.py', host)
    model = build_model(cfg)
    assert type(model.label_rule).__name__ == 'AreaAttentionLabel'
    assert model.head.num_classes == 25 and not model.head.mix_losses
    guide = model.data_preprocessor.guides['attention']
    assert type(guide.attention_map).__name__ == 'TopDown'
    cfg = with_mixing_of(
        TINY + AREA_ATTENTION + '+model.head.label_rule.beta=0', host)
    assert build_model(cfg).label_rule.beta == 0
    # a frozen guide of the method gives way to the model
    cfg = with_mixing_of(
        'attentive_cutmix/vit-xs_attentive-cutmix_1xb128-15e_tiny-imagenet-25.py',
        host)
    guide = build_model(cfg).data_preprocessor.guides['attention']
    assert isinstance(guide, SelfGuide)


def test_the_map_of_a_guide_of_attention_alone():
    host = load_config(TINY)
    method = TINY + ''.join(
        f'+model.train_cfg.guide.attention.{option}'
        for option in ('type=mmmix.EMAGuide',
                       'attention_map.type=mmmix.ClassAttention'))
    guides = build_model(with_mixing_of(method, host)).data_preprocessor.guides
    assert isinstance(guides['attention'], SelfGuide)
    assert type(guides['attention'].attention_map).__name__ == 'ClassAttention'
    # a map that the model does not have is not replaced by another
    cfg = with_mixing_of(
        'tdattenmix/deit-small_tdattenmix-public-code_8xb128-300e_in1k.py',
        host)
    with pytest.raises(MmmixError, match='requires an AbSViT'):
        build_model(cfg)


@pytest.mark.parametrize('whole', [False, True])
def test_pixels_guide_whatever_the_model(weights, whole, tmp_path):
    guide = dict(type='mmmix.ImageGuide')
    cfg = load_config(TINY)
    cfg.model.train_cfg = dict(
        augments=[dict(type='mmmix.SaliencyMix')],
        guide=guide if whole else dict(attention=guide))
    cfg.dump(tmp_path / 'saliencymix.py')
    method, = guided_methods([str(tmp_path / 'saliencymix.py')],
                             [TINY, weights])
    assert method.guided_by == 'the pixels'
    pairs = next(pair_batches(method, open_dataset(method), range(6), 6))
    assert method.attention(pairs).shape == (6, 32, 32)
    assert method.mix(pairs).mixer == 'SaliencyMix'
    own, = guided_methods(['SaliencyMix'], [TINY, weights])
    assert own.guided_by == 'run/epoch_1.pth'
    assert own.attention(pairs).shape == (6, 4, 4)


def test_a_stock_model_guides_and_labels(tmp_path):
    host = 'mmpretrain::deit/deit-tiny_4xb256_in1k.py'
    small = {
        'model.backbone.arch':
        dict(
            _delete_=True,
            embed_dims=16,
            num_layers=2,
            num_heads=2,
            feedforward_channels=32),
        'model.backbone.img_size':
        32,
        'model.backbone.patch_size':
        8,
        'model.head.num_classes':
        10,
        'model.head.in_channels':
        16,
        'model.train_cfg':
        None,
        'data_preprocessor.num_classes':
        10
    }
    cfg = load_config(host, small)
    torch.save(
        dict(state_dict=build_model(cfg).state_dict()), tmp_path / 'w.pth')
    method, = guided_methods(
        ['transmix/vit-xs_transmix_1xb128-15e_tiny-imagenet-25.py'],
        [host, str(tmp_path / 'w.pth')], small)
    trained = TrainedModel('data', load_config(TINY), '', method.model)
    pairs = next(pair_batches(method, open_dataset(trained), range(4), 4))
    mixed = method.mix(pairs)
    assert not torch.equal(mixed.lam, mixed.mask.mean((1, 2)))


def test_several_mixers_are_several_methods(weights):
    methods = read_methods(arguments([TINY, weights], names=['both']))
    assert [m.name for m in methods] == ['both: SMMix', 'both: Mixup']
    assert isinstance(methods[0].mixer, SMMix)


def test_mixers_of_one_type_have_values_of_their_own(weights):
    mixers = [dict(type='mmmix.CutMix', alpha=alpha) for alpha in (1., .2)]
    options = {
        'model.train_cfg.augments': [*mixers,
                                     dict(type='mmmix.ResizeMix')],
        'model.train_cfg.probs': None
    }
    methods = read_methods(
        arguments([TINY, weights], names=['all'], options=options))
    assert [m.name for m in methods
            ] == ['all: CutMix', "all: CutMix'", 'all: ResizeMix']
    pairs = pair_batches(methods[0], open_dataset(methods[0]), range(6), 6)

    def numbers(pairs):
        return [dict(own=torch.full((6, ), number)) for number in range(3)]

    found, _ = measure_pairs(methods, pairs, numbers)
    assert [set(own['own']) for own in found.values()] == [{0}, {1}, {2}]
    methods[1].name = methods[0].name
    with pytest.raises(MmmixError, match="2 are called 'all: CutMix'"):
        measure_pairs(methods, pairs, numbers)


@pytest.mark.parametrize('given, problem', [
    (dict(pairs=[TINY]), 'needs its CHECKPOINT'),
    (dict(), 'nothing to compare'),
    (dict(methods=['SMMix']), 'guided by a trained model'),
    (dict(methods=['SMMix'], names=['a', 'b']), '1 different names'),
    (dict(methods=['SMMix+delta']), 'KEY=VALUE'),
    (dict(methods=['gone/vit.py']), 'gone/vit.py'),
    (dict(methods=['vanilla/vit-xs_vanilla_1xb64-10e_synthetic.py']),
     'mixes nothing'),
])
def test_bad_input(given, problem, weights):
    host = None if problem.startswith('guided') else [TINY, weights]
    with pytest.raises((ValueError, FileNotFoundError), match=problem):
        read_methods(arguments(**given), host)


def test_a_stock_mixer_is_refused(weights):
    with pytest.raises(ValueError, match='does not say what it mixed'):
        read_methods(
            arguments(
                [TINY, weights],
                options={
                    'model.train_cfg.augments':
                    [dict(type='mmpretrain.CutMix', alpha=1.)],
                    'model.train_cfg.probs':
                    None,
                    'model.head.mix_losses':
                    None
                }))


def test_models_that_see_differently_are_refused(weights):
    first, = guided_methods(['CutMix'], [TINY, weights])
    other, = guided_methods(['CutMix'], [TINY, weights],
                            {'data_preprocessor.std': [60.] * 3})
    dataset = open_dataset(first)
    check_alike([first, first], dataset)
    with pytest.raises(ValueError, match='normalise images differently'):
        check_alike([first, other], dataset)
    dataset.full_init()
    dataset._metainfo['classes'] = tuple('abc')
    with pytest.raises(ValueError, match='knows 10 classes'):
        check_alike([first], dataset)


@pytest.mark.parametrize(
    'numbers, problem',
    [(dict(batch_size=1), '`batch_size` must be at least 2'),
     (dict(rounds=0), '`rounds`'), (dict(seed=-1), '`seed`')])
def test_numbers_out_of_range(numbers, problem, weights):
    method, = guided_methods(['CutMix'], [TINY, weights])
    with pytest.raises(ValueError, match=problem):
        next(pair_batches(method, open_dataset(method), range(4), **numbers))
