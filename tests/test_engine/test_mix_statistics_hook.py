"""What is logged of the mixes is what the training used."""
import json

import pytest
import torch
from helpers import SMMIX, vit_config
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmmix.engine import MixStatisticsHook
from mmmix.models import ProgressiveAttentionLabel

HOOK = dict(type='mmmix.MixStatisticsHook', interval=2, bins=10)
MASKMIX = dict(type='mmmix.MaskMix', scale=1, patch_size=8, per_image=True)
PAL = dict(label_rule=dict(type='mmmix.ProgressiveAttentionLabel'))


def train(tmp_path,
          augments=(MASKMIX, ),
          probs=None,
          head=None,
          hooks=(HOOK, ),
          backends=('LocalVisBackend', ),
          epochs=1,
          also=()):
    """Five iterations an epoch; the run, and the rows of its log."""
    runner = Runner.from_cfg(
        Config(
            dict(
                default_scope='mmmix',
                work_dir=str(tmp_path),
                experiment_name=tmp_path.name,
                model=vit_config(
                    augments and list(augments),
                    probs=probs,
                    head=dict(num_classes=10, **(head or {}))),
                train_dataloader=dict(
                    batch_size=4,
                    num_workers=0,
                    dataset=dict(
                        type='mmmix.SyntheticObjects',
                        num_images=18,  # the last batch is smaller
                        pipeline=[dict(type='PackInputs')]),
                    sampler=dict(type='DefaultSampler', shuffle=True)),
                optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
                train_cfg=dict(by_epoch=True, max_epochs=epochs),
                custom_hooks=list(hooks),
                visualizer=dict(
                    type='UniversalVisualizer',
                    vis_backends=[dict(type=name) for name in backends]),
                randomness=dict(seed=3),
                log_level='ERROR')))
    for hook in also:
        runner.register_hook(hook, priority='LOWEST')
    runner.train()
    log = tmp_path / runner.timestamp / 'vis_data/scalars.json'
    rows = log.read_text().splitlines() if log.exists() else []
    return runner, [json.loads(row) for row in rows]


def of_hook(rows, prefix='mix/'):
    return [row for row in rows if any(k.startswith(prefix) for k in row)]


@pytest.fixture
def used(monkeypatch):
    """What the label rule took and gave, iteration by iteration."""
    used = []
    compute, factor = (ProgressiveAttentionLabel.compute,
                       ProgressiveAttentionLabel.factor)

    def noted_factor(rule, logits, mixed):
        alpha = factor(rule, logits, mixed)
        if used and 'lam' not in used[-1]:  # while the label is computed
            used[-1]['alpha'] = alpha.expand_as(mixed.lam)
        return alpha

    def noted_compute(rule, logits, mixed, guidance, attention):
        used.append(dict(area=mixed.lam))
        used[-1]['lam'] = compute(rule, logits, mixed, guidance, attention)
        return used[-1]['lam']

    monkeypatch.setattr(ProgressiveAttentionLabel, 'compute', noted_compute)
    monkeypatch.setattr(ProgressiveAttentionLabel, 'factor', noted_factor)
    return used


@pytest.mark.parametrize('progress', ['cosine', 'linear'])
def test_logged_is_what_the_losses_saw(tmp_path, used, progress):
    head = dict(label_rule=dict(PAL['label_rule'], progress=progress))
    _, rows = train(tmp_path, head=head)
    logs, counts = of_hook(rows), of_hook(rows, 'histogram/')
    # every two iterations, and the one that is left
    assert [row['step'] for row in logs] == [2, 4, 5]
    assert [row['epoch'] for row in logs] == [1, 1, 1]
    for row, count, part in zip(logs, counts, (used[:2], used[2:4], used[4:])):
        for name in ('lam', 'area', 'alpha'):
            values = torch.cat([u[name] for u in part]).double()
            mean = sum(values.tolist()) / len(values)
            spread = (sum(
                (v - mean)**2 for v in values.tolist()) / len(values))**.5
            assert row[f'mix/{name}_mean'] == pytest.approx(mean)
            assert row[f'mix/{name}_std'] == pytest.approx(spread, abs=1e-6)
            bins = [min(int(float(v) * 10), 9) for v in values.float()]
            assert count[f'histogram/{name}'] == [
                bins.count(i) for i in range(10)
            ]
        assert row['mix/share_MaskMix'] == 1
    assert {len(u['lam']) for u in used} == {4, 2}
    assert not torch.equal(used[1]['lam'], used[1]['area'])


