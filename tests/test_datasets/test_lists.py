"""Text files of data sets as editors leave them, and damaged ones."""
import json

import numpy as np
import pytest
from mmengine.registry import DefaultScope
from tiny_dense_data import annotation

from mmmix.datasets import (CUB, CustomDataset, LoadGaze, LoadLabelMap,
                            TinyImageNet, WnidImages, read_cub_gha,
                            read_fixations)
from mmmix.datasets.fixations import read_image_ids
from mmmix.errors import MmmixError

WNID = 'n01440764'
FILES = {
    'images.txt': '1 a b/x.jpg\n2 c/y.jpg\n',
    'image_class_labels.txt': '1 1\n2 2\n',
    'train_test_split.txt': '1 1\n2 1\n',
    'wnids.txt': f'{WNID}\n',
    'words.txt': f'{WNID}\ttench\n',
    f'train/{WNID}/{WNID}_boxes.txt': 'x.JPEG\t0\t0\t7\t7\n',
    'val/val_annotations.txt': f'x.JPEG\t{WNID}\t0\t0\t7\t7\n',
    'wnids_of_images.txt': f'a b.jpg\t{WNID}\n',
    'list.txt': 'a b.jpg 1\n',
    'gaze.csv': 'image,x,y,duration\n"a, b.jpg",.5,.25,300\n',
    'Fixation.txt': '7,100,50,10,20,300,50,25,100\n',
}


