"""Where the configs are, and what names, metafiles and pages say of them."""
import re
from itertools import product

import pytest
import yaml
from config_zoo import (CONFIGS, ROOT, config_of, entries, every_config, load,
                        name_of)

from mmmix.registry import BATCH_AUGMENTS

FOLDERS = sorted(path.parent for path in ROOT.glob('configs/[!_]*/README.md'))
PAGES = sorted([
    ROOT / 'README.md', *ROOT.glob('docs/**/*.md'),
    *ROOT.glob('configs/**/README.md')
])
every_folder = pytest.mark.parametrize(
    'folder', FOLDERS, ids=lambda folder: folder.name)
every_page = pytest.mark.parametrize(
    'page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def results(path):
    return [
        result['Metrics']['Top 1 Accuracy']
        for result in entries()[path].get('Results', [])
        if 'Top 1 Accuracy' in result['Metrics']
    ]


def links(page):
    """What a page links: the text, and the file."""
    text = re.sub(r'```.*?```', '', page.read_text(), flags=re.S)
    return [
        (label, (page.parent / target.partition('#')[0]).resolve())
        for label, target in re.findall(r'\[([^][]*)\]\(([^()\s]+)\)', text)
        if '://' not in target and not target.startswith('#')
    ]


def configs_of(folder):
    return {path for path in CONFIGS if folder in path.parents}


def test_every_folder_is_in_the_model_index():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
    downstream = ROOT.glob('configs/downstream/*/metafile.yml')
    assert {ROOT / path
            for path in index
            } == {*(path / 'metafile.yml' for path in FOLDERS), *downstream}
    assert set().union(*map(configs_of, FOLDERS)) == set(CONFIGS)


@every_folder
def test_metafile_describes_its_configs(folder):
    index = yaml.safe_load((folder / 'metafile.yml').read_text())
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
    assert described == configs_of(folder)


@every_config
def test_name_says_method_batch_and_epochs(path):
    method, schedule = path.stem.split('_')[1:3]
    folder = name_of(path).split('/')[0].replace('_', '-')
    if path.parent.name != 'ablations':
        assert method in (folder, f'{folder}-public-code')
    processes, batch, epochs = map(
        int,
        re.fullmatch(r'(\d+)xb(\d+)-(?:[a-z]\w*-)?(\d+)e', schedule).groups())
    cfg = load(path)
    assert cfg.train_dataloader.batch_size == batch
    assert cfg.auto_scale_lr.base_batch_size == processes * batch
    assert cfg.train_cfg.max_epochs == epochs


@every_folder
def test_numbers_that_link_a_config_are_its_results(folder):
    for label, path in links(folder / 'README.md'):
        if path.suffix == '.py' and re.fullmatch(r'\d\d\.\d+', label):
            assert float(label) in results(path), (label, path.name)


# How many numbers the papers' tables of methods have. Of an ablation, those
# that no other table has; only in SMMix's Table 6 its own number counts again.
CELLS = {
    'Attentive CutMix paper, Table 1': 48,
    'Attentive CutMix paper, Table 2': 48,
    'Attentive CutMix paper, Table 3': 48,
    'MixPro paper, Table 1': 42,
    'MixPro paper, Table 2': 9,
    'MixPro paper, Table 6': 2,
    'MixPro paper, Table 7': 6,
    'MixPro paper, Table 8': 3,
    'MixPro paper, Table 9': 1,  # of three: two patterns are not described
    'MixPro paper, Table 10': 4,
    'SMMix paper, Table 1': 34,
    'SMMix paper, Table 2': 18,
    'SMMix paper, Table 6': 3,
    'SMMix paper, Table 7': 4,
    'SMMix paper, Table 8': 2,
    'SMMix paper, Table 9': 2,
    'TdAttenMix paper, Table 1': 83,
    'TdAttenMix paper, Table 5': 5,
    'TdAttenMix paper, Table 6': 5,
}


@pytest.mark.parametrize('table', CELLS)
def test_every_cell_of_a_table_is_a_config(table):
    found = [
        path for path, entry in entries().items()
        for result in entry.get('Results', ())
        if re.match(f'{table}(,|$)', result['Source'])
    ]
    assert len(found) == len(set(found)) == CELLS[table]


@every_page
def test_every_link_leads_to_a_file(page):
    missing = [
        path for _, path in links(page)
        if not path.exists() and path.parent.name != 'generated'
    ]
    assert not missing


def test_every_config_is_linked_from_a_page_of_a_method():
    linked = {
        path
        for folder in FOLDERS
        for _, path in links(folder / 'README.md')
    }
    assert set(CONFIGS) <= linked


# Learning rate and images a step of OpenMixup's benchmark.
OPENMIXUP = {
    'cifar100': (0.1, 100),
    'tiny-imagenet': (0.2, 100),
    'cub200': (1e-3, 16),
    'in1k': (0.1, 256),
}
QUOTED = [
    path for path, entry in entries().items()
    if any('OpenMixup' in r['Source'] for r in entry.get('Results', []))
]


@pytest.mark.parametrize(
    'path', [path for path in QUOTED if path.stem.startswith('res')],
    ids=name_of)
def test_cnns_quoted_from_openmixup_have_its_recipe(path):
    cfg = load(path)
    rate = cfg.optim_wrapper.optimizer.lr
    batch = cfg.auto_scale_lr.base_batch_size
    assert (rate, batch) == OPENMIXUP[path.stem.split('_')[-1]]


def test_vits_quoted_from_openmixup_have_its_recipe():
    """All but the methods that came with a recipe of their own."""
    own = {'mixup_cutmix', 'smmix', 'tokenmix', 'transmix'}
    vits = [
        path for path in QUOTED
        if path.stem.startswith(('deit',
                                 'swin')) and path.parent.name not in own
    ]
    assert vits
    for path in vits:
        cfg = load(path)
        steps = {step['type']: step for step in cfg.train_pipeline}
        assert steps['RandomErasing']['erase_prob'] == 0.25
        assert cfg.optim_wrapper.clip_grad.max_norm == 5
        drop_path = 0.0 if path.stem.startswith('deit') else 0.2
        if path.stem.startswith('deit-small_automix'):
            drop_path = 0.1
        assert cfg.model.backbone.drop_path_rate == drop_path


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
        path = config_of(f'{model}_{method}_{data}')
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
        if re.fullmatch(
            r'resnet18_attentive-cutmix(-n\d+)?_1xb32-\S+_cifar100', path.stem)
    ]
    assert sorted(numbers) == list(range(1, 16))


@pytest.mark.parametrize('model', CNNS)
def test_another_number_of_cells_is_an_option(model):
    cfg = load(config_of(f'{model}_attentive-cutmix_1xb32-80e_cifar10'))
    cfg.merge_from_dict({'model.train_cfg.augments.0.num_cells': 15})
    mixer, = cfg.model.train_cfg.augments
    assert BATCH_AUGMENTS.build(mixer).num_cells == 15
