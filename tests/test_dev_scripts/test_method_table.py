"""The README's table of methods says what metafiles and results say."""
from pathlib import Path

import method_table
import pytest
from generated import renewed

ROOT = Path(__file__).parents[2]


def test_the_readme_holds_the_table():
    readme = (ROOT / 'README.md').read_text()
    assert renewed(readme, method_table.NAME,
                   method_table.table(ROOT)) == readme, (
                       'run: python .dev_scripts/method_table.py '
                       '--write README.md')


def test_every_method_has_its_numbers():
    rows = {
        line.split(']')[0].removeprefix('| ['): line.split(' | ')
        for line in method_table.table(ROOT).splitlines()[2:]
    }
    folders = {
        path.parent.name
        for path in ROOT.glob('configs/*/metafile.yml')
    }
    assert len(rows) == len(folders)
    # of its own paper, though others quote it, too
    assert rows['SMMix'][1].startswith('[81.1](configs/smmix/deit-small_smmix')
    assert rows['SMMix'][1].endswith(' (SMMix)')
    # of six seeds, of which another table has two
    assert rows['CutMix'][3].rstrip(' |') == '58.7 ± 2.8'
    assert rows['PatchMix'][1:3] == ['', '']


def test_a_method_without_a_published_number():
    entries = [
        dict(
            Config='configs/new/deit-small_new_1xb2-3e_moon.py',
            Results=[
                dict(Dataset='Moon', Metrics={'mIoU': 3.}, Source='x paper')
            ])
    ]
    assert method_table.published(entries, 'New', 'Moon', 'deit-small_') == ''


def test_a_file_without_markers():
    with pytest.raises(ValueError, match='no table between <!-- t: begin'):
        renewed('# Another file', 't', 'table')
