import json

import pytest
import torch
from mmengine.config import Config

pytestmark = pytest.mark.downstream
SMALL_TASKS = [
    '--out', 'chain', '--cfg-options', 'train_dataloader.dataset.num_images=8',
    'val_dataloader.dataset.num_images=4', 'train_dataloader.batch_size=2',
    'train_cfg.max_epochs=2', 'train_cfg.val_interval=2'
]
SMALL = [
    '--pretrain-options', 'train_dataloader.dataset.num_images=64',
    'val_dataloader.dataset.num_images=10', 'train_cfg.max_epochs=1',
    'param_scheduler=None', *SMALL_TASKS
]


@pytest.fixture(autouse=True)
def toolboxes():
    pytest.importorskip('mmseg')
    pytest.importorskip('mmdet')


def results(folder):
    path = folder / 'chain/synthetic/vit-xs/results.json'
    return json.loads(path.read_text())


def losses(work_dir):
    """Of each step, as MMEngine logged them."""
    log, = work_dir.glob('*/vis_data/scalars.json')
    lines = map(json.loads, log.read_text().splitlines())
    return [line['loss'] for line in lines if 'loss' in line]


def test_the_chain_runs_and_is_repeated_at_once(run_tool, tmp_path, capsys):
    run_tool('transfer.py', *SMALL)
    output = ''.join(capsys.readouterr())
    assert 'mmengine - INFO' not in output and 'done before' not in output
    for task in ('segmentation', 'detection'):
        assert f'{task}, smmix, seed 0: epoch 2 of 2: loss' in output
    done = results(tmp_path)
    assert [*done] == [
        'pretraining_smmix_seed0', 'segmentation_random_seed0',
        'segmentation_smmix_seed0', 'detection_random_seed0',
        'detection_smmix_seed0'
    ]
    for name, row in done.items():
        assert (tmp_path / row['checkpoint']).is_file()
        assert name == f'{row["task"]}_{row["weights"]}_seed{row["seed"]}'
        if row['task'] == 'pretraining':
            continue
        logged = losses((tmp_path / row['checkpoint']).parent)
        assert len(logged) == 8
        assert row['first_epoch'] == pytest.approx(sum(logged[:4]) / 4)
        assert row['last_epoch'] == pytest.approx(sum(logged[4:]) / 4)
        assert f'{row["first_epoch"]:.3f}' in output
        assert all(0 <= score <= 100 for score in row['scores'].values())
    assert set(done['segmentation_smmix_seed0']['scores']) == {'mIoU'}
    assert set(
        done['detection_smmix_seed0']['scores']) == {'box AP', 'mask AP'}
    # started from the pretrained weights, and trained on
    start = done['pretraining_smmix_seed0']['checkpoint']
    cfg = Config.fromfile(tmp_path /
                          'chain/synthetic/vit-xs/segmentation_smmix_seed0'
                          '/upernet_vit-xs_1xb16-3e_synthetic.py')
    assert cfg.model.backbone.init_cfg.checkpoint == start
    weights = torch.load(tmp_path / start, weights_only=False)
    assert 'backbone.cls_token' in weights['state_dict']

    run_tool('transfer.py', *SMALL)
    assert capsys.readouterr().out.count('done before') == 5
    assert results(tmp_path) == done
    for arguments, message in [
        (['--weights', 'cutmix',
          f'smmix={start}'], 'start smmix, not smmix=chain'),
        ([SMALL[-1].replace('2', '3')], "val_interval': 2}, not"),
        (['--pretrain-options', 'train_cfg.max_epochs=2'], 'has pretraining'),
    ]:
        with pytest.raises(SystemExit, match=message):
            run_tool('transfer.py', *SMALL, *arguments)
    assert results(tmp_path) == done


def test_weights_that_do_not_fit(run_tool, tmp_path):
    torch.save(dict(state_dict={'backbone.x': torch.ones(1)}), 'other.pth')
    with pytest.raises(SystemExit, match='does not hold the weights of this'):
        run_tool('transfer.py', '--weights', 'random', 'wrong=other.pth',
                 '--tasks', 'segmentation', *SMALL_TASKS)
    # what was finished is kept
    assert [*results(tmp_path)] == ['segmentation_random_seed0']


@pytest.mark.parametrize('arguments, message', [
    (['--weights', 'a=nowhere.pth'], 'no checkpoint nowhere.pth'),
    (['--data', 'coco-tiny'], 'smmix has no checkpoint'),
    (['--weights', 'unknown'], 'no config unknown/vit-xs_unknown_1xb64'),
    (['--weights', 'smmix', 'smmix'], 'has the name smmix twice'),
    (['--weights', 'random', '--pretrain-options', 'a=1'], 'nothing to cha'),
    (['--backbone', 'resnet'], 'no config downstream/small/upernet_resnet'),
])
def test_wrong_arguments(run_tool, arguments, message):
    with pytest.raises(SystemExit, match=message):
        run_tool('transfer.py', *arguments)
