"""Mixers, label rules, losses and guides train together, or say what lacks."""
from pathlib import Path

import cross_table
import pytest
from generated import renewed

from mmmix.models import LabelRule, MixLoss
from mmmix.models.guides import Guide
from mmmix.models.losses import GeneratorLoss
from mmmix.registry import MODELS, TASK_UTILS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def results_of():
    return {name: cross_table.outcomes(name) for name in cross_table.BACKBONES}


def missing(backbone, mixer, rule, losses):
    """What a combination lacks, from the parts' descriptions alone."""
    regional = losses in ('fine-grained', 'both')
    lacks = set()
    if mixer in ('CoMixup', 'Mixup', 'ManifoldMix') and rule != 'area':
        lacks.add('M')
    # the mask of PuzzleMix has halves
    if regional and mixer in ('AutoMix', 'CoMixup', 'Mixup', 'ManifoldMix',
                              'PuzzleMix', 'SmoothMix'):
        lacks.add('R')
    if backbone == 'CNN' and regional:
        lacks.add('T')
    if backbone == 'CNN' and rule in ('TransMix', 'PAL'):
        lacks.add('C')
    return lacks


@pytest.mark.parametrize('backbone', ['ViT', 'CNN'])
def test_refused_only_for_a_missing_ingredient(results_of, backbone):
    results = results_of[backbone]
    for (mixer, rule, losses, guide), letter in results.items():
        lacks = missing(backbone, mixer, rule, losses)
        assert letter in (lacks or {''}), (mixer, rule, losses, guide)


def test_the_table_explains_every_refusal(results_of):
    for backbone, results in results_of.items():
        for names, letter in results.items():
            mixer, *others = names
            cells = {
                cross_table.cell(results, mixer=mixer, **{axis: name})
                for axis, name in zip(cross_table.AXES[1:], others)
            }
            assert bool(letter) == bool(cells - {'✓'}), (backbone, names)
            assert letter in {'', *cells}


def names_in(parts):
    """Names of classes in configs, nested ones included."""
    if isinstance(parts, dict):
        if 'type' in parts:
            yield parts['type'].split('.')[-1]
        parts = [*parts.values()]
    for part in parts if isinstance(parts, list) else ():
        yield from names_in(part)


def registered(registry, kind, *others):
    """Names of the parts of a kind that mmmix, not a test, registers."""
    return {
        name
        for name, part in registry.module_dict.items()
        if part.__module__.startswith('mmmix.') and issubclass(part, kind)
        and not issubclass(part, others)
    }


def test_every_part_is_crossed():
    from mmmix.cli.methods import mixer_names
    assert set(names_in(cross_table.MIXERS)) == set(mixer_names())
    assert set(names_in(cross_table.RULES)) == registered(MODELS, LabelRule)
    # AutoMix brings its own
    assert set(names_in(cross_table.LOSSES)) == registered(
        MODELS, MixLoss, GeneratorLoss)
    guides = set(names_in(cross_table.guides('ViT')))
    assert guides >= registered(TASK_UTILS, Guide)


def test_what_reads_label_maps_is_crossed_with_stored_ones(results_of):
    for results in results_of.values():
        crossed = {
            names[0]
            for names in results
            if names[1:] == (*cross_table.READING, cross_table.STORED)
        }
        assert crossed == {*cross_table.MIXERS}


def test_the_page_holds_the_table(results_of):
    page = (ROOT / 'docs/combinations.md').read_text()
    assert renewed(
        page, cross_table.NAME, cross_table.table(results_of)
    ) == page, (
        'run: python .dev_scripts/cross_table.py --write docs/combinations.md')
