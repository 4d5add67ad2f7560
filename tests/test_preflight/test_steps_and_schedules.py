"""Batch size, epochs, warm-up and schedules against the number of steps: B060
and its kind."""
import pytest
from inputs import check, problem, problems, tiny, warnings


def test_a_batch_larger_than_the_set_b060():
    said = problem(
        tiny({
            'train_dataloader.batch_size': 64,
            'train_dataloader.drop_last': True
        }))
    assert 'batch_size=64' in said and '16 images' in said


@pytest.mark.parametrize('split, processes', [('train', 4), ('val', 1)])
def test_no_batch_of_a_process_or_another_set(split, processes):
    cfg = tiny({
        f'{split}_dataloader.batch_size': 8 if split == 'train' else 9,
        f'{split}_dataloader.drop_last': True
    })
    said = problem(cfg, processes=processes, optional=('test', ))
    assert f'{split}_dataloader' in said and 'leaves no batch' in said


def test_the_last_batch_may_be_smaller():
    assert not problems(tiny({'train_dataloader.batch_size': 64}))


def test_an_epoch_that_never_ends():
    cfg = tiny()
    cfg.train_dataloader.sampler = dict(type='InfiniteSampler')
    assert 'never ends' in problem(cfg)


def test_steps_are_counted():
    report = check(tiny({'train_cfg.max_epochs': 3}), processes=2)
    assert ('schedule: 3 steps of 8 images x 2 processes (3 epochs of 1)'
            in str(report))


COSINE = dict(type='CosineAnnealingLR', by_epoch=True)
ITERATIONS = dict(type='IterBasedTrainLoop', max_iters=20)


@pytest.mark.parametrize('loop, schedule, says', [
    (None, dict(type='LinearLR', end=5), 'warm-up ends at 5'),
    (None, dict(type='LinearLR', end=5, by_epoch=False), 'has 4 steps'),
    (None, dict(COSINE, begin=2), 'never acts'),
    (None, dict(COSINE, T_max=300), 'cut off'),
    (None, dict(COSINE, T_max=1), 'stays as it is'),
    (None, dict(type='MultiStepLR', milestones=[30, 60]), 'milestones'),
    (ITERATIONS, dict(type='PolyLR', by_epoch=False, end=160000), 'cut off'),
])
def test_a_schedule_of_another_length(loop, schedule, says):
    cfg = tiny({'train_cfg.max_epochs': 2})
    cfg.train_cfg = loop or cfg.train_cfg
    cfg.param_scheduler = [schedule]
    report = check(cfg)
    said, = (f for f in report.findings if f.where == 'param_scheduler.0')
    assert says in said.what and report.passed


@pytest.mark.parametrize('schedule', [
    COSINE,
    [
        dict(type='LinearLR', end=1, convert_to_iter_based=True),
        dict(COSINE, begin=1)
    ],
    dict(type='PolyLR', by_epoch=False, end=4),
    dict(type='MultiStepLR', milestones=[1]),
    dict(type='ConstantLR', factor=1.),
    None,
])
def test_a_schedule_of_the_right_length(schedule):
    cfg = tiny({'train_cfg.max_epochs': 2})
    cfg.param_scheduler = schedule
    assert not warnings(cfg)


def test_epochs_in_a_loop_of_iterations():
    cfg = tiny()
    cfg.train_cfg, cfg.param_scheduler = ITERATIONS, COSINE
    assert 'counts epochs' in problem(cfg)
    cfg.param_scheduler = dict(COSINE, convert_to_iter_based=True)
    assert not problems(cfg)


def test_nothing_is_evaluated():
    said = ' '.join(warnings(tiny({'train_cfg.val_interval': 9})))
    assert 'nothing is evaluated' in said
