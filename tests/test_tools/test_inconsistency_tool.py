"""tools/analysis/inconsistency.py on the synthetic set's boxes and masks."""
import json

import pytest
import torch

from mmmix.cli import build_model, load_config

TOOL = 'analysis/inconsistency.py'
# its pipeline packs the truth
SHIPPED = 'smmix/vit-xs_smmix_1xb64-10e_synthetic.py'
TRANSMIX = 'transmix/vit-xs_transmix_1xb128-15e_tiny-imagenet-25.py'
VISIBLE = (
    SHIPPED + '+model.head.label_rule.type=mmmix.AreaAttentionLabel'
    '+model.head.label_rule.target=visible'
    '+model.head.label_rule.beta=0')
SMALL = ['--cfg-options', 'val_dataloader.dataset.num_images=20']


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    model = build_model(load_config(SHIPPED))
    path = tmp_path / 'weights.pth'
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return path


def rows_of(path):
    content = json.loads(path.read_text())
    return {
        row[0]: dict(zip(content['columns'], row))
        for row in content['rows']
    }, content


def test_all_methods_on_boxes(run_tool, weights, tmp_path, capsys):
    run_tool(TOOL, SHIPPED, weights, '--guide', SHIPPED, weights, '--methods',
             'CutMix', 'SMMix', TRANSMIX, VISIBLE, '--names', 'own', 'cut',
             'named', 'transmix', 'visible', '--controls', '--rounds', 2,
             '--batch-size', 10, '--out', 'new/table', *SMALL)
    rows, content = rows_of(tmp_path / 'new/table.json')
    assert list(rows) == [
        'own', 'cut', 'named', 'transmix', 'visible', 'own, oracle',
        'own, chance', 'visible, oracle', 'visible, chance'
    ]
    assert content['same_class'] == 0
    for row in rows.values():
        assert row['images'] + row['skipped'] == 40
        assert 0 <= row['inconsistency'] <= 100
    # the mixer's defaults, its weights and its label are those of the config
    assert rows['own']['inconsistency'] == rows['named']['inconsistency']
    assert rows['own']['guided by'].endswith('weights.pth')
    assert rows['cut']['guided by'] == 'nobody'
    # the same boxes, another label
    assert rows['cut']['lambda_gt'] == rows['transmix']['lambda_gt']
    assert rows['cut']['lambda'] != rows['transmix']['lambda']
    # what is labelled by the truth is consistent, up to the patches' borders
    assert rows['visible, oracle']['inconsistency'] < 3
    assert rows['visible, chance']['inconsistency'] > 10
    difference, _ = content['difference_from_first']['cut']
    assert difference == pytest.approx(
        rows['cut']['inconsistency'] - rows['own']['inconsistency'], abs=5)
    for suffix in ('md', 'png'):
        assert (tmp_path / f'new/table.{suffix}').stat().st_size > 500
    assert '20 images, 2 rounds' in capsys.readouterr().out


def test_masks_sizes_and_another_data_set(run_tool, weights, tmp_path, capsys):
    data = tmp_path / 'data.py'
    data.write_text('_base_ = "mmmix::_base_/datasets/synthetic.py"\n'
                    'val_dataloader = dict(dataset=dict(num_images=25))\n')
    run_tool(TOOL, '--guide', SHIPPED, weights, '--methods', 'CutMix',
             '--truth', 'maps', '--area', 0, 0.2, '--data', data)
    printed = capsys.readouterr().out
    assert 'Truth: maps.' in printed and 'covers 0 to 0.2 of them' in printed


@pytest.mark.parametrize('arguments, problem', [
    ([], 'nothing to compare'),
    (['--methods', 'CutMix'], 'name its config and checkpoint'),
    (['--methods', 'Mixup', '--guide', SHIPPED, 'W'], 'no regions'),
    ([SHIPPED, 'gone.pth'], 'no checkpoint gone.pth'),
    ([SHIPPED, 'W', '--area', '0.9', '1'], '0 of 20 images have an object'),
    ([SHIPPED, 'W', '--num-images', '21'], 'between 1 and 20'),
    ([SHIPPED, 'W', '--batch-size', '1'], 'at least 2'),
])
def test_bad_input(run_tool, weights, arguments, problem):
    given = [weights if a == 'W' else a for a in arguments]
    with pytest.raises(SystemExit, match=problem):
        run_tool(TOOL, *given, *SMALL)


def test_images_without_truth(run_tool, config, tmp_path):
    torch.save(build_model(load_config(config)).state_dict(), 'w.pth')
    with pytest.raises(SystemExit, match='`gt_bboxes` of the data samples'):
        run_tool(TOOL, '--guide', config, 'w.pth', '--methods', 'CutMix')
