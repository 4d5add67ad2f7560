"""Annotation files, and how files and roots are named: B008 to B017."""
import numpy as np
import pytest
from PIL import Image

from mmmix.datasets import (CustomDataset, ImageNet, VOCSegmentation,
                            WnidImages, read_lines)

TWO = [('cat', 0), ('dog', 1)]
LINES = 'train/cat/0.jpg 0\ntrain/dog/0.jpg 1\n'


@pytest.fixture
def pets(tmp_path):
    for name in ('cat', 'dog'):
        (tmp_path / 'train' / name).mkdir(parents=True)
        for i in range(2):
            Image.fromarray(np.zeros(
                (8, 8, 3),
                np.uint8)).save(tmp_path / 'train' / name / f'{i}.jpg')
    return tmp_path


def listed(root, content, kind=CustomDataset, **kwargs):
    """What a data set reads from a list."""
    content = content if isinstance(content, bytes) else content.encode()
    (root / 'list.txt').write_bytes(content)
    return kind(data_root=str(root), ann_file='list.txt', **kwargs)


def read(dataset, root):
    infos = map(dataset.get_data_info, range(len(dataset)))
    return [(info['img_path'].replace(f'{root}/', ''), info['gt_label'])
            for info in infos]


@pytest.mark.parametrize('kind', [CustomDataset, ImageNet])
@pytest.mark.parametrize(
    'content', [
        LINES.replace('\n', '\r\n'),
        LINES.replace('\n', '\r'),
        LINES.replace('\n', ' \n'),
        LINES.strip(),
        LINES.replace(' ', '\t'),
        LINES.encode('utf-8-sig'),
        LINES.replace('\n', '\n\n'),
        f'\n{LINES}  \n\n',
        LINES.replace(' ', '   '),
        (LINES.replace(' ', ' \t').replace('\n', '\r\n')).encode('utf-8-sig'),
    ],
    ids=[
        'B009-crlf', 'B009-cr', 'B009-blank', 'B009-end', 'B011-tab',
        'B013-mark', 'empty lines', 'empty lines at the ends', 'blanks', 'all'
    ])
def test_b009_b011_b013_read_alike(pets, content, kind):
    assert read(listed(pets, content, kind), pets) == [('train/cat/0.jpg', 0),
                                                       ('train/dog/0.jpg', 1)]


@pytest.mark.parametrize('name', ['a cat/0.jpg', 'my cats/of  2020/a, b.jpg'])
def test_b008_blanks_in_paths(pets, name):
    """The second is unlisted."""
    assert read(listed(pets, f'{name} 1\n'), pets) == [(name, 1)]


@pytest.mark.parametrize(
    'line, number', [
        ('filename label', 1),
        ('train/dog/0.jpg,1', 3),
        ('train/dog/0.jpg dog', 3),
        ('train/dog/0.jpg 1.0', 3),
        ('train/dog/0.jpg', 3),
        ('train/dog/0.jpg -1', 3),
        ('train/dog/0.jpg 0 # a cat', 3),
    ],
    ids=[
        'B012-header', 'B011-comma', 'B012-name', 'B012-float', 'no label',
        'negative', 'comment'
    ])
def test_b011_b012_a_line_that_cannot_be_read(pets, line, number):
    """It counts empty lines. The last three are unlisted."""
    lines = ['train/cat/0.jpg 0', '']
    lines.insert(number - 1, line)
    with pytest.raises(ValueError) as error:
        listed(pets, '\n'.join(lines))
    message = str(error.value)
    assert f"list.txt', line {number}: expected `path label`" in message
    assert message.endswith(f"'{line}'.")


def test_unlisted_an_image_with_two_labels(pets):
    with pytest.raises(
            ValueError,
            match="line 3: 'train/cat/0.jpg' has the "
            'label 1, but in line 1 it has 0'):
        listed(pets, f'{LINES}train/cat/0.jpg 1\n')
    assert len(listed(pets, LINES * 2)) == 4


@pytest.mark.parametrize('encoding', ['utf-16', 'latin-1'])
def test_unlisted_another_encoding(pets, encoding):
    with pytest.raises(ValueError, match="list.txt' is not text in UTF-8"):
        listed(pets, 'train/é/0.jpg 0\n'.encode(encoding))


def test_unlisted_a_list_without_labels(pets):
    dataset = listed(
        pets,
        'train/a cat/0.jpg\r\n\r\n'.encode('utf-8-sig'),
        with_label=False)
    assert dataset.get_data_info(0)['img_path'] == f'{pets}/train/a cat/0.jpg'
    assert len(dataset) == 1


def test_unlisted_lists_of_other_data_sets(pets, monkeypatch):
    """By wnid, and names of Pascal VOC."""
    content = 'a.jpg n01440764 x\r\n\r\nb.jpg\tn01443537\r\n'
    dataset = listed(pets, content.encode('utf-8-sig'), WnidImages)
    assert read(dataset, pets) == [('a.jpg', 0), ('b.jpg', 1)]
    for folder in ('JPEGImages', 'SegmentationClass',
                   'ImageSets/Segmentation'):
        (pets / folder).mkdir(parents=True)
    (pets / 'JPEGImages/a.jpg').touch()
    (pets / 'SegmentationClass/a.png').touch()
    (pets / 'ImageSets/Segmentation/val.txt').write_bytes(
        '\r\na\r\n'.encode('utf-8-sig'))
    monkeypatch.setenv('HOME', str(pets))
    assert len(VOCSegmentation(data_root='~/')) == 1


def test_lines_are_numbered_as_in_an_editor(tmp_path):
    path = tmp_path / 'list.txt'
    path.write_text('\n a \n\nb\n')
    assert read_lines(str(path)) == [(2, 'a'), (4, 'b')]


@pytest.mark.parametrize('folder, file', [
    ('la très belle', '一只 猫.JPG'),
    ('狗', 'a b.Jpeg'),
    ("d'or", '100%.PNG'),
])
def test_b015_odd_characters_and_extensions(pets, folder, file):
    """The last is unlisted."""
    (pets / 'train' / folder).mkdir()
    (pets / 'train/cat/0.jpg').rename(pets / 'train' / folder / file)
    data = CustomDataset(
        data_root=str(pets),
        data_prefix='train',
        pipeline=[dict(type='mmmix.LoadImage')])
    sample = next(s for s in data if s['img_path'].endswith(file))
    assert sample['img'].shape == (8, 8, 3)
    assert data.CLASSES[sample['gt_label']] == folder


@pytest.mark.parametrize('root, line', [
    ('{}/', 'train/cat/0.jpg 0'),
    ('.', 'train/cat/0.jpg 0'),
    ('./', './train/cat/0.jpg 0'),
    ('../{name}', 'train//cat/0.jpg 0'),
    ('~/{name}/', 'train/cat/0.jpg 0'),
])
def test_b016_how_the_root_is_written(pets, monkeypatch, root, line):
    """The last two are unlisted."""
    monkeypatch.chdir(pets)
    monkeypatch.setenv('HOME', str(pets.parent))
    (pets / 'list.txt').write_text(line)
    data = CustomDataset(
        data_root=root.format(pets, name=pets.name),
        ann_file='list.txt',
        pipeline=[dict(type='mmmix.LoadImage')])
    assert data[0]['img'].shape == (8, 8, 3)
