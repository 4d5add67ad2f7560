"""Mixers, label rules, losses and guides train together, or say what lacks."""
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def tool():
    path = ROOT / '.dev_scripts/cross_table.py'
    spec = importlib.util.spec_from_file_location('cross_table', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def results_of(tool):
    return {name: tool.outcomes(name) for name in tool.BACKBONES}


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


def test_the_table_explains_every_refusal(tool, results_of):
    for backbone, results in results_of.items():
        for names, letter in results.items():
            mixer, *others = names
            cells = {
                tool.cell(results, mixer=mixer, **{axis: name})
                for axis, name in zip(tool.AXES[1:], others)
            }
            assert bool(letter) == bool(cells - {'✓'}), (backbone, names)
            assert letter in {'', *cells}


def test_every_mixer_is_crossed(tool):
    from mmmix.cli.methods import mixer_names
    crossed = {cfg['type'].split('.')[-1] for cfg in tool.MIXERS.values()}
    assert crossed == set(mixer_names())


def test_the_readme_holds_the_table(tool, results_of):
    readme = (ROOT / 'README.md').read_text()
    assert tool.renewed(readme, tool.table(results_of)) == readme, (
        'renew it: python .dev_scripts/cross_table.py --write README.md')


def test_a_file_without_markers(tool):
    with pytest.raises(ValueError, match='no table between'):
        tool.renewed('# Another file', 'table')
