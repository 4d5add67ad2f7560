"""Attentive CutMix against the paper's description, cell by cell."""
import numpy as np
import pytest
import torch
from helpers import build, train_losses, vit_config

from mmmix.models import AttentiveCutMix
from mmmix.structures import Guidance


def guidance(n, grid):
    return Guidance(attention=torch.rand(n, *grid))


def mix(mixer, inputs, maps, seed=0):
    params = mixer.sample(
        np.random.default_rng(seed), len(inputs), inputs.shape[-2:])
    return mixer.mix(inputs, torch.eye(len(inputs)), params, maps)


def edge(i, cells, side):
    return int(np.floor(i * side / cells + 0.5))


@pytest.mark.parametrize('size', [(224, 224), (32, 32), (30, 65)])
@pytest.mark.parametrize('n', [1, 5])
def test_the_top_cells_of_the_source_are_pasted_in_place(size, n):
    torch.manual_seed(0)
    inputs, maps = torch.rand(n, 3, *size), guidance(n, (7, 7))
    before = inputs.clone()
    mixed = mix(AttentiveCutMix(num_cells=6), inputs, maps)
    expected = inputs.clone()
    area = []
    for i, j in enumerate(mixed.source.tolist()):
        ranked = sorted(((maps.attention[j, y, x].item(), y, x)
                         for y in range(7) for x in range(7)),
                        reverse=True)
        pixels = 0
        for _, y, x in ranked[:6]:
            rows = slice(edge(y, 7, size[0]), edge(y + 1, 7, size[0]))
            columns = slice(edge(x, 7, size[1]), edge(x + 1, 7, size[1]))
            expected[i, :, rows, columns] = inputs[j, :, rows, columns]
            pixels += inputs[j, 0, rows, columns].numel()
        area.append(pixels / (size[0] * size[1]))
    assert torch.equal(mixed.inputs, expected)
    assert torch.equal(inputs, before)
    torch.testing.assert_close(mixed.lam, torch.full((n, ), 6 / 49))
    torch.testing.assert_close(
        mixed.mask_on((1, 1)).flatten(), torch.tensor(area))

    by_area = mix(AttentiveCutMix(num_cells=6, lam='area'), inputs, maps)
    torch.testing.assert_close(by_area.lam, torch.tensor(area))


def test_lambda_is_the_area_where_cells_divide_the_image():
    inputs = torch.rand(3, 3, 56, 28)
    cells = mix(AttentiveCutMix(9), inputs, guidance(3, (7, 7)))
    area = mix(AttentiveCutMix(9, lam='area'), inputs, guidance(3, (7, 7)))
    torch.testing.assert_close(cells.lam, area.lam)
    assert cells.mask.shape == (3, 7, 7)


def test_a_map_on_another_grid_is_averaged_or_taken_as_it_is():
    inputs = torch.rand(2, 3, 28, 28)
    maps = Guidance(attention=torch.zeros(2, 14, 14))
    maps.attention[:, 4:6, 8:10] = 1
    mixed = mix(AttentiveCutMix(1), inputs, maps)
    assert mixed.mask[0].nonzero().tolist() == [[2, 4]]
    own = mix(AttentiveCutMix(4, grid=None), inputs, maps)
    assert torch.equal(own.mask, maps.attention)


@pytest.mark.parametrize('n', [1, 2, 3, 8])
def test_two_distinct_images_are_mixed(n):
    """Section 3.1; every other image is as likely a source."""
    mixer, rng = AttentiveCutMix(), np.random.default_rng(0)
    counts = np.zeros((n, n), int)
    for _ in range(500):
        source = mixer.sample(rng, n, (28, 28))['source']
        assert sorted(source) == [*range(n)]
        counts[np.arange(n), source] += 1
    if n > 1:
        assert not counts.diagonal().any()
        others = counts[~np.eye(n, dtype=bool)]
        assert abs(others - 500 / (n - 1)).max() < 60


