"""tools/analysis/mixed_accuracy.py: one judge for all methods."""
import json

import pytest
import torch

from mmmix.cli import build_model, load_config

TOOL = 'analysis/mixed_accuracy.py'


def save(config, path, favourites=()):
    """Weights that always answer with the same classes."""
    torch.manual_seed(0)
    model = build_model(load_config(config))
    with torch.no_grad():
        head = model.head.layers.head
        head.weight.zero_()
        head.bias.copy_(torch.arange(10.).neg())
        for place, label in enumerate(favourites):
            head.bias[label] = 20 - place
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


def run(run_tool, config, tmp_path, *arguments):
    judge = save(config, tmp_path / 'judge.pth', [3, 5])
    run_tool(TOOL, config, save(config, tmp_path / 'own.pth'), '--judge',
             config, judge, *arguments)


def test_a_judge_that_always_says_the_same(run_tool, config, tmp_path, capsys):
    run(run_tool, config, tmp_path, '--methods', 'CutMix', 'Mixup', 'SMMix',
        '--rounds', 3, '--batch-size', 8, '--out', 'curve', '--bins', 4)
    content = json.loads((tmp_path / 'curve.json').read_text())
    rows = {row[0]: row for row in content['rows']}
    assert list(rows) == [
        'tiny_smmix: SMMix', 'tiny_smmix: Mixup', 'CutMix', 'Mixup', 'SMMix'
    ]
    # every method mixes the same pairs, so it hits the same
    top1 = {row[2] for row in rows.values()}
    top2 = {row[4] for row in rows.values()}
    assert len(top1) == len(top2) == 1
    for kind, differences in content['difference_from_first'].items():
        assert set(differences) == set(rows), kind
        assert all(value == [0, 0] for value in differences.values())
    # 2 of the 16 images show a 3, each once as target and once as source
    share, = top1
    assert share == pytest.approx(25)
    assert 0 < top2.pop() < share  # a 3 with a 5
    for name, curve in content['over_lambda'].items():
        pairs = curve['pairs']
        assert sum(pairs) == rows[name][-1] == 48 - content['same_class']
        hits = sum(value * count for value, count in zip(curve['top1'], pairs)
                   if count)
        assert hits / sum(pairs) == pytest.approx(share)
    assert (tmp_path / 'curve.png').stat().st_size > 1000
    assert 'judged by' in capsys.readouterr().out


def test_controls_need_the_truth(run_tool, config, tmp_path):
    with pytest.raises(SystemExit, match='`gt_bboxes` of the data samples'):
        run(run_tool, config, tmp_path, '--controls')


@pytest.mark.parametrize('arguments, problem', [
    (['--methods', 'CutMix', '--bins', '0'], '--bins must be at least 1'),
    (['--methods', 'CutMix', '--judge', 'gone.py', 'x'], 'gone.py'),
    (['--num-images', '17'], 'between 1 and 16'),
    (['--methods', 'ReLabel'], 'only gives labels and mixes nothing'),
    (['--methods', 'AutoMix'], 'What AutoMix learned .* CONFIG and the CHECK'),
])
def test_bad_input(run_tool, config, tmp_path, arguments, problem):
    with pytest.raises(SystemExit, match=problem):
        run(run_tool, config, tmp_path, *arguments)


def test_a_mixer_that_learned_comes_with_its_own_checkpoint(
        run_tool, config, tmp_path):
    cfg = load_config(config)
    cfg.model.train_cfg = dict(augments=[dict(type='mmmix.AutoMix')])
    cfg.model.head.pop('mix_losses')
    cfg.dump(tmp_path / 'automix.py')
    run(run_tool, str(tmp_path / 'automix.py'), tmp_path, '--judge', config,
        save(config, tmp_path / 'other.pth'), '--out', 'table')
    rows = json.loads((tmp_path / 'table.json').read_text())['rows']
    assert [row[0] for row in rows] == ['automix']


def test_no_judge(run_tool, config, tmp_path):
    with pytest.raises(SystemExit, match='name it by --judge'):
        run_tool(TOOL, config, save(config, tmp_path / 'w.pth'))
