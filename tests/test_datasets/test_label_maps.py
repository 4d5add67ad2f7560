"""Label maps from files, and crops that are recorded."""
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

import mmmix  # noqa: F401
from mmmix.registry import TRANSFORMS

K = 5


def best_map(k=2, h=3, w=4, dtype=torch.float16):
    """Scores and indices of the k best of K classes at each place."""
    values, indices = torch.rand(K, h, w).topk(k, 0)
    return torch.stack([values.to(dtype), indices.to(dtype)])


def loader(root, **options):
    return TRANSFORMS.build(
        dict(
            type='mmmix.LoadLabelMap',
            root=str(root),
            **dict(num_classes=K, **options)))


def loaded(folder, image='images/cat/one.jpg', **options):
    return loader(folder, **options)(dict(img_path=image))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'cat').mkdir()
    return tmp_path


@pytest.mark.parametrize('suffix', ['.pt', '.npy', '.npz'])
@pytest.mark.parametrize('best', [True, False])
def test_what_was_stored_is_loaded(folder, suffix, best):
    stored = best_map() if best else torch.rand(K, 3, 4)
    path = folder / f'cat/one{suffix}'
    if suffix == '.pt':
        torch.save(stored, path)
    elif suffix == '.npy':
        np.save(path, stored.numpy())
    elif best:
        values, indices = stored.numpy()
        np.savez(path, values=values, indices=indices.astype(np.int64))
    else:
        np.savez(path, maps=stored.numpy())
    results = loaded(folder, suffix=suffix)
    torch.testing.assert_close(results['label_map'], stored, check_dtype=False)
    assert results['crop_box'].tolist() == [0, 0, 1, 1]


def test_the_map_lies_as_the_image_does(folder):
    stored = best_map()
    (folder / 'train/cat').mkdir(parents=True)
    torch.save(stored, folder / 'train/cat/a.b.pt')
    results = loaded(
        folder, '/data/set/train/cat/a.b.jpg', image_root='/data/set')
    assert torch.equal(results['label_map'], stored)
    with pytest.raises(ValueError, match='/else/cat/one.jpg is not below'):
        loaded(folder, '/else/cat/one.jpg', image_root='/data/set')


def test_a_missing_map_names_its_image(folder):
    with pytest.raises(
            FileNotFoundError, match='images/cat/one.jpg has no label map'):
        loaded(folder)


def test_a_missing_folder_is_named_at_once(tmp_path):
    with pytest.raises(FileNotFoundError, match='no folder .*/absent'):
        loader(tmp_path / 'absent')


class Code:
    """What a stranger's pickle could run."""

    def __reduce__(self):
        return exec, ('raise SystemExit("it ran")', )


@pytest.mark.parametrize('suffix', ['.pt', '.npy', '.npz'])
def test_no_code_in_a_file_is_run(folder, suffix):
    path = folder / f'cat/one{suffix}'
    content = np.array([Code()], dtype=object)
    if suffix == '.pt':
        torch.save(Code(), path)
    elif suffix == '.npy':
        np.save(path, content)
    else:
        np.savez(path, maps=content)
    with pytest.raises(ValueError, match=f'one{suffix} cannot be read'):
        loaded(folder, suffix=suffix)


@pytest.mark.parametrize('stored,options,message', [
    (torch.rand(3, 2, 3, 4), {}, r'has the shape \(3, 2, 3, 4\)'),
    (torch.rand(3, 4), {}, r'has the shape \(3, 4\)'),
    (torch.rand(2, 0, 3, 4), {}, r'has the shape \(2, 0, 3, 4\)'),
    (torch.rand(K + 1, 3, 4), {}, 'of 6 classes or more, but'),
    (best_map() + 3, {}, 'classes or more, but'),
    (best_map() - 3, {}, 'classes or more, but'),
    (best_map() + .5, {}, 'must be indices of classes, but'),
    (best_map() * torch.nan, {}, 'but nan is none'),
    (best_map(), dict(num_classes=3000), 'store it as float32'),
    ([1, 2, 3], {}, r'has the shape \(3,\)'),
])
def test_maps_of_another_kind_are_named(folder, stored, options, message):
    torch.save(stored, folder / 'cat/one.pt')
    with pytest.raises(ValueError, match=message):
        loader_options = dict(dict(num_classes=K), **options)
        TRANSFORMS.build(
            dict(
                type='mmmix.LoadLabelMap', root=str(folder),
                **loader_options))(
                    dict(img_path='images/cat/one.jpg'))