def infos(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def points(gaze):
    return gaze.num_points


# what reads a file: root -> something to compare
READERS = {
    'images.txt':
    lambda root: infos(CUB(root)),
    'image_class_labels.txt':
    lambda root: infos(CUB(root)),
    'train_test_split.txt':
    lambda root: infos(CUB(root)),
    'wnids.txt':
    lambda root: TinyImageNet(root).wnids,
    'words.txt':
    lambda root: TinyImageNet(root).metainfo['classes'],
    f'train/{WNID}/{WNID}_boxes.txt':
    lambda root: len(TinyImageNet(root)),
    'val/val_annotations.txt':
    lambda root: len(TinyImageNet(root, 'val')),
    'wnids_of_images.txt':
    lambda root: infos(WnidImages(root, ann_file='wnids_of_images.txt')),
    'list.txt':
    lambda root: infos(CustomDataset(root, ann_file='list.txt')),
    'gaze.csv':
    lambda root: points(read_fixations(f'{root}/gaze.csv')),
    'Fixation.txt':
    lambda root: points(read_cub_gha(f'{root}/Fixation.txt')),
}
FORMS = {
    'crlf': lambda text: text.replace('\n', '\r\n').encode(),
    'cr': lambda text: text.replace('\n', '\r').encode(),
    'mark': lambda text: text.encode('utf-8-sig'),
    'no end': lambda text: text.rstrip('\n').encode(),
    'blanks': lambda text: text.replace('\n', ' \t \n').encode(),
    'empty lines': lambda text: text.replace('\n', '\n\n \n').encode(),
}
DAMAGED = {
    'empty': lambda text: b'\n',
    'utf-16': lambda text: text.encode('utf-16'),
    'latin-1': lambda text: f'é{text}'.encode('latin-1'),
    'zeros': lambda text: bytes(len(text)),
}


@pytest.fixture
def root(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('name', READERS)
def test_the_form_of_a_text_file_does_not_matter(root, name, form):
    expected = READERS[name](str(root))
    (root / name).write_bytes(FORMS[form](FILES[name]))
    assert READERS[name](str(root)) == expected


@pytest.mark.parametrize('damage', DAMAGED)
@pytest.mark.parametrize('name', READERS)
def test_a_damaged_file_is_named(root, name, damage):
    (root / name).write_bytes(DAMAGED[damage](FILES[name]))
    with pytest.raises(MmmixError) as error:
        READERS[name](str(root))
    assert name.split('_')[0] in str(error.value)


@pytest.mark.parametrize('name, line, said', [
    ('images.txt', '1 a\n1 b\n', 'line 2: the id 1 comes twice'),
    ('image_class_labels.txt', '1 1\n3 2\n', 'do not have the same ids'),
    ('image_class_labels.txt', '1 1\n2 cat\n', "the id 2 has 'cat'"),
    ('train_test_split.txt', '1 1\n2\n', "line 2: .* got '2'"),
])
def test_lists_of_cub_that_do_not_fit(root, name, line, said):
    (root / name).write_text(line)
    with pytest.raises(MmmixError, match=f'{name}.*{said}'):
        CUB(str(root))


def test_files_in_the_home_folder(root, monkeypatch):
    monkeypatch.setenv('HOME', str(root.parent))
    home = f'~/{root.name}'
    assert infos(CUB(home)) == infos(CUB(str(root)))
    assert LoadLabelMap(home, 10,
                        home).path_of(f'{root}/x.jpg') == root / 'x.pt'
    for kind, name in (('table', 'gaze.csv'), ('cub-gha', 'Fixation.txt')):
        loading = LoadGaze([f'{home}/{name}'], f'{home}/images.txt', kind=kind)
        assert loading.gaze.num_points


def test_a_path_of_cub_may_have_blanks(root):
    assert [i['img_path'] for i in infos(CUB(str(root)))
            ] == [f'{root}/images/a b/x.jpg', f'{root}/images/c/y.jpg']
    assert read_image_ids(root / 'images.txt') == {'x.jpg': '1', 'y.jpg': '2'}


NAME = 'two\nlines "quoted" \'é\'.jpg'


def coco(root, name=NAME, form=str.encode):
    content = dict(
        images=[dict(id=0, file_name=name, height=8, width=8)],
        annotations=[annotation(0, 0, 1, 1, 1, 2)],
        categories=[dict(id=1, name='cat')])
    text = json.dumps(content, indent=1) + '\n'
    (root / 'ann.json').write_bytes(form(text))
    from mmmix.datasets.detection import CocoDataset
    with DefaultScope.overwrite_default_scope('mmdet'):
        return CocoDataset(
            data_root=str(root),
            ann_file='ann.json',
            data_prefix=dict(img='img'),
            metainfo=dict(classes=('cat', )))


@pytest.mark.downstream
@pytest.mark.parametrize('form', [f for f in FORMS if f != 'mark'])
def test_annotations_of_coco(tmp_path, form):
    """JSON can name files with line breaks, which a list cannot."""
    pytest.importorskip('mmdet')
    info, = infos(coco(tmp_path, form=FORMS[form]))
    assert info['img_path'] == f'{tmp_path}/img/{NAME}'


@pytest.mark.downstream
@pytest.mark.parametrize(
    'form',
    [FORMS['mark'], *DAMAGED.values(), lambda text: text[:99].encode()])
def test_damaged_annotations_of_coco_are_named(tmp_path, form):
    pytest.importorskip('mmdet')
    with pytest.raises(MmmixError, match='ann.json. is not JSON in UTF-8'):
        coco(tmp_path, form=form)


@pytest.mark.parametrize('name', [
    'a "quoted" name.jpg', "it's.jpg", "'all'.jpg", '猫 é.jpg', 'tab\there.jpg'
])
def test_names_in_a_list_are_taken_as_they_are(root, name):
    (root / 'list.txt').write_text(f'{name} 1\n')
    info, = READERS['list.txt'](str(root))
    assert info['img_path'] == f'{root}/{name}' and info['gt_label'] == 1


def test_names_in_folders_may_have_line_breaks(tmp_path):
    from PIL import Image
    (tmp_path / 'a "cat"').mkdir()
    Image.fromarray(np.zeros((4, 4, 3),
                             np.uint8)).save(tmp_path / 'a "cat"' / NAME)
    data = CustomDataset(
        str(tmp_path), pipeline=[dict(type='mmmix.LoadImage')])
    assert data[0]['img'].shape == (4, 4, 3)
    assert data.CLASSES == ('a "cat"', )
