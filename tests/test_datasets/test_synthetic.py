import pickle

import numpy as np
import pytest
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmmix.datasets import SyntheticObjects
from mmmix.datasets.synthetic import CLASSES, draw_clutter, draw_object


def stack(dataset, key):
    return np.stack([sample[key] for sample in dataset])


def test_same_seed_same_images():
    images = stack(SyntheticObjects(num_images=20), 'img')
    again = stack(SyntheticObjects(num_images=30), 'img')
    assert images.dtype == np.uint8 and images.shape == (20, 32, 32, 3)
    np.testing.assert_array_equal(images, again[:20])


@pytest.mark.slow
@pytest.mark.parametrize('other', [dict(seed=1), dict(split='val')])
def test_other_seed_and_split_share_no_image(other):
    one = stack(SyntheticObjects(num_images=100), 'img')
    two = stack(SyntheticObjects(num_images=100, **other), 'img')
    assert not {img.tobytes() for img in one} & {img.tobytes() for img in two}


def test_labels_are_balanced():
    dataset = SyntheticObjects(num_images=50)
    labels = dataset.get_gt_labels()
    assert np.bincount(labels).tolist() == [5] * 10
    assert len(dataset.metainfo['classes']) == len(set(CLASSES)) == 10


@pytest.mark.parametrize('size', [32, (24, 40), [48, 17]])
def test_mask_and_box_are_those_of_the_object(size):
    dataset = SyntheticObjects(num_images=20, size=size, seed=3)
    h, w = (size, size) if isinstance(size, int) else size
    for index in range(20):
        sample = dataset[index]
        img, label = sample['img'], sample['gt_label']
        mask = sample['gt_seg_map'] == label + 1
        assert img.shape == (h, w, 3) and mask.shape == (h, w)
        assert set(np.unique(sample['gt_seg_map'])) == {0, label + 1}
        assert sample['gt_bboxes_labels'].tolist() == [label]

        x1, y1, x2, y2 = sample['gt_bboxes'][0].astype(int)
        assert not np.delete(mask, slice(y1, y2), axis=0).any()
        assert not np.delete(mask, slice(x1, x2), axis=1).any()
        assert mask[[y1, y2 - 1]].any(1).all()
        assert mask[:, [x1, x2 - 1]].any(0).all()

        # the same scene without the object
        rng = np.random.default_rng((3, 0, index))
        clutter = draw_clutter(rng, (h, w))
        changed = (img != clutter).any(-1)
        assert not changed[~mask].any()
        assert changed[mask].mean() > 0.95


def test_classes_differ_in_shape_and_texture_alone():
    """One random state: square and ring share place, size and colours."""
    drawn = {}
    for texture, shape in CLASSES:
        img = np.zeros((32, 32, 3), dtype=np.uint8)
        mask = draw_object(np.random.default_rng(5), img, texture, shape)
        drawn[texture, shape] = mask, img
    for texture, shape in CLASSES:
        mask, img = drawn[texture, shape]
        np.testing.assert_array_equal(mask, drawn['plain', shape][0])
        if texture != 'plain':
            assert not np.array_equal(img, drawn['plain', shape][1])
    square, ring = drawn['plain', 'square'][0], drawn['plain', 'ring'][0]
    centre = tuple(np.argwhere(square).mean(0).astype(int))
    assert square[centre] and not ring[centre]


@pytest.mark.slow
def test_a_linear_classifier_on_pixels_stays_near_chance():

    def data(split, num_images):
        dataset = SyntheticObjects(split, num_images)
        pixels = stack(dataset, 'img').reshape(num_images, -1) / 255 - 0.5
        return pixels, dataset.get_gt_labels()

    train, train_labels = data('train', 1500)
    val, val_labels = data('val', 500)
    # ridge regression in its dual form, with the strength that does best on
    # the validation images
    best = 0
    for strength in (10, 100, 1000):
        gram = train @ train.T + strength * np.eye(len(train))
        weight = train.T @ np.linalg.solve(gram, np.eye(10)[train_labels])
        fitted = ((train @ weight).argmax(1) == train_labels).mean()
        assert fitted > 0.25
        best = max(best, ((val @ weight).argmax(1) == val_labels).mean())
    assert best < 0.2


def test_pickles_and_loads_in_workers():
    dataset = SyntheticObjects(num_images=8)
    expected = stack(dataset, 'img')
    copy = pickle.loads(pickle.dumps(dataset))
    loader = DataLoader(
        copy, batch_size=2, num_workers=2, collate_fn=pseudo_collate)
    images = [img for batch in loader for img in batch['img']]
    np.testing.assert_array_equal(images, expected)


@pytest.mark.parametrize('kwargs, message', [
    (dict(split='test'), "'test'"),
    (dict(num_images=0), 'got 0'),
    (dict(size=8), r'\(8, 8\)'),
    (dict(size=(32, 32, 3)), r'\(32, 32, 3\)'),
    (dict(seed=-1), 'got -1'),
])
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        SyntheticObjects(**kwargs)