def test_an_unknown_suffix_is_refused(folder):
    with pytest.raises(ValueError, match="not '.pkl'"):
        loader(folder, suffix='.pkl')


OPTIONS = [
    dict(scale=16),
    dict(scale=(8, 12), crop_ratio_range=(0.3, 0.5)),
    dict(scale=8, interpolation='bicubic', backend='pillow'),
    # no attempt succeeds: a central crop
    dict(scale=8, max_attempts=0),
]


@pytest.mark.parametrize('options', OPTIONS)
@pytest.mark.parametrize('size', [(20, 50), (50, 20)])
def test_the_crop_is_that_of_mmpretrain(options, size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    ours, theirs = (
        TRANSFORMS.build(dict(type=f'{scope}.RandomResizedCrop', **options))
        for scope in ('mmmix', 'mmpretrain'))
    for seed in range(5):
        np.random.seed(seed)
        expected = theirs(dict(img=image.copy()))
        np.random.seed(seed)
        results = ours(dict(img=image))
        assert np.array_equal(results['img'], expected['img'])
        assert results['img_shape'] == expected['img_shape']
        np.random.seed(seed)
        top, left, height, width = theirs.rand_crop_params(image)
        assert results['crop_box'].tolist() == pytest.approx([
            top / size[0], left / size[1], (top + height) / size[0],
            (left + width) / size[1]
        ])


def transformed(image, steps, seed):
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        steps = [TRANSFORMS.build(step) for step in steps]
    np.random.seed(seed)
    results = dict(img=image)
    for step in steps:
        results = step(results)
    return results


CROP = dict(
    type='mmmix.RandomResizedCrop',
    scale=(30, 20),
    crop_ratio_range=(0.3, 0.9))
FLIP = dict(
    type='RandomFlip',
    prob=[0.25, 0.25, 0.25],
    direction=['horizontal', 'vertical', 'diagonal'])


@pytest.mark.parametrize(
    'steps',
    [[CROP, FLIP], [FLIP, CROP], [CROP, CROP, FLIP], [CROP, FLIP, CROP]],
    ids=['crop, flip', 'flip, crop', 'crop twice', 'flip between'])
def test_the_record_leads_back_to_the_image(steps):
    """An image whose pixels say where they are: the corners of the result
    are those of the box, flipped."""
    y, x = np.mgrid[:60, :100].astype(np.float32)
    image = np.stack([(y + 0.5) / 60, (x + 0.5) / 100, 0 * y], 2)
    directions = set()
    for seed in range(12):
        results = transformed(image, steps, seed)
        y1, x1, y2, x2 = results['crop_box'].tolist()
        direction = results['flip_direction']
        directions.add(direction)
        if direction in ('vertical', 'diagonal'):
            y1, y2 = y2, y1
        if direction in ('horizontal', 'diagonal'):
            x1, x2 = x2, x1
        for row, column in ((0.25, 0.25), (0.25, 0.75), (0.6, 0.4)):
            pixel = results['img'][int(row * 30), int(column * 20)]
            row, column = (int(row * 30) + .5) / 30, (int(column * 20) +
                                                      .5) / 20
            assert pixel[0] == pytest.approx(y1 + row * (y2 - y1), abs=0.01)
            assert pixel[1] == pytest.approx(x1 + column * (x2 - x1), abs=0.01)
    assert len(directions) > 2
