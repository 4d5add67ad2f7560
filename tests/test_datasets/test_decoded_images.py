import cv2
import numpy as np
import pytest

from mmmix.datasets import DecodedImages
from mmmix.errors import MmmixError


@pytest.fixture
def root(tmp_path):
    """Two classes of six images, pure red and pure blue (as JPEG, nearly)."""
    for name, bgr in (('blue', (255, 0, 0)), ('red', (0, 0, 255))):
        (tmp_path / name).mkdir()
        for i in range(6):
            image = np.full((8, 8, 3), bgr, np.uint8)
            cv2.imwrite(str(tmp_path / name / f'{i}.jpg'), image)
    return str(tmp_path)


def names(dataset):
    return [
        dataset.get_data_info(i)['img_path'][-5:] for i in range(len(dataset))
    ]


def test_images_are_held_as_rgb(root):
    dataset = DecodedImages(data_root=root, pipeline=[])
    assert len(dataset) == 12
    for sample in dataset:
        strongest = sample['img'].mean((0, 1)).argmax()
        assert strongest == (2 if sample['gt_label'] == 0 else 0)
        assert sample['img'].dtype == np.uint8


def test_nothing_is_read_from_disk_again(root, tmp_path):
    dataset = DecodedImages(data_root=root, pipeline=[])
    for path in tmp_path.rglob('*.jpg'):
        path.unlink()
    assert dataset[5]['img'].shape == (8, 8, 3)


@pytest.mark.parametrize('num_images, offset, expected', [
    (4, 0, '0.jpg 3.jpg 0.jpg 3.jpg'),
    (4, 2, '2.jpg 5.jpg 2.jpg 5.jpg'),
    (5, 0, '0.jpg 2.jpg 4.jpg 1.jpg 3.jpg'),
    (12, 0, '0.jpg 1.jpg 2.jpg 3.jpg 4.jpg 5.jpg ' * 2),
])
def test_evenly_spaced_images(root, num_images, offset, expected):
    dataset = DecodedImages(
        data_root=root, num_images=num_images, offset=offset, pipeline=[])
    assert names(dataset) == expected.split()


@pytest.mark.parametrize('options, word', [
    (dict(num_images=0), 'num_images'),
    (dict(num_images=13), r'\[1, 12\]'),
    (dict(num_images=4, offset=3), 'offset'),
    (dict(num_images=12, offset=1), 'offset'),
    (dict(num_images=4, offset=-1), 'offset'),
])
def test_wrong_numbers_are_refused(root, options, word):
    with pytest.raises(MmmixError, match=word):
        DecodedImages(data_root=root, pipeline=[], **options)
