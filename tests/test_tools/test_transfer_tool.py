import json

import pytest
import torch

pytestmark = pytest.mark.downstream
SMALL = [
    '--out', 'chain', '--pretrain-options',
    'train_dataloader.dataset.num_images=64',
    'val_dataloader.dataset.num_images=10', 'train_cfg.max_epochs=1',
    'param_scheduler=None', '--cfg-options',
    'train_dataloader.dataset.num_images=8',
    'val_dataloader.dataset.num_images=4', 'train_dataloader.batch_size=2',
    'train_cfg.max_epochs=2', 'train_cfg.val_interval=2'
]


@pytest.fixture(autouse=True)
def toolboxes():
    pytest.importorskip('mmseg')
    pytest.importorskip('mmdet')


def results(folder):
    path = folder / 'chain/synthetic/vit-xs/results.json'
    return json.loads(path.read_text())


def test_the_chain_runs_and_is_repeated_at_once(run_tool, tmp_path, capsys):
    run_tool('transfer.py', *SMALL)
    output = capsys.readouterr().out
    assert 'mmengine - INFO' not in output and 'done before' not in output
    for task in ('segmentation', 'detection'):
        assert f'{task}, smmix, seed 0: epoch 2 of 2, loss' in output
        assert f'{task}: mean loss of the first epoch from smmix' in output
    rows = results(tmp_path)
    assert [(row['task'], row['weights'])
            for row in rows] == [('segmentation', 'random'),
                                 ('segmentation', 'smmix'),
                                 ('detection', 'random'),
                                 ('detection', 'smmix')]
    for row in rows:
        losses = row['losses']
        assert len(losses) == 2 * row['steps_per_epoch'] == 8
        assert row['first_epoch'] == pytest.approx(sum(losses[:4]) / 4)
        assert row['last_epoch'] == pytest.approx(sum(losses[4:]) / 4)
        assert f'{row["first_epoch"]:.3f}' in output
        assert all(0 <= score <= 100 for score in row['scores'].values())
        scalars = [
            json.loads(line)
            for line in next((tmp_path / row['checkpoint']).parent.glob(
                '*/vis_data/scalars.json')).read_text().splitlines()
        ]
        logged = [line['loss'] for line in scalars if 'loss' in line]
        assert logged == pytest.approx(losses)
    assert [set(row['scores']) for row in rows[1:3]] == [{'mIoU'},
                                                         {'box AP', 'mask AP'}]
    # started from the pretrained weights, and trained on
    start = torch.load(rows[1]['started_from'], weights_only=False)
    assert 'pretraining_smmix' in rows[1]['started_from']
    assert 'backbone.cls_token' in start['state_dict']

    run_tool('transfer.py', *SMALL)
    assert capsys.readouterr().out.count('done before') == 5
    assert results(tmp_path) == rows


def test_what_fails_is_named_and_the_others_run(run_tool, tmp_path, capsys):
    torch.save(dict(state_dict={'backbone.x': torch.ones(1)}), 'other.pth')
    arguments = [
        '--weights', 'wrong=other.pth', 'random', '--tasks', 'segmentation'
    ]
    with pytest.raises(SystemExit, match='1 failed: segmentation, wrong'):
        run_tool('transfer.py', *arguments, *SMALL)
    assert 'error.txt' in capsys.readouterr().out
    assert [row['weights'] for row in results(tmp_path)] == ['random']


@pytest.mark.parametrize('arguments, message', [
    (['--weights', 'a=nowhere.pth'], 'no checkpoint nowhere.pth'),
    (['--data', 'coco-tiny'], 'smmix names no checkpoint'),
    (['--weights', 'random', 'random'], 'random twice'),
    (['--weights', 'random=x.pth'], 'choose another name'),
    (['--backbone', 'resnet'], 'no config downstream/small/resnet'),
])
def test_wrong_arguments(run_tool, arguments, message):
    with pytest.raises(SystemExit, match=message):
        run_tool('transfer.py', *arguments)
