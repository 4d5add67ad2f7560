import cv2
import numpy as np
import pytest
from mmengine.dataset import ConcatDataset
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES

from mmmix.datasets import (ImageNetA, ImageNetO, ImageNetR, ImageNetSketch,
                            StylizedImageNet, WnidImages)
from mmmix.imagenet import IMAGENET_WNIDS

HEAD = ('n03', 'n01', 'n02', 'n05')  # in the order of the head, not sorted


def save(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((4, 4, 3), dtype=np.uint8))


@pytest.fixture
def root(tmp_path):
    for name in ('n01/a.jpg', 'n01/b.JPEG', 'n03/images/c.png', 'n03/x.txt'):
        save(tmp_path /
             name) if 'x' not in name else (tmp_path /
                                            name).write_text('no image')
    return tmp_path


def labels(dataset):
    return dataset.get_gt_labels().tolist()


@pytest.mark.parametrize('wnid, index, name', [
    ('n01440764', 0, 'tench'),
    ('n02086240', 155, 'Shih-Tzu'),
    ('n03110669', 513, 'cornet'),
    ('n04266014', 812, 'space shuttle'),
    ('n15075141', 999, 'toilet tissue'),
])
def test_wnids_of_imagenet(wnid, index, name):
    assert IMAGENET_WNIDS.index(wnid) == index
    assert IMAGENET_CATEGORIES[index].startswith(name)


def test_wnids_are_those_of_timm():
    info = pytest.importorskip('timm.data').ImageNetInfo('imagenet-1k')
    assert list(IMAGENET_WNIDS) == info.label_names()


def test_labels_are_those_of_the_head(root):
    dataset = WnidImages(str(root), wnids=HEAD)
    assert labels(dataset) == [1, 1, 0]
    assert dataset.metainfo['subset'] == (0, 1)
    assert dataset.metainfo['wnids'] == HEAD
    assert dataset.CLASSES == HEAD
    assert all(
        cv2.imread(dataset[i]['img_path']) is not None for i in range(3))


def test_labels_of_imagenet(tmp_path):
    for wnid in ('n02086240', 'n01440764', 'n15075141'):
        save(tmp_path / wnid / '1.JPEG')
    dataset = WnidImages(str(tmp_path))
    assert labels(dataset) == [0, 155, 999]
    assert dataset.CLASSES[155].startswith('Shih-Tzu')


def test_list(root):
    (root / 'list.txt').write_text(
        'b.JPEG\tn01\t0\t1\t2\t3\na.jpg n01\n\n../n03/images/c.png n03\n')
    dataset = WnidImages(
        str(root), data_prefix='n01', ann_file='list.txt', wnids=HEAD)
    assert labels(dataset) == [1, 1, 0]
    assert cv2.imread(dataset[2]['img_path']) is not None
    (root / 'list.txt').write_text('a.jpg n01\nb.JPEG\n')
    with pytest.raises(ValueError, match="list.txt', line 2.*'b.JPEG'"):
        WnidImages(str(root), ann_file='list.txt', wnids=HEAD)


def test_classes_that_the_head_does_not_have(root):
    wnids = ('n07', 'n01')
    with pytest.raises(
            ValueError, match='The head lacks 1 of the 2 classes of .*: n03'):
        WnidImages(str(root), wnids=wnids)
    known = WnidImages(str(root), wnids=wnids, keep='known')
    assert labels(known) == [1, 1] and known.num_left_out == 1
    assert known.metainfo['subset'] == (1, )
    unknown = WnidImages(str(root), wnids=wnids, keep='unknown')
    assert labels(unknown) == [-1] and unknown.num_left_out == 2
    assert unknown.metainfo['subset'] == (0, 1)
    with pytest.raises(ValueError, match="None of the 3 .*keep='unknown'"):
        WnidImages(str(root), wnids=HEAD, keep='unknown')


def test_classes_of_another_set(root, tmp_path):
    (tmp_path / 'other' / 'n03').mkdir(parents=True)
    dataset = WnidImages(
        str(root), wnids=HEAD, classes_of=str(tmp_path / 'other'))
    assert labels(dataset) == [0]
    assert dataset.num_left_out == 0
    with pytest.raises(FileNotFoundError, match='nowhere'):
        WnidImages(str(root), wnids=HEAD, classes_of=str(root / 'nowhere'))


@pytest.mark.parametrize('kind, images, classes', [
    (ImageNetA, '7,500', 200),
    (ImageNetO, '2,000', 200),
    (ImageNetR, '30,000', 200),
    (ImageNetSketch, '50,889', 1000),
    (StylizedImageNet, '50,000', 1000),
])
def test_sizes(root, kind, images, classes):
    with pytest.raises(
            ValueError,
            match=f'3 images of 2 classes, but .* {images} of {classes}.*'
            'allow_partial'):
        kind(str(root), wnids=HEAD)
    assert len(kind(str(root), wnids=HEAD, allow_partial=True)) == 3
    (root / 'empty').mkdir()
    with pytest.raises(ValueError, match=f'0 images.* has {images}') as info:
        kind(str(root / 'empty'))
    assert 'a folder for each wnid' in str(info.value)
    with pytest.raises(FileNotFoundError, match='nowhere'):
        kind(str(root / 'nowhere'))


def test_a_whole_set_is_taken(root, monkeypatch):
    monkeypatch.setattr(ImageNetA, 'NUM_IMAGES', 3)
    monkeypatch.setattr(ImageNetA, 'NUM_CLASSES', 2)
    assert len(ImageNetA(str(root), wnids=HEAD)) == 3
    save(root / 'n03' / 'one_too_many.jpg')
    with pytest.raises(ValueError, match='4 images of 2'):
        ImageNetA(str(root), wnids=HEAD)


def test_outside_and_inside_in_one(root, tmp_path):
    for name in ('n01/v.jpg', 'n02/w.jpg', 'n03/y.jpg'):
        save(tmp_path / 'val' / name)
    (tmp_path / 'val').rename(tmp_path.parent / 'val_of_outside')
    both = ConcatDataset([
        dict(
            type='mmmix.ImageNetO',
            data_root=str(root),
            wnids=HEAD,
            allow_partial=True),
        dict(
            type='mmmix.WnidImages',
            data_root=str(tmp_path.parent / 'val_of_outside'),
            wnids=HEAD,
            classes_of=str(root)),
    ])
    assert [both[i]['gt_label'] for i in range(5)] == [-1, -1, -1, 1, 0]
    assert both.metainfo['subset'] == (0, 1)


@pytest.mark.parametrize('options, message', [
    (dict(keep='some'), "'some'"),
    (dict(wnids='tiny'), "'tiny'"),
    (dict(wnids=['n01', 'n01']), 'Only 1 of the 2 wnids'),
])
def test_wrong_options(root, options, message):
    with pytest.raises(ValueError, match=message):
        WnidImages(str(root), **options)
