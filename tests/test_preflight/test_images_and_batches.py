"""Images, pipelines, batches and the model that takes them: B021, B027, B028,
B030, B037, B038, B041, B051 and their kind."""
import pytest
import torch
from inputs import (LOAD, PACK, RESIZE, check, folders, pets, problem,
                    problems, tiny, write_json)

CNN = {
    'model.backbone':
    dict(type='ResNet', depth=18, stem_channels=8, base_channels=8),
    'model.neck':
    dict(type='GlobalAveragePooling'),
    'model.head':
    dict(type='mmmix.MixLinearClsHead', in_channels=64, num_classes=10),
}


def cnn(changes):
    cfg = tiny()
    cfg.model.update(train_cfg=None)
    for key, value in CNN.items():
        cfg.model[key.split('.')[1]] = value
    cfg.merge_from_dict(changes)
    return cfg


@pytest.fixture
def root(tmp_path):
    folders(tmp_path / 'train')
    return tmp_path


def test_one_channel_and_three_means_b021(root):
    load = dict(LOAD, color_type='grayscale')
    said = problem(
        pets(
            root, {
                'data_preprocessor.to_rgb': False,
                'model.backbone.in_channels': 1
            },
            pipeline=[load, RESIZE, PACK]))
    assert 'mean and std have 3 values' in said and '1 channel:' in said


def test_one_channel_and_one_mean_pass(root):
    load = dict(LOAD, color_type='grayscale')
    assert not problems(
        pets(
            root, {
                'data_preprocessor.to_rgb': False,
                'data_preprocessor.mean': [127.5],
                'data_preprocessor.std': [64.],
                'model.backbone.in_channels': 1
            },
            pipeline=[load, RESIZE, PACK]))


@pytest.mark.parametrize('means, channels', [(4, 3), (2, 3)])
def test_other_numbers_of_means(means, channels):
    said = problem(
        tiny({
            'data_preprocessor.mean': [9.] * means,
            'data_preprocessor.std': [9.] * means
        }))
    assert f'{means} values' in said and f'{channels} channels' in said


@pytest.mark.parametrize('steps', [[], [dict(type='ResizeEdge', scale=32)]])
def test_images_of_different_sizes_b027(tmp_path, steps):
    folders(tmp_path / 'train', ['cat'], size=(32, 32))
    folders(tmp_path / 'train', ['dog'], size=(32, 40))
    said = problem(pets(tmp_path, pipeline=[LOAD, *steps, PACK]))
    assert 'cat/' in said and '3 x 32 x 32' in said
    assert 'dog/' in said and '3 x 32 x 40' in said
    assert 'Resize with both sides' in said


def test_one_image_of_another_size_among_many(tmp_path):
    folders(tmp_path / 'train', n=40)
    folders(tmp_path / 'train', ['dog'], n=1, size=(64, 40))
    said = problems(pets(tmp_path, pipeline=[LOAD, PACK]))[0]
    assert 'dog/0.jpg' in said and '3 x 64 x 40' in said


def test_top_5_of_two_classes_b028(root):
    said = problem(pets(root, {'val_evaluator.topk': (1, 5)}))
    assert 'topk=(1, 5)' in said and 'num_classes=2' in said


@pytest.mark.parametrize('metric', [
    dict(type='Accuracy', topk=11),
    [dict(type='SingleLabelMetric'),
     dict(type='Accuracy', topk=(10, 20))]
])
def test_other_top_k(metric):
    cfg = tiny()
    cfg.val_evaluator = metric
    assert 'at least ' in problem(cfg)


def test_one_image_in_the_last_batch_b030():
    cfg = cnn({
        'train_dataloader.batch_size': 2,
        'train_dataloader.dataset.num_images': 5
    })
    said = problem(cfg)
    assert 'last batch of an epoch has one image' in said
    assert 'drop_last=True' in said
    cfg.train_dataloader.drop_last = True
    assert not problems(cfg)


@pytest.mark.parametrize('images, processes', [(15, 2), (25, 1)])
def test_one_image_of_a_process_in_the_last_batch(images, processes):
    cfg = cnn({
        'train_dataloader.batch_size': 7 if processes == 2 else 8,
        'train_dataloader.dataset.num_images': images
    })
    assert 'last batch' in problem(cfg, processes=processes)