def test_all_cells_replace_the_image():
    inputs = torch.rand(4, 3, 32, 32)
    mixed = mix(AttentiveCutMix(49), inputs, guidance(4, (7, 7)))
    assert torch.equal(mixed.inputs, inputs[mixed.source])
    assert torch.equal(mixed.lam, torch.ones(4))


def test_the_number_of_cells_is_drawn_as_by_openmixup():
    """floor(49 lambda), at least one, lambda from Beta(2, 2), for a batch;
    the expected numbers of every quarter by numeric integration."""
    mixer, rng = AttentiveCutMix(alpha=2), np.random.default_rng(0)
    inputs, maps = torch.rand(3, 3, 28, 28), guidance(3, (7, 7))
    counts = []
    for _ in range(1500):
        params = mixer.sample(rng, 3, (28, 28))
        mixed = mixer.mix(inputs, torch.eye(3), params, maps)
        pasted = mixed.mask.sum((1, 2)).tolist()
        assert pasted == [pasted[0]] * 3
        torch.testing.assert_close(mixed.lam, mixed.mask.mean((1, 2)))
        counts.append(pasted[0])
    edges = [1, 13, 25, 37, 50]
    density = 6 * (x := np.linspace(0, 1, 490001)) * (1 - x)
    drawn = np.maximum(np.floor(49 * x), 1)
    for low, high in zip(edges, edges[1:]):
        inside = (drawn >= low) & (drawn < high)
        share = np.mean([low <= count < high for count in counts])
        assert share == pytest.approx(
            density[inside].sum() / density.sum(), abs=0.05)
    few = AttentiveCutMix(
        alpha=2, grid=2).mix(inputs, torch.eye(3),
                             dict(source=np.array([1, 2, 0]), share=0.), maps)
    assert few.mask.sum((1, 2)).tolist() == [1, 1, 1]


@pytest.mark.parametrize('wrong', [
    dict(num_cells=0),
    dict(num_cells=50),
    dict(num_cells=2.5),
    dict(num_cells=17, grid=(4, 4)),
    dict(num_cells=0, grid=None),
    dict(alpha=0),
    dict(grid=0),
    dict(grid=(7, 7, 7)),
    dict(grid=3.5),
    dict(lam='pixels'),
    dict(pairing='random'),
])
def test_wrong_arguments(wrong):
    name = [*wrong][0]
    with pytest.raises(ValueError, match=f'`{name}`'):
        AttentiveCutMix(**wrong)


def test_nothing_waits_for_a_value():
    # a tensor without values stands for one on a busy GPU
    inputs, maps = torch.rand(5, 3, 32, 32, device='meta'), guidance(5, (4, 4))
    maps.attention = maps.attention.to('meta')
    mixed = mix(AttentiveCutMix(), inputs, maps)
    assert mixed.inputs.is_meta and mixed.lam.is_meta
    assert mixed.inputs.shape == inputs.shape


def test_more_cells_than_the_map_has():
    mixer = AttentiveCutMix(10, grid=None)
    with pytest.raises(ValueError, match='from 1 to 9'):
        mix(mixer, torch.rand(2, 3, 32, 32), guidance(2, (3, 3)))


def test_it_requires_a_guide():
    with pytest.raises(ValueError, match='guidance.attention'):
        mix(AttentiveCutMix(), torch.rand(2, 3, 32, 32), None)


@pytest.mark.filterwarnings('ignore:FrozenGuide has no checkpoint')
def test_a_frozen_extractor_without_head_sees_its_own_input_size():
    extractor = dict(
        model=dict(
            type='ImageClassifier', backbone=dict(type='ResNet', depth=18)),
        data_preprocessor=dict(mean=[100.] * 3, std=[50.] * 3, to_rgb=True))
    guide = dict(type='mmmix.FrozenGuide', config=extractor, input_size=224)
    model = build(
        vit_config([dict(type='mmmix.AttentiveCutMix')], guide=guide))
    losses, data = train_losses(model)
    assert data['guidance'].attention.shape == (6, 7, 7)
    assert torch.isfinite(losses['loss_cls'])
