"""Data of mmseg and mmdet that is missing, or does not fit."""
import json

import numpy as np
import pytest
from tiny_dense_data import make_ade20k, make_coco, save_png

pytestmark = pytest.mark.downstream


@pytest.fixture(autouse=True)
def toolboxes():
    pytest.importorskip('mmseg')
    pytest.importorskip('mmdet')


def detection(root, **kwargs):
    from mmmix.datasets.detection import CocoDataset
    return CocoDataset(
        **{
            **dict(
                data_root=str(root),
                ann_file='annotations/instances_train2017.json',
                data_prefix=dict(img='train2017'),
                metainfo=dict(classes=('person', 'car', 'toothbrush'))),
            **kwargs
        })


def segmentation(root, **kwargs):
    from mmmix.datasets.segmentation import COCOObjects, LoadSegMap
    return COCOObjects(
        **{
            **dict(
                data_root=str(root),
                data_prefix=dict(
                    img_path='train2017', seg_map_path='semantic'),
                pipeline=[LoadSegMap(num_classes=80)]),
            **kwargs
        })


def test_detection_reads_what_is_there(tmp_path):
    dataset = detection(make_coco(tmp_path))
    assert len(dataset) == 4
    labels = [i['bbox_label'] for i in dataset[0]['instances']]
    assert labels == [0, 1, 0]  # a person, a car, and a crowd of people
    assert [i['ignore_flag'] for i in dataset[0]['instances']] == [0, 0, 1]


def test_detection_without_annotations(tmp_path):
    (make_coco(tmp_path) / 'annotations').rename(tmp_path / 'elsewhere')
    with pytest.raises(FileNotFoundError, match='annotations'):
        detection(tmp_path)


def test_a_class_that_no_category_has_is_an_error(tmp_path):
    make_coco(tmp_path)
    with pytest.raises(
            ValueError, match="3 categories.* 1 of the 4 classes.*'dog'"):
        detection(
            tmp_path,
            metainfo=dict(classes=('person', 'car', 'toothbrush', 'dog')))
    assert len(detection(tmp_path, metainfo=dict(classes=('car', )))) == 4


def test_classes_in_another_order_than_the_categories_b098(tmp_path):
    make_coco(tmp_path)
    with pytest.raises(ValueError, match="order of the file: 'person', 'car'"):
        detection(
            tmp_path, metainfo=dict(classes=('car', 'person', 'toothbrush')))


def test_no_image_after_filtering(tmp_path):
    make_coco(tmp_path)
    with pytest.raises(ValueError, match='at least one'):
        detection(tmp_path, filter_cfg=dict(min_size=1000))


def test_no_image_in_the_annotation_file(tmp_path):
    path = make_coco(tmp_path) / 'annotations/instances_train2017.json'
    content = json.loads(path.read_text())
    path.write_text(json.dumps(dict(content, images=[], annotations=[])))
    with pytest.raises(ValueError, match='has no images'):
        detection(tmp_path)


def test_segmentation_without_a_folder(tmp_path):
    make_coco(tmp_path)
    with pytest.raises(FileNotFoundError, match='semantic'):
        segmentation(tmp_path)[0]
    (tmp_path / 'train2017').rename(tmp_path / 'elsewhere')
    with pytest.raises(FileNotFoundError, match='train2017'):
        segmentation(tmp_path)


def test_segmentation_without_images(tmp_path):
    for name in ('train2017', 'semantic'):
        (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match='at least one'):
        segmentation(tmp_path)


def test_missing_list_of_images(tmp_path):
    make_coco(tmp_path)
    (tmp_path / 'semantic').mkdir()
    with pytest.raises(ValueError, match='train.txt'):
        segmentation(tmp_path, ann_file='train.txt')


def test_a_label_beyond_the_classes_names_its_file(tmp_path):
    make_coco(tmp_path)
    for i in range(4):
        labels = np.full((48, 64), 255)
        labels[0, :2] = 79
        labels[0, 2:4] = 80 if i == 2 else 0
        save_png(tmp_path / f'semantic/{i:012d}.png', labels)
    dataset = segmentation(tmp_path)
    assert set(np.unique(dataset[1]['gt_seg_map'])) == {0, 79, 255}
    with pytest.raises(ValueError) as error:
        dataset[2]
    assert f"'{tmp_path}/semantic/000000000002.png'" in str(error.value)
    assert 'label 80 (2 pixels' in str(error.value)
    assert 'labels 0 to 79' in str(error.value)


def test_ade20k_leaves_zero_out(tmp_path):
    from mmseg.datasets import ADE20KDataset

    from mmmix.datasets.segmentation import LoadSegMap
    make_ade20k(tmp_path)
    arguments = dict(
        data_root=str(tmp_path),
        data_prefix=dict(img_path='images', seg_map_path='annotations'),
        pipeline=[LoadSegMap(num_classes=150)])
    dataset = ADE20KDataset(**arguments)
    assert len(dataset.metainfo['classes']) == 150
    labels = dataset[0]['gt_seg_map']
    assert labels.ravel()[:4].tolist() == [255, 0, 1, 2]
    assert set(np.unique(labels)) == {*range(150), 255}
    save_png(tmp_path / 'annotations/1.png', np.full((64, 48), 152))
    with pytest.raises(ValueError, match='151 after reduce_zero_label'):
        dataset[1]
