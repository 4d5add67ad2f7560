"""What metafiles and READMEs say of the configs."""
import re
from functools import lru_cache
from itertools import product

import pytest
import yaml
from config_zoo import CONFIGS, ROOT, every_config, full_width, load

METAFILES = sorted((ROOT / 'configs').glob('*/metafile.yml'))
READMES = sorted((ROOT / 'configs').glob('*/README.md'))


def folder(path):
    return path.parent.name


@lru_cache(maxsize=None)
def entries():
    """What the metafiles say of each config, by its path."""
    return {
        ROOT / entry['Config']: entry
        for metafile in METAFILES
        for entry in yaml.safe_load(metafile.read_text())['Models']
    }


def results(path):
    return [
        result['Metrics']['Top 1 Accuracy']
        for result in entries()[path].get('Results', [])
    ]


def test_every_folder_is_in_the_model_index():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
    folders = {path.parent for path in CONFIGS}
    downstream = (ROOT / 'configs').glob('downstream/*/metafile.yml')
    assert {ROOT / path
            for path in index
            } == {*(path / 'metafile.yml' for path in folders), *downstream}
    assert {path.parent for path in READMES} == folders


@pytest.mark.parametrize('metafile', METAFILES, ids=folder)
def test_metafile_describes_its_configs(metafile):
    index = yaml.safe_load(metafile.read_text())
    collections = {entry['Name'] for entry in index['Collections']}
    described = set()
    for entry in index['Models']:
        path = ROOT / entry['Config']
        described.add(path)
        assert path.stem == entry['Name']
        assert entry['In Collection'] in collections
        assert entry['Metadata']['FLOPs'] > 0
        # nobody has trained these here: a result says whose it is
        assert all(result['Source'] for result in entry.get('Results', []))
    assert described == set(metafile.parent.glob('*.py'))


@every_config
def test_parameters_are_counted(path):
    cfg = load(path)
    cfg.model.train_cfg = None
    parameters = sum(p.numel() for p in full_width(cfg).parameters())
    assert entries()[path]['Metadata']['Parameters'] == parameters


@pytest.mark.parametrize('readme', READMES, ids=folder)
def test_numbers_that_link_a_config_are_its_results(readme):
    for number, link in re.findall(r'\[(\d\d\.\d+)\]\((\S+\.py)\)',
                                   readme.read_text()):
        path = (readme.parent / link).resolve()
        # papers that quote one another round differently
        slack = 0 if path.parent == readme.parent else 0.051
        assert any(
            abs(result - float(number)) <= slack
            for result in results(path)), (number, link)


@pytest.mark.parametrize('readme', READMES, ids=folder)
def test_every_config_is_linked_from_its_readme(readme):
    linked = set(re.findall(r'\]\(([^)/]+\.py)\)', readme.read_text()))
    assert {path.name for path in readme.parent.glob('*.py')} <= linked


CNNS = [
    *(f'resnet{depth}' for depth in (18, 34, 101, 152)),
    *(f'densenet{depth}' for depth in (121, 169, 201, 264)),
    *(f'efficientnet-b{size}' for size in (0, 1, 6, 7)),
]

SETS = ['1xb32-80e_cifar10', '1xb32-120e_cifar100', '1xb64-{}e_in1k']


@pytest.mark.parametrize('model, data', [*product(CNNS, SETS)])
def test_rows_of_attentive_cutmix_differ_in_mixing_alone(model, data):
    """Tables 1 to 3: four published numbers, one recipe."""
    data = data.format(180 if model.startswith('efficientnet') else 100)
    recipes = []
    for method in ('vanilla', 'mixup', 'cutmix', 'attentive-cutmix'):
        path = ROOT / f'configs/attentive_cutmix/{model}_{method}_{data}.py'
        assert len(results(path)) == 1
        recipe = load(path).to_dict()
        mixing = recipe['model'].pop('train_cfg', None)
        assert (mixing is None) == (method == 'vanilla')
        recipe.pop('mixing', None)
        recipes.append(recipe)
    assert all(recipe == recipes[0] for recipe in recipes)


def test_attentive_cutmix_sweeps_the_number_of_cells():
    """Section 4.6: N from 1 to 15."""
    numbers = [
        load(path).model.train_cfg.augments[0].num_cells for path in CONFIGS
        if path.parent.name == 'attentive_cutmix' and re.match(
            r'resnet18_attentive-cutmix(-n\d+)?_\S+_cifar100', path.stem)
    ]
    assert sorted(numbers) == list(range(1, 16))
