import json
import logging

import cv2
import numpy as np
import pytest
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from mmpretrain.datasets import CustomDataset
from torch.utils.data import DataLoader

from mmmix.datasets import LoadImage
from mmmix.errors import MmmixError

CORRUPT = {'class/garbage.jpg': b'not an image', 'class/empty.jpg': b''}


@pytest.fixture
def root(tmp_path):
    """Two good images and two corrupt ones."""
    (tmp_path / 'class').mkdir()
    for name in ('good', 'great'):
        img = np.random.randint(0, 255, (8, 6, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / 'class' / f'{name}.jpg'), img)
    for name, content in CORRUPT.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def dataset(root, load, test_mode=False):
    return CustomDataset(
        data_root=str(root), pipeline=[load], test_mode=test_mode)


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
@pytest.mark.parametrize('name', CORRUPT)
def test_a_corrupt_file_is_named(root, name, backend):
    load = LoadImage(imdecode_backend=backend)
    with pytest.raises(ValueError, match=name):
        load(dict(img_path=str(root / name)))


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
def test_a_jpeg_that_is_cut_off_is_named(root, backend):
    path = root / 'class' / 'good.jpg'
    content = path.read_bytes()
    path.write_bytes(content[:-len(content) // 8])
    with pytest.raises(ValueError, match='good.jpg.*truncated'):
        LoadImage(imdecode_backend=backend)(dict(img_path=str(path)))


def test_a_good_file_is_loaded_as_by_mmcv(root):
    path = str(root / 'class' / 'good.jpg')
    sample = LoadImage(to_float32=True)(dict(img_path=path))
    assert sample['img'].dtype == np.float32
    assert sample['img_shape'] == sample['ori_shape'] == (8, 6)
    np.testing.assert_array_equal(sample['img'], cv2.imread(path))


def test_a_missing_file_is_never_skipped(root):
    with pytest.raises(FileNotFoundError, match='nowhere.jpg'):
        LoadImage(on_error='skip')(dict(img_path=str(root / 'nowhere.jpg')))


def test_corrupt_files_are_replaced_in_training(root):
    load = LoadImage(on_error='skip')
    names = [
        sample['img_path'].rsplit('/')[-1] for sample in dataset(root, load)
    ]
    assert len(names) == 4
    assert set(names) == {'good.jpg', 'great.jpg'}


@pytest.mark.parametrize('num_workers', [0, 2])
def test_each_skip_is_noted_and_each_file_logged(root, capfd, num_workers):
    # a logger of this test's own, which writes to the captured stream
    MMLogger.get_instance(f'skips_of_{num_workers}_workers')
    load = LoadImage(on_error='skip')
    load.bad_files.notes = str(root / 'notes.jsonl')
    loader = DataLoader(
        dataset(root, load),
        batch_size=1,
        num_workers=num_workers,
        collate_fn=pseudo_collate)
    for _ in range(3):
        assert len(list(loader)) == 4
    notes = (root / 'notes.jsonl').read_text().splitlines()
    assert len(notes) >= 6
    assert {json.loads(line)[0]
            for line in notes} == {str(root / name)
                                   for name in CORRUPT}
    out, err = capfd.readouterr()
    lines = [line for line in (out + err).splitlines() if 'Skipped: ' in line]
    for name in CORRUPT:  # workers end with an epoch
        logged = sum(name in line for line in lines)
        assert logged == 1 if num_workers == 0 else logged >= 3


def test_skipping_stops_where_no_file_is_good(root):
    for path in root.glob('class/g*'):
        path.unlink()
    data = dataset(root, LoadImage(on_error='skip'))
    with pytest.raises(MmmixError, match='100 files in a row .*empty.jpg'):
        data[0]


@pytest.mark.parametrize('argument', [
    dict(on_error='ignore'),
    dict(color_type='colour'),
    dict(imdecode_backend='opencv'),
])
def test_words_that_no_argument_has(argument):
    with pytest.raises(MmmixError, match=f'`{list(argument)[0]}` must be one'):
        LoadImage(**argument)


@pytest.mark.parametrize('on_error', ['raise', 'skip'])
def test_a_corrupt_file_stops_a_test(root, caplog, on_error):
    data = dataset(root, LoadImage(on_error=on_error), test_mode=True)
    paths = [data.get_data_info(i)['img_path'] for i in range(len(data))]
    index = paths.index(str(root / 'class' / 'garbage.jpg'))
    logger = MMLogger.get_instance(f'stops_{on_error}')
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.WARNING), pytest.raises(Exception) as info:
        data[index]
    assert 'garbage.jpg' in f'{info.value} {caplog.text}'
