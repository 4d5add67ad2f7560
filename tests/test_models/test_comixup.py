"""Co-Mixup: what is made of what is chosen, in training, and what goes with
it."""
import itertools

import numpy as np
import pytest
import torch
from helpers import batch, build, cnn_config, train_losses, vit_config
from mmengine.logging import MessageHub

from mmmix.errors import MissingIngredient
from mmmix.functional import cell_shares, peak_distances, share_cells
from mmmix.models import CoMixup
from mmmix.structures import Guidance

CO = dict(type='mmmix.CoMixup')


def mix(mixer, images, seed=0):
    torch.manual_seed(seed)
    n, size = len(images), images.shape[2:]
    saliency = torch.rand(n, *size)**4
    params = mixer.sample(np.random.default_rng(seed), n, size)
    mixed = mixer.mix(images, torch.eye(n), params,
                      Guidance(saliency=saliency))
    return mixed, saliency, params


@pytest.mark.parametrize('n,size,options', [
    (6, (16, 16), {}),
    (7, (16, 24), dict(partition=3, threshold_type='soft')),
    (5, (16, 16), dict(partition=2, halves=False, part_twins=False)),
])
def test_images_and_labels_by_loops(n, size, options):
    images = torch.rand(n, 3, *size)
    mixer = CoMixup(**options)
    mixed, saliency, params = mix(mixer, images)
    h, w = grid = params['grid']
    assert grid == (4, 4 * size[1] // size[0])
    # what each cell shows
    shares, first = cell_shares(saliency, grid), 0
    weights = torch.zeros(n, n, h, w)
    for count in params['sizes'].tolist():
        part = slice(first, first + count)
        apart = peak_distances(saliency[part])
        similarity = .999 * torch.eye(count)
        similarity += .001 * apart / apart.sum() * count
        prior = .05 / (h * w) * np.log(params['prior'][part] + 1e-8)
        costs = -shares[part] - torch.tensor(prior).float()[:, None, None]
        shown = share_cells(
            costs[None],
            similarity[None],
            torch.tensor(params['start'][part])[None],
            beta=.32,
            gamma=1.,
            threshold=.83,
            soft='threshold_type' in options,
            halves=options.get('halves', True),
            part_twins=options.get('part_twins', True))[0]
        for m, half in itertools.product(range(count), range(2)):
            for y, x in itertools.product(range(h), range(w)):
                weights[first + m, first + shown[m, half, y, x], y, x] += .5
        first += count
    cell = size[0] // h
    expected = torch.einsum(
        'nmyx,mcyx->ncyx',
        weights.repeat_interleave(cell, 2).repeat_interleave(cell, 3), images)
    torch.testing.assert_close(mixed.inputs, expected)
    torch.testing.assert_close(mixed.mixed_labels(), weights.mean((2, 3)))
    # the sources, and where they are
    assert mixed.kind == 'several' and mixed.source.shape == mixed.lam.shape
    for i in range(n):
        for s, lam, mask in zip(mixed.source[i], mixed.lam[i], mixed.mask[i]):
            assert lam == 0 or s != i
            torch.testing.assert_close(
                mask, weights[i, s] if lam else torch.zeros(h, w))
            torch.testing.assert_close(mask.mean(), lam)
    assert (mixed.lam[:, 0] > 0).any()


def test_what_is_drawn():
    mixer, rng = CoMixup(grids=(2, 4), partition=4), np.random.default_rng(0)
    drawn = [mixer.sample(rng, 11, (32, 48)) for _ in range(100)]
    assert {d['grid'] for d in drawn} == {(2, 3), (4, 6)}
    for d in drawn:
        assert d['sizes'].tolist() == [6, 5]
        assert d['prior'][:6].sum() == pytest.approx(1)
        assert d['start'].shape == (11, *d['grid'])
        assert d['start'][:6].max() < 6 and d['start'][6:].max() < 5
    sizes = CoMixup().sample(rng, 100, (32, 32))['sizes']
    assert sizes.tolist() == [20] * 5
    assert CoMixup().sample(rng, 3, (32, 32))['sizes'].tolist() == [3]


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_other_dtypes(dtype):
    images = torch.rand(4, 3, 16, 16)
    exact, *_ = mix(CoMixup(), images)
    mixed, *_ = mix(CoMixup(), images.to(dtype))
    assert mixed.inputs.dtype == dtype and mixed.lam.dtype == torch.float32
    assert torch.equal(mixed.mask, exact.mask)
    torch.testing.assert_close(
        mixed.inputs.float(), exact.inputs, rtol=0, atol=.02)


def test_diversity_makes_the_images_differ():
    images = torch.rand(8, 3, 32, 32)
    alike, apart = (
        mix(CoMixup(gamma=gamma, grids=(8, )), images)[0].mixed_labels()
        for gamma in (0., 1.))
    distances = [torch.cdist(t, t) for t in (alike, apart)]
    assert distances[0].mean() < distances[1].mean() / 2
    # from the next of all others, too
    assert distances[1].sort(1)[0][:, 1].min() > .1
    # and all are shown
    assert apart.sum(0).min() > .5


LOSSES = dict(
    consistency=dict(type='mmmix.ConsistencyLoss', batches='mixed'),
    unmixed=dict(type='mmmix.UnmixedLoss'))


@pytest.mark.parametrize('n,size', [(5, (32, 32)), (2, (32, 48))])
@pytest.mark.parametrize('cfg', [vit_config, cnn_config])
def test_a_training_step(cfg, n, size):
    model = build(cfg([CO], LOSSES, img_size=size))
    losses, step = train_losses(model, batch(n, size))
    assert set(losses) == {'loss_cls', 'loss_consistency', 'loss_unmixed'}
    assert step['mixed'].mask.ndim == 4
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_parts_that_want_one_source_say_so():
    fine = dict(fine=dict(type='mmmix.FineGrainedLoss'))
    rule = dict(label_rule=dict(type='mmmix.AreaAttentionLabel'))
    for options in (dict(mix_losses=fine), dict(head=rule)):
        with pytest.raises(MissingIngredient, match='several sources'):
            build(vit_config([CO], **options))
    # beside another mixer they apply to its batches alone
    model = build(vit_config([CO, dict(type='mmmix.CutMix')], fine, head=rule))
    mixers = model.data_preprocessor.batch_augments.augments
    arguments = dict(
        inputs=torch.rand(4, 3, 32, 32),
        labels=torch.eye(5)[:4],
        rng=np.random.default_rng(0))
    mixed, guidance = model.data_preprocessor.mix_by(model, mixers[0],
                                                     **arguments)
    assert guidance.attention is None
    assert model.relabel(mixed, guidance) is mixed
    # an analysis that chooses the pairs
    with pytest.raises(ValueError, match='CoMixup chooses itself'):
        model.data_preprocessor.mix_by(
            model, mixers[0], **arguments, source=np.arange(4))


def test_its_lambda_is_logged(tmp_path):
    """Of all sources together, whose number changes."""
    from mmmix.engine.hooks import MixStatisticsHook
    hook = MixStatisticsHook()
    model = build(vit_config([CO]))
    model.data_preprocessor.register_mix_hook(hook._record_mix)
    total = []
    model.data_preprocessor.register_mix_hook(
        lambda mixed, guidance: total.append(mixed.lam.sum(1)))
    for step in range(3):
        MessageHub.get_current_instance().update_info('iter', step)
        train_losses(model, batch(4))
    assert torch.equal(torch.cat(hook._kept['lam']), torch.cat(total))


@pytest.mark.parametrize('options,message', [
    (dict(partition=1), '`partition` .* at least 2, not 1'),
    (dict(sweeps=0), '`sweeps`'),
    (dict(threshold_type='none'), '`threshold_type` must be one of'),
    (dict(omega=1.5), r'`omega` must be in \[0, 1\], not 1.5'),
    (dict(gamma=-1), '`gamma`'),
    (dict(grids=(1, )), '`grids`'),
    (dict(alpha=0), '`alpha`'),
])
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        CoMixup(**options)


def test_batches_that_are_too_small_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match='partition of 8 .* batch of 6'):
        CoMixup(partition=8).sample(rng, 6, (32, 32))
    with pytest.raises(ValueError, match='needs two images at least'):
        CoMixup().sample(rng, 1, (32, 32))
    with pytest.raises(ValueError, match='30 x 30 pixels do not divide'):
        CoMixup().sample(rng, 4, (30, 30))