def test_without_a_rule_lambda_is_the_mixers(tmp_path):
    _, rows = train(tmp_path, epochs=4, augments=[SMMIX], probs=[.5])
    shares = [(row.get('mix/share_SMMix', 0), row.get('mix/share_unmixed', 0))
              for row in of_hook(rows)]
    assert len(shares) == 10 and all(sum(pair) == 1 for pair in shares)
    assert 0 < sum(mixed for mixed, _ in shares) < 10
    for row, (mixed, _) in zip(of_hook(rows), shares):
        assert ('mix/lam_mean' in row) == (mixed > 0)
        assert 'mix/area_mean' not in row and 'mix/alpha_mean' not in row
    # regions of SMMix: 1/4 to 3/4 of each side
    assert all(0 < row['mix/lam_mean'] <= 9 / 16 for row in of_hook(rows)
               if 'mix/lam_mean' in row)


def test_a_stock_mixer_is_counted_and_nothing_else(tmp_path):
    _, rows = train(
        tmp_path, augments=[dict(type='mmpretrain.Mixup', alpha=1.)])
    for row in of_hook(rows):
        assert row['mix/share_other'] == 1 and 'mix/lam_mean' not in row
    assert of_hook(rows) and not of_hook(rows, 'histogram/')


def test_off_is_absent(tmp_path):
    seen = []

    class Look(Hook):
        """Count hooks while training."""

        def after_train_iter(self, runner, *args, **kwargs):
            seen.append(hooks_of(runner.model))

    def hooks_of(model):
        return [
            len(model.data_preprocessor._mix_hooks),
            len(model.head.label_rule._forward_hooks)
        ]

    runner, rows = train(tmp_path / 'off', head=PAL, hooks=[])
    assert hooks_of(runner.model) == [0, 0] and not of_hook(rows)
    off = runner.model.state_dict()
    runner, _ = train(tmp_path / 'on', head=PAL, also=[Look()])
    assert seen == [[1, 1]] * 5 and hooks_of(runner.model) == [0, 0]
    # looking changes nothing
    for name, value in runner.model.state_dict().items():
        assert torch.equal(value, off[name]), name


def test_tensorboard_holds_scalars_and_histograms(tmp_path):
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing import event_accumulator
    _, rows = train(
        tmp_path,
        head=PAL,
        backends=['LocalVisBackend', 'TensorboardVisBackend'])
    events = next(tmp_path.rglob('events.out.tfevents*'))
    board = event_accumulator.EventAccumulator(
        str(events), dict(scalars=0, histograms=0))
    board.Reload()
    assert [s.value for s in board.Scalars('mix/alpha_mean')] == [
        pytest.approx(row['mix/alpha_mean']) for row in of_hook(rows)
    ]
    first, last = (board.Histograms('mix/alpha')[i] for i in (0, -1))
    assert first.histogram_value.num == 8 and last.histogram_value.num == 2


def test_bad_input(tmp_path):
    with pytest.raises(ValueError, match='`interval` must be.*not 0'):
        MixStatisticsHook(interval=0)
    with pytest.raises(ValueError, match='`bins` .* must be a whole number'):
        MixStatisticsHook(bins=1.5)
    with pytest.raises(ValueError, match='the model mixes nothing'):
        train(tmp_path, augments=None)