def test_one_image_in_the_last_batch_of_a_transformer_passes():
    assert not problems(tiny({'train_dataloader.batch_size': 3}))


@pytest.mark.parametrize('weights', [2, 11])
@pytest.mark.parametrize('loss', [
    dict(type='CrossEntropyLoss', use_soft=True),
    dict(type='CrossEntropyLoss')
])
def test_class_weights_of_another_set_b037(loss, weights):
    cfg = tiny()
    cfg.model.head.loss = dict(loss, class_weight=[1.] * weights)
    said = problem(cfg)
    assert 'class_weight' in said and str(weights) in said and '10' in said


def test_soft_labels_and_accuracy_b038(root):
    names = [f'{c}/{i}.jpg' for c in ('cat', 'dog') for i in range(6)]
    write_json(
        root / 'scores.json',
        dict(
            metainfo=dict(classes=['A', 'B']),
            data_list=[dict(img_path=n, gt_score=[.3, .7]) for n in names]))
    cfg = pets(root, type='BaseDataset', ann_file='scores.json')
    said = problem(cfg)
    assert "Accuracy reads 'gt_label'" in said and 'gt_score' in said
    cfg.train_dataloader.dataset.ann_file = 'scores.json'
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    cfg.test_dataloader = None
    assert not problems(cfg)


@pytest.mark.parametrize('steps', [[RESIZE, PACK], [PACK]])
def test_no_loading_step_b041(root, steps):
    found = problems(pets(root, pipeline=steps))
    assert found
    for said in found:
        assert 'gives no image' in said or 'Resize' in said, said


def test_no_packing_step(root):
    said = problems(pets(root, pipeline=[LOAD, RESIZE]))[0]
    assert 'gives no image' in said and 'PackInputs' in said


@pytest.mark.parametrize('width', [32, 8])
def test_head_of_another_width_b051(width):
    said = problem(tiny({'model.head.in_channels': width}))
    assert f'in_channels={width}' in said and '16' in said


def test_head_without_pooling():
    cfg = cnn({})
    cfg.model.neck = None
    assert 'GlobalAveragePooling' in problem(cfg)


def test_a_step_that_does_not_exist(root):
    said = ' '.join(problems(pets(root, pipeline=[LOAD, dict(type='Fold')])))
    assert 'Fold' in said


def test_a_damaged_image_is_named(root):
    (root / 'train/cat/0.jpg').write_bytes(b'none')
    said = ' '.join(problems(pets(root)))
    assert 'cat/0.jpg' in said and 'not a readable image' in said


def test_every_mixer_is_tried():
    report = str(check(tiny({'model.train_cfg.probs': [0.01, 0.01]})))
    for how in ('mixed by SMMix loss', 'mixed by Mixup loss', 'unmixed loss'):
        assert how in report
    assert 'unmixed' not in str(check(tiny()))


def test_a_loss_that_is_not_finite():
    assert 'not finite' in ' '.join(
        problems(tiny({'data_preprocessor.std': [0.] * 3})))


def test_a_label_rule_that_follows_the_progress_of_a_run():
    cfg = tiny()
    cfg.model.train_cfg = dict(augments=[dict(type='mmmix.SMMix')])
    cfg.model.head.label_rule = dict(
        type='mmmix.ProgressiveAttentionLabel', progress='linear')
    assert not problems(cfg)


def test_an_average_that_guides():
    cfg = tiny({'model.train_cfg.guide': dict(type='mmmix.EMAGuide')})
    assert "type='mmmix.EMAGuideHook'" in problem(cfg)
    cfg.custom_hooks = [dict(type='mmmix.EMAGuideHook')]
    assert not problems(cfg)


def test_the_evaluator_of_the_test_set():
    cfg = tiny({'test_evaluator.topk': (1, 11)})
    assert problem(cfg).startswith('problem: test_evaluator')


def test_one_image_in_the_last_batch_that_would_be_mixed():
    cfg = cnn({
        'train_dataloader.batch_size': 2,
        'train_dataloader.dataset.num_images': 5
    })
    cfg.model.train_cfg = dict(augments=[dict(type='mmmix.CutMix', alpha=1.)])
    said = problem(cfg)
    assert 'last batch of an epoch has one image' in said


