import json
import re

import matplotlib.image
import pytest

SMALL = [
    '--work-dir', 'quick', '--cfg-options',
    'train_dataloader.dataset.num_images=128',
    'val_dataloader.dataset.num_images=20', 'model.backbone.arch.num_layers=1'
]


def test_all_methods_are_trained_and_compared(run_tool, tmp_path, capsys):
    for _ in range(2):  # it can be repeated
        run_tool('quickstart.py', '--epochs', 2, *SMALL)
    output, said = capsys.readouterr()
    assert 'is overwritten' in output
    assert 'mmengine - INFO' not in output + said  # the log is in its file
    assert re.search(
        r'^CutMix: epoch 2 of 2: loss \S+, accuracy \S+ %, [\d,]+ images/s, '
        '0 s left$', said, re.MULTILINE)

    work_dir = tmp_path / 'quick'
    results = json.loads((work_dir / 'results.json').read_text())
    assert [row['method']
            for row in results['results']] == ['no mixing', 'CutMix', 'SMMix']
    for row in results['results']:
        assert 0 <= row['accuracy'] <= 100
        assert 0 < row['attention_gain'] < 5
        assert row['images_per_second'] > 0
        assert (f'{row["accuracy"]:.1f} % | {row["attention_gain"]:.2f} x'
                in output)
        assert (tmp_path / row['checkpoint']).is_file()
    for method in ('no_mixing', 'cutmix', 'smmix'):
        assert len(list((work_dir / method).glob('*/*.log'))) >= 1
    picture = matplotlib.image.imread(work_dir / 'mixed_images.png')
    assert picture.shape[0] > 800 and picture.std() > .1


def test_one_epoch_is_too_few(run_tool, capsys):
    with pytest.raises(SystemExit):
        run_tool('quickstart.py', '--epochs', 1)
    assert 'at least 2' in capsys.readouterr().err
