"""Classes, folders and files of classification sets: B004, B005, B007, B018
and their kind."""
import re

import pytest
from inputs import (check, folders, pets, problem, problems, tiny, warnings,
                    write_lines)


@pytest.fixture
def root(tmp_path):
    folders(tmp_path / 'train')
    return tmp_path


def test_what_is_right_passes(root):
    report = check(pets(root))
    assert report.passed, str(report)
    assert 'train: 12 images of 2 classes (CustomDataset)' in str(report)
    assert re.search(r'passed \(\d+\.\d s\)$', str(report))


def test_names_in_another_order_b004(root):
    said = problem(pets(root, metainfo=dict(classes=['dog', 'cat'])))
    assert 'another order: dog, cat' in said
    assert str(root / 'train') in said and 'sorted order' in said


def test_own_names_in_the_order_of_the_folders(root):
    assert not problems(pets(root, metainfo=dict(classes=['Tom', 'Rex'])))


def test_two_classes_as_imagenet_b005(root):
    said = problem(pets(root, type='ImageNet'))
    assert '2 class folders (cat, dog)' in said and '1000 classes' in said
    assert "type='CustomDataset'" in said and 'metainfo' in said


def test_three_names_for_two_folders(root):
    said = problem(pets(root, metainfo=dict(classes=['a', 'b', 'c'])))
    assert '2 class folders' in said and '3 classes' in said


@pytest.mark.parametrize('suffix', ['.tiff', '.webp'])
def test_no_image_is_read_b007(tmp_path, suffix):
    folders(tmp_path / 'train', suffix=suffix)
    said = problem(pets(tmp_path))
    assert str(tmp_path / 'train') in said
    assert '.jpeg' in said and f'12 {suffix}' in said


def test_no_folders(tmp_path):
    (tmp_path / 'train').mkdir()
    assert 'no folders' in problem(pets(tmp_path))


def test_no_root(tmp_path):
    said = problem(pets(tmp_path))
    assert 'No such file or directory' in said and 'first_class' in said


def test_files_left_out_are_counted(root):
    folders(root / 'train', ['dog'], n=3, suffix='.tiff')
    write_lines(root / 'train/cat/notes.txt', 'a')
    said, = (w for w in warnings(pets(root)) if 'left out' in w)
    assert '4 files' in said and '3 .tiff, 1 .txt' in said


def test_hidden_folder(root):
    folders(root / 'train', ['.checkpoints'], n=1)
    said = problem(
        pets(root, {
            'model.head.num_classes': 3,
            'data_preprocessor.num_classes': 3
        }))
    assert '.checkpoints' in said and 'remove' in said


def test_hidden_folder_that_is_one_too_many(root):
    (root / 'train/.trash').mkdir()
    said = problem(pets(root, metainfo=dict(classes=['cat', 'dog'])))
    assert 'Remove the hidden .trash' in said


@pytest.mark.parametrize('classes, said', [
    (('cat', 'cow'), 'without dog; with cow'),
    (('dog', ), 'without cat'),
    (('ant', 'cat', 'dog'), 'with ant'),
])
def test_other_classes_in_validation(root, classes, said):
    folders(root / 'val', classes)
    found = ' '.join(problems(pets(root, val=dict(data_prefix='val'))))
    assert f'differ from those of the training set: {said}' in found


def test_order_of_classes_in_validation():
    classes = list('abcdefghij')
    cfg = tiny({
        'train_dataloader.dataset.metainfo': dict(classes=classes),
        'val_dataloader.dataset.metainfo': dict(classes=classes[::-1]),
        'test_dataloader.dataset.metainfo': dict(classes=classes[::-1])
    })
    assert 'in another order: j, i' in problem(cfg)


@pytest.mark.parametrize('label', [2, 7])
def test_label_out_of_range(root, label):
    ann_file = write_lines(root / 'list.txt', 'train/cat/0.jpg 0',
                           f'train/dog/3.jpg {label}', 'train/dog/1.jpg 1')
    said = problem(pets(root, data_prefix='', ann_file='list.txt'))
    assert f"dog/3.jpg' has the label {label}" in said
    assert '0 to 1' in said and str(ann_file) in said


def test_more_classes_than_the_head():
    cfg = tiny({
        'model.head.num_classes': 7,
        'data_preprocessor.num_classes': 7
    })
    said = ' '.join(problems(cfg))
    assert 'num_classes=7, and the data set 10 classes' in said


def test_missing_and_repeated_files(root):
    write_lines(root / 'list.txt', 'train/cat/0.jpg 0', 'train/dog/1.jpg 1',
                'train/dog/gone.jpg 1', 'train/cat/0.jpg 0')
    cfg = pets(root, data_prefix='', ann_file='list.txt')
    said = ' '.join(problems(cfg))
    assert '1 of 4 files' in said and 'gone.jpg' in said
    assert any('more than once' in w and 'cat/0.jpg' in w
               for w in warnings(cfg))


def tiny_imagenet(root, moved):
    """Two classes; the validation images may lie in class folders."""
    wnids = ['n01443537', 'n01629819']
    write_lines(root / 'wnids.txt', *wnids)
    write_lines(root / 'words.txt', *(f'{w}\tname' for w in wnids))
    for wnid in wnids:
        folders(root / 'train' / wnid, ['images'], 2, size=(64, 64))
        write_lines(root / f'train/{wnid}/{wnid}_boxes.txt',
                    *(f'{i}.jpg\t0\t0\t9\t9' for i in range(2)))
        folders(root / 'val', [f'{wnid}/images' if moved else 'images'], 2)
    write_lines(root / 'val/val_annotations.txt',
                *(f'{i}.jpg\t{wnids[i]}\t0\t0\t9\t9' for i in range(2)))


@pytest.mark.parametrize('moved', [False, True])
def test_tiny_imagenet_with_moved_images_b018(tmp_path, moved):
    tiny_imagenet(tmp_path, moved)
    cfg = pets(tmp_path)
    for split in ('train', 'val'):
        dataset = dict(cfg[f'{split}_dataloader'].dataset)
        dataset.pop('data_prefix')
        dataset.update(type='mmmix.TinyImageNet', split=split)
        cfg[f'{split}_dataloader'].dataset = dataset
    cfg.test_dataloader = cfg.val_dataloader
    if moved:
        said = problem(cfg)
        assert 'val/images/0.jpg' in said
        assert 'TinyImageNet expects' in said and 'val_annotations.txt' in said
    else:
        assert not problems(cfg)


def test_a_set_that_the_run_does_not_use(root):
    cfg = pets(root)
    cfg.test_dataloader.dataset.data_prefix = 'gone'
    report = check(cfg, optional=('test', ))
    assert report.passed, str(report)
    assert any('gone' in finding.what for finding in report.findings)
    assert not check(cfg).passed
