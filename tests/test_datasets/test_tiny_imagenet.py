import cv2
import numpy as np
import pytest

from mmmix.datasets import TinyImageNet
from mmmix.errors import MmmixError

WNIDS = ('n03', 'n01', 'n02')  # as in the archive, not sorted


@pytest.fixture
def root(tmp_path):
    """Three classes: two images each to train, one to validate. Every image
    shows its class as its grey value."""

    def save(path, wnid):
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = np.full((64, 64, 3), 50 * int(wnid[1:]), dtype=np.uint8)
        cv2.imwrite(str(path), grey)

    val = []
    for number, wnid in enumerate(WNIDS):
        folder = tmp_path / 'train' / wnid
        for i in range(2):
            save(folder / 'images' / f'{wnid}_{i}.JPEG', wnid)
        (folder / f'{wnid}_boxes.txt').write_text(''.join(
            f'{wnid}_{i}.JPEG\t{i}\t10\t63\t58\n' for i in range(2)))
        save(tmp_path / 'val' / 'images' / f'val_{number}.JPEG', wnid)
        val.append(f'val_{number}.JPEG\t{wnid}\t0\t32\t44\t62\n')
    (tmp_path / 'val' / 'val_annotations.txt').write_text(''.join(val))
    (tmp_path / 'wnids.txt').write_text('\n'.join(WNIDS))
    (tmp_path / 'words.txt').write_text(
        'n01\tgoldfish\nn02\tbullfrog\nn03\ttailed frog, bell toad\n')
    return tmp_path


def labels_and_greys(dataset):
    return {(sample['gt_label'], int(sample['img'].mean().round()))
            for sample in dataset}


@pytest.mark.parametrize('split, number', [('train', 6), ('val', 3)])
def test_labels_follow_the_sorted_wnids(root, split, number):
    dataset = TinyImageNet(
        str(root), split, pipeline=[dict(type='mmmix.LoadImage')])
    assert len(dataset) == number
    assert labels_and_greys(dataset) == {(0, 50), (1, 100), (2, 150)}
    assert dataset.metainfo['wnids'] == ('n01', 'n02', 'n03')
    assert dataset.metainfo['classes'] == ('goldfish', 'bullfrog',
                                           'tailed frog, bell toad')


def test_boxes_are_half_open(root):
    boxes = [sample['gt_bboxes'] for sample in TinyImageNet(str(root))]
    assert boxes[0].dtype == np.float32 and boxes[0].shape == (1, 4)
    assert boxes[0].tolist() == [[0, 10, 64, 59]]
    assert boxes[1].tolist() == [[1, 10, 64, 59]]
    val = TinyImageNet(str(root), 'val')[0]
    assert val['gt_bboxes'].tolist() == [[0, 32, 45, 63]]
    assert val['gt_bboxes_labels'].tolist() == [val['gt_label']]


@pytest.mark.parametrize('wnids, expected', [
    (2, {(0, 50), (1, 100)}),
    (('n03', 'n02'), {(0, 100), (1, 150)}),
    (['n03'], {(0, 150)}),
])
@pytest.mark.parametrize('split', ['train', 'val'])
def test_part_of_the_classes(root, split, wnids, expected):
    dataset = TinyImageNet(
        str(root), split, wnids, pipeline=[dict(type='mmmix.LoadImage')])
    assert labels_and_greys(dataset) == expected
    assert len(dataset.metainfo['classes']) == len(expected)


def test_classes_without_training_data(root):
    (root / 'train' / 'n02').rename(root / 'elsewhere')
    with pytest.raises(FileNotFoundError, match='1 of 3 classes: n02'):
        TinyImageNet(str(root))
    assert len(TinyImageNet(str(root), wnids=['n01', 'n03'])) == 4
    for split in ('train', 'val'):
        dataset = TinyImageNet(
            str(root),
            split,
            'available',
            pipeline=[dict(type='mmmix.LoadImage')])
        assert labels_and_greys(dataset) == {(0, 50), (1, 150)}


@pytest.mark.parametrize(
    'wnids', [0, -1, 4, 'some', [], ['n01', 'n01'], ['n01', 'n09']])
def test_wrong_classes(root, wnids):
    with pytest.raises(ValueError, match='wnids must be'):
        TinyImageNet(str(root), wnids=wnids)


def test_wrong_split(root):
    with pytest.raises(ValueError, match="'test'"):
        TinyImageNet(str(root), 'test')


@pytest.mark.parametrize(
    'missing', ['wnids.txt', 'words.txt', 'train', 'val/val_annotations.txt'])
def test_wrong_layout(root, missing):
    (root / missing).rename(root / 'elsewhere')
    split = 'val' if 'val' in missing else 'train'
    with pytest.raises(FileNotFoundError) as info:
        TinyImageNet(str(root), split)
    assert str(root / missing) in str(info.value)


@pytest.mark.parametrize('line', [
    'n01_0.JPEG\t0\t10\t63', 'n01_0.JPEG 0 10 63 58',
    'n01_0.JPEG\t0\t10\t63\tx'
])
def test_malformed_line(root, line):
    path = root / 'train' / 'n01' / 'n01_boxes.txt'
    path.write_text(f'n01_0.JPEG\t0\t10\t63\t58\n{line}\n')
    with pytest.raises(ValueError, match='n01_boxes.txt.*line 2'):
        TinyImageNet(str(root))


@pytest.mark.parametrize('wanted, names', [
    (1, ['n01_0', 'n02_0', 'n03_0']),
    ((1, 2), ['n01_1', 'n02_1', 'n03_1']),
    ((0, 2), ['n01_0', 'n01_1', 'n02_0', 'n02_1', 'n03_0', 'n03_1']),
])
def test_some_images_of_each_class(root, wanted, names):
    dataset = TinyImageNet(str(root), images_per_class=wanted, pipeline=[])
    assert [sample['img_path'].split('/')[-1][:-5]
            for sample in dataset] == names
    assert len(TinyImageNet(str(root), 'val', images_per_class=wanted)) == 3


@pytest.mark.parametrize('wanted', [0, 3, (1, 1), (-1, 1)])
def test_too_few_images_of_a_class_are_refused(root, wanted):
    with pytest.raises(MmmixError, match='images_per_class.*lists 2'):
        TinyImageNet(str(root), images_per_class=wanted)