@pytest.mark.parametrize('hook', [False, True])
@pytest.mark.parametrize('batch_size, images, partition, said', [
    (12, 25, None, 'has one image, but CoMixup mixes at least 2'),
    (12, 25, 10, 'has one image, but CoMixup mixes at least 10'),
    (12, 33, 10, 'has 9 images, but CoMixup mixes at least 10'),
    (12, 34, 10, None),
    (12, 24, 12, None),
])
def test_a_mixer_that_takes_many_images(batch_size, images, partition, said,
                                        hook):
    cfg = tiny({
        'train_dataloader.batch_size': batch_size,
        'train_dataloader.dataset.num_images': images
    })
    mixing = dict(augments=[dict(type='mmmix.CoMixup', partition=partition)])
    cfg.model.head.mix_losses = None
    cfg.model.train_cfg = mixing
    if hook:
        cfg.model.train_cfg = dict(augments=[dict(type='mmmix.CutMix')])
        cfg.custom_hooks = [
            dict(
                type='SwitchRecipeHook',
                schedule=[dict(action_epoch=1, batch_augments=mixing)])
        ]
    if said:
        assert said in problem(cfg)
        cfg.train_dataloader.drop_last = True
    assert not problems(cfg)


@pytest.mark.parametrize('augments', [None, [dict(type='mmmix.CutMix')]])
@pytest.mark.parametrize('hook', [False, True])
def test_a_mixer_is_tried_on_as_many_images_as_it_takes(augments, hook):
    cfg = tiny({'train_dataloader.batch_size': 12})
    relabelled = dict(
        type='mmmix.ReLabel', mixer=dict(type='mmmix.CoMixup', partition=10))
    cfg.model.head.mix_losses = None
    if hook:
        cfg.model.train_cfg = augments and dict(augments=augments)
        switch = dict(
            action_epoch=1,
            batch_augments=dict(augments=[relabelled], probs=[.5]))
        cfg.custom_hooks = [dict(type='SwitchRecipeHook', schedule=[switch])]
    else:
        cfg.model.train_cfg = dict(
            augments=[*(augments or ()), relabelled],
            probs=None if augments else [.5])
    cfg.train_dataloader.dataset.num_images = 24
    assert 'one batch of 2 or 10 images forward' in str(check(cfg))
    assert not problems(cfg)
    cfg.train_dataloader.batch_size = 8
    said = problem(cfg)
    assert 'partition of 10 images does not fit into a batch of 8' in said


@pytest.mark.parametrize('crop, lost', [
    (dict(type='mmpretrain.RandomResizedCrop', scale=32), 'RandomResizedCrop'),
    (dict(type='CenterCrop', crop_size=32), 'CenterCrop'),
    (dict(type='mmmix.RandomResizedCrop', scale=32), None),
])
def test_a_crop_that_label_maps_do_not_follow(root, crop, lost):
    maps = root / 'maps'
    for name in ('cat', 'dog'):
        (maps / name).mkdir(parents=True)
        for i in range(6):
            torch.save(torch.rand(2, 3, 3), maps / f'{name}/{i}.pt')
    load = dict(type='mmmix.LoadLabelMap', root=str(maps), num_classes=2)
    pack = dict(PACK, algorithm_keys=('label_map', 'crop_box'))
    found = problems(pets(root, pipeline=[LOAD, load, crop, pack]))
    assert len(found) == (1 if lost else 0)
    assert all(f'{lost} moves pixels' in said for said in found)
    flips = [
        dict(type='RandomFlip', prob=.5, direction=direction)
        for direction in ('horizontal', 'vertical')
    ]
    found = problems(pets(root, pipeline=[LOAD, load, crop, flips[0], pack]))
    assert len(found) == (1 if lost else 0)
    found = problems(pets(root, pipeline=[LOAD, load, crop, *flips, pack]))
    assert 'flip in one step' in found[-1]


def test_label_maps_of_other_classes(root):
    maps = root / 'maps'
    maps.mkdir()
    load = dict(type='mmmix.LoadLabelMap', root=str(maps), num_classes=1000)
    crop = dict(type='mmmix.RandomResizedCrop', scale=32)
    pack = dict(PACK, algorithm_keys=('label_map', 'crop_box'))
    said = problem(pets(root, pipeline=[LOAD, load, crop, pack]))
    assert 'LoadLabelMap has num_classes=1000, but model.head 2' in said
