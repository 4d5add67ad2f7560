import json

import numpy as np
import pytest
from PIL import Image
from tiny_dense_data import annotation, make_coco, square

pytestmark = pytest.mark.downstream
TOOL = 'dataset_converters/coco_semantic.py'


@pytest.fixture(autouse=True)
def pycocotools():
    pytest.importorskip('pycocotools')


def painted(root, name='000000000000', split='train2017'):
    return np.array(Image.open(root / 'semantic' / split / f'{name}.png'))


def change(root, annotations, split='train2017'):
    path = root / f'annotations/instances_{split}.json'
    content = json.loads(path.read_text())
    path.write_text(json.dumps(dict(content, annotations=annotations)))


def test_small_objects_lie_on_large_ones(run_tool, tmp_path, capsys):
    run_tool(TOOL, make_coco(tmp_path / 'coco'))
    labels = painted(tmp_path / 'coco')
    # labels follow the categories' ids: person 1, car 3, toothbrush 90
    wanted = np.full((48, 64), 255)
    wanted[:, :4] = 0  # a crowd of people
    wanted[6:36, 4:34] = 0  # a person
    wanted[14:26, 12:24] = 1  # a car
    assert (labels == wanted).all()
    output = capsys.readouterr().out
    assert '4 label maps' in output and '8 objects and 1 crowds' in output
    assert 'val2017: 4 label maps' in output
    assert not list(tmp_path.rglob('*.part'))


def test_order_holes_and_empty_images(run_tool, tmp_path, capsys):
    root = make_coco(tmp_path)
    hole = [square(0, 0, 8), square(20, 0, 8)]  # two parts
    change(
        root,
        [
            annotation(1, 0, 1, 30, 30, 4),  # the smaller one comes first
            annotation(2, 0, 3, 24, 24, 16),
            annotation(3, 0, 90, 0, 0, 28, segmentation=hole, area=128),
            annotation(4, 99, 90, 0, 0, 28),  # of an image that is not there
        ])
    run_tool(TOOL, root, '--splits', 'train2017')
    labels = painted(root)
    assert (labels[30:34, 30:34] == 0).all()
    assert (labels == 1).sum() == 16 * 16 - 16
    assert (labels[:8, :8] == 2).all() and (labels[:8, 20:28] == 2).all()
    assert (labels[:8, 8:20] == 255).all()
    assert (painted(root, '000000000001') == 255).all()
    output = capsys.readouterr().out
    assert '3 images have no object' in output
    assert '1 annotations are of images that are not in the file' in output
    assert not (root / 'semantic/val2017').exists()


def test_missing_annotations(run_tool, tmp_path):
    with pytest.raises(
            SystemExit, match='No such file.*instances_train2017.json'):
        run_tool(TOOL, tmp_path / 'nowhere')


def test_a_category_that_is_not_listed(run_tool, tmp_path):
    root = make_coco(tmp_path)
    change(root, [annotation(7, 0, 4, 0, 0, 8)])
    with pytest.raises(SystemExit, match='annotation 7 has the category 4'):
        run_tool(TOOL, root)


def test_a_file_of_another_kind(run_tool, tmp_path):
    path = make_coco(tmp_path) / 'annotations/instances_train2017.json'
    path.write_text('{"images": []}')
    with pytest.raises(SystemExit, match='no annotations, categories'):
        run_tool(TOOL, tmp_path)


def test_images_of_the_same_name_in_two_folders(run_tool, tmp_path, capsys):
    root = make_coco(tmp_path)
    path = root / 'annotations/instances_train2017.json'
    content = json.loads(path.read_text())
    one, other = content['images'][:2]
    one['file_name'], other['file_name'] = 'a/0.jpg', 'b/0.jpg'
    flat = annotation(3, other['id'], 1, 0, 0, 9, segmentation=[[0, 0, 4, 4]])
    content.update(
        images=[one, other],
        annotations=[
            annotation(1, one['id'], 1, 0, 0, 9),
            annotation(2, other['id'], 3, 0, 0, 9), flat,
            dict(flat, id=4, segmentation=[])
        ])
    path.write_text(json.dumps(content))
    run_tool(TOOL, root, '--splits', 'train2017')
    assert set(np.unique(painted(root, 'a/0'))) == {0, 255}
    assert set(np.unique(painted(root, 'b/0'))) == {1, 255}
    output = capsys.readouterr().out
    assert '; 1 outlines of fewer than three points' in output
    assert "classes=('person', 'car', 'toothbrush')" in output

    for name, message in (('a/0.png', 'the same label map'),
                          ('../0.jpg', 'outside'), ('/tmp/0.jpg', 'outside')):
        other['file_name'] = name
        path.write_text(json.dumps(content))
        with pytest.raises(SystemExit, match=message):
            run_tool(TOOL, root, '--splits', 'train2017')
