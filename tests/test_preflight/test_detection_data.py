"""Boxes and masks in COCO's format: B101, B102, B104 and their kind."""
import json

import pytest
from inputs import (boxes, check, detection, noise, problem, problems, turn,
                    write_json)
from mmengine.registry import DefaultScope

from mmmix.cli.preflight.run import Run
from mmmix.cli.toolboxes import register_toolboxes

pytestmark = pytest.mark.downstream
pytest.importorskip('mmdet')


def test_what_is_right_passes(tmp_path):
    boxes(tmp_path)
    report = check(detection(tmp_path))
    assert report.passed, str(report)
    assert 'evaluated by CocoMetric' in str(report)


def changed(root, kind='annotations', **change):
    """The first entry without the fields that are None."""
    content = boxes(root)
    for key, value in change.items():
        content[kind][0].pop(key)
        if value is not None:
            content[kind][0][key] = value
    write_json(root / 'ann.json', content)
    return detection(root)


@pytest.mark.parametrize('segmentation', [None, []])
def test_an_object_without_mask_b101(tmp_path, segmentation):
    said = problem(changed(tmp_path, segmentation=segmentation))
    assert str(tmp_path / 'ann.json') in said and '0.jpg' in said
    assert 'annotations 10' in said and 'with_mask=False' in said


@pytest.mark.parametrize('kind, field, name', [
    ('annotations', 'area', 'id 10'),
    ('images', 'width', '0.jpg'),
    ('annotations', 'bbox', 'id 10'),
    ('images', 'height', '0.jpg'),
])
def test_a_missing_field_b102(tmp_path, kind, field, name):
    said = ' '.join(problems(changed(tmp_path, kind, **{field: None})))
    assert f"ann.json': entry 0 of `{kind}` ({name}) has no {field}" in said


@pytest.mark.parametrize('box', [[1, 2, 3], None])
def test_a_box_of_other_numbers(tmp_path, box):
    changed(tmp_path)
    content = json.loads((tmp_path / 'ann.json').read_text())
    content['annotations'][0]['bbox'] = box
    write_json(tmp_path / 'ann.json', content)
    said = ' '.join(problems(detection(tmp_path)))
    assert 'id 10' in said and 'x, y, width, height' in said


def test_an_annotation_that_is_none(tmp_path):
    boxes(tmp_path)
    content = json.loads((tmp_path / 'ann.json').read_text())
    content['annotations'][0] = 'box'
    write_json(tmp_path / 'ann.json', content)
    assert 'entry 0 of `annotations`' in ' '.join(
        problems(detection(tmp_path)))


def test_images_of_extreme_sizes_are_tried(tmp_path):
    boxes(tmp_path)
    cfg = detection(tmp_path)
    register_toolboxes(cfg)
    with DefaultScope.overwrite_default_scope('mmdet'):
        expected = Run(cfg).indices('train')
        cfg.train_dataloader.batch_sampler = dict(
            type='AspectRatioBatchSampler')
        assert Run(cfg).indices('train') == expected


def test_a_file_that_is_not_json(tmp_path):
    boxes(tmp_path)
    (tmp_path / 'ann.json').write_text('<html>')
    assert 'ann.json' in ' '.join(problems(detection(tmp_path)))


@pytest.mark.parametrize('orientation', [5, 6, 8])
def test_a_turned_photo_and_its_boxes_b104(tmp_path, orientation):
    boxes(tmp_path)
    turn(tmp_path / 'img/0.jpg', orientation)
    said = problem(detection(tmp_path))
    assert 'img/0.jpg' in said
    assert '64 x 48 pixels' in said and '48 x 64 in its annotation' in said


def test_a_photo_that_is_not_turned(tmp_path):
    boxes(tmp_path)
    turn(tmp_path / 'img/0.jpg')
    load = dict(
        type='LoadImageFromFile', color_type='color_ignore_orientation')
    assert not problems(detection(tmp_path, load=load))


def test_an_image_of_another_size(tmp_path):
    boxes(tmp_path)
    noise(60, 64).save(tmp_path / 'img/2.jpg')
    said = problem(detection(tmp_path))
    assert 'img/2.jpg' in said and '60 x 64' in said


def test_mixing_in_a_detector_b054(tmp_path):
    boxes(tmp_path)
    cfg = detection(tmp_path)
    cfg.model.data_preprocessor.batch_augments = [
        dict(type='mmmix.CutMix', alpha=1.)
    ]
    assert 'cannot mix for a MaskRCNN' in problem(cfg)
    cfg.model.data_preprocessor.batch_augments = [
        dict(type='BatchFixedSizePad', size=(64, 64))
    ]
    assert not problems(cfg)


def test_other_numbers_of_classes(tmp_path):
    boxes(tmp_path)
    cfg = detection(tmp_path)
    cfg.model.roi_head.mask_head.num_classes = 3
    said = ' '.join(problems(cfg))
    assert 'roi_head.mask_head has num_classes=3' in said
