"""The page of the model zoo says what the metafiles and results say."""
import json
import sys
from pathlib import Path

import model_zoo
import pytest
import yaml

ROOT = Path(__file__).parents[2]
TOOL = ROOT / '.dev_scripts/model_zoo.py'


@pytest.fixture
def checkout(tmp_path):
    """Two models, one of them measured."""
    models = [
        dict(
            Name=name,
            Config=f'configs/cut/{name}.py',
            Metadata=dict(
                Parameters=1234567,
                FLOPs=2_340_000_000,
                **{'Training Data': 'Moon'}),
            **{'In Collection': 'Cut'})
        for name in ('tall_4xb2_moon', 'short_moon')
    ]
    models[0]['Results'] = [
        dict(
            Dataset='Moon',
            Metrics={'Top 1 Accuracy': 81.1},
            Source='Cut paper, Table 9'),
        dict(
            Dataset='Mars',
            Metrics={
                'Top 1 Accuracy': 12.0,
                'AUPR': 3.4
            },
            Source='Cut paper, Table 10')
    ]
    (tmp_path / 'metafile.yml').write_text(
        yaml.safe_dump(
            dict(
                Collections=[dict(Name='Cut', README='configs/cut/README.md')],
                Models=models)))
    (tmp_path / 'model-index.yml').write_text('Import: [metafile.yml]')
    measure(tmp_path, 'configs/cut/short_moon.py')
    return tmp_path


def measure(root, config):
    folder = root / 'docs/results'
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'run.json').write_text(
        json.dumps(
            dict(measured=[
                dict(
                    config=config,
                    metrics=dict(mIoU=7.5, aAcc=50.0),
                    what='2 epochs',
                    page='run.md')
            ])))


def cells(page, name):
    row, = (
        line for line in page.splitlines() if line.startswith(f'| [{name}'))
    return [cell.strip() for cell in row.strip('|').split('|')]


def test_the_page_is_up_to_date():
    assert (ROOT / 'docs/model_zoo.md').read_text() == model_zoo.page(ROOT), (
        'run: python .dev_scripts/model_zoo.py --write docs/model_zoo.md')


def test_rows_hold_what_was_published_and_what_was_measured(checkout):
    page = model_zoo.page(checkout)
    assert cells(page, 'tall') == [
        '[tall_4xb2_moon](../configs/cut/tall_4xb2_moon.py)', 'Moon', '1.23',
        '2.34', '81.1 (Cut paper, Table 9); Mars AUPR 3.4, Mars 12.0 (Cut '
        'paper, Table 10)', '',
        '`bash tools/dist_train.sh configs/cut/tall_4xb2_moon.py 4`'
    ]
    assert cells(page, 'short')[4:] == [
        '', 'mIoU 7.5, aAcc 50.0 ([2 epochs](results/run.md))',
        '`python tools/train.py configs/cut/short_moon.py`'
    ]
    assert '2 configs; 1 of them' in page


def test_a_measurement_of_no_config_is_refused(checkout):
    measure(checkout, 'configs/cut/gone.py')
    with pytest.raises(ValueError, match=r'run\.json .*cut/gone\.py'):
        model_zoo.page(checkout)


def test_every_measurement_names_its_page():
    found = 0
    for path in (ROOT / 'docs/results').glob('*.json'):
        for entry in json.loads(path.read_text()).get('measured', []):
            assert (path.parent / entry['page']).is_file()
            found += 1
    assert found


def test_write(tmp_path, monkeypatch):
    path = tmp_path / 'zoo.md'
    monkeypatch.setattr(sys, 'argv', [str(TOOL), '--write', str(path)])
    model_zoo.main()
    assert path.read_text() == model_zoo.page(ROOT)
