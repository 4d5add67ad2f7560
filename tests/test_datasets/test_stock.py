import cv2
import numpy as np
import pytest

from mmmix.datasets import CIFAR10, CIFAR100, CUB, CustomDataset, ImageNet


@pytest.mark.parametrize('build, missing, layout', [
    (lambda root: CIFAR10(data_root=root, download=False),
     'cifar-10-batches-py', 'data_batch_1'),
    (lambda root: CIFAR100(data_root=root, download=False), 'cifar-100-python',
     'meta'),
    (lambda root: CUB(data_root=root), 'images.txt', 'train_test_split.txt'),
    (lambda root: ImageNet(data_root=root, split='train'), 'train',
     'n01440764'),
    (lambda root: CustomDataset(data_root=root, data_prefix='train'), 'train',
     'first_class'),
    (lambda root: CustomDataset(data_root=root, ann_file='list.txt'),
     'list.txt', 'ann_file'),
])
def test_missing_data(tmp_path, build, missing, layout):
    with pytest.raises(FileNotFoundError) as info:
        build(str(tmp_path))
    message = str(info.value)
    assert f"'{tmp_path / missing}' is missing" in message
    assert layout in message


def test_cifar_downloads_when_asked(tmp_path, monkeypatch):
    fetched = []
    monkeypatch.setattr(
        'mmpretrain.datasets.cifar.download_and_extract_archive',
        lambda url, *_, **__: fetched.append(url))
    for dataset in (CIFAR10, CIFAR100):
        with pytest.raises(AssertionError, match='Download failed'):
            dataset(data_root=str(tmp_path), download=True)
    assert fetched == [CIFAR10.url, CIFAR100.url]


def save(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((4, 4, 3), dtype=np.uint8))


def test_cub(tmp_path):
    for number in (1, 2, 3):
        save(tmp_path / 'images' / 'bird' / f'{number}.jpg')
    (tmp_path /
     'images.txt').write_text('1 bird/1.jpg\n2 bird/2.jpg\n3 bird/3.jpg\n')
    (tmp_path / 'image_class_labels.txt').write_text('1 1\n2 7\n3 1\n')
    (tmp_path / 'train_test_split.txt').write_text('1 1\n2 1\n3 0\n')
    train = CUB(data_root=str(tmp_path))
    assert train.get_gt_labels().tolist() == [0, 6]
    assert len(CUB(data_root=str(tmp_path), split='test')) == 1


def test_folders(tmp_path):
    for name in ('train/ant/1.jpg', 'train/bee/2.jpg', 'train/bee/3.jpg'):
        save(tmp_path / name)
    (tmp_path / 'meta').mkdir()
    (tmp_path / 'meta' / 'train.txt').write_text('ant/1.jpg 4\nbee/2.jpg 2\n')
    folders = CustomDataset(data_root=str(tmp_path), data_prefix='train')
    assert folders.get_gt_labels().tolist() == [0, 1, 1]
    listed = ImageNet(data_root=str(tmp_path), split='train')
    assert listed.get_gt_labels().tolist() == [4, 2]
