import numpy as np
import pytest
import torch

from mmmix.datasets import (SyntheticDetection, SyntheticObjects,
                            SyntheticSegmentation)
from mmmix.datasets.synthetic_dense import run_lengths

SMALL = dict(num_images=12, size=(24, 40), seed=3)


def test_both_show_the_pictures_of_the_classification_set():
    objects = SyntheticObjects(**SMALL)
    for dense in (SyntheticSegmentation(**SMALL), SyntheticDetection(**SMALL)):
        assert len(dense) == len(objects)
        for one, other in zip(objects, dense):
            assert (one['img'] == other['img']).all()


def test_segmentation_has_a_background_and_ten_classes():
    objects, dense = SyntheticObjects(**SMALL), SyntheticSegmentation(**SMALL)
    classes = dense.metainfo['classes']
    assert classes == ('background', *objects.metainfo['classes'])
    assert len(set(dense.metainfo['palette'])) == len(classes) == 11
    for one, other in zip(objects, dense):
        assert (other['gt_seg_map'] == one['gt_seg_map']).all()
        assert set(np.unique(other['gt_seg_map'])) == {0, one['gt_label'] + 1}


def slow_run_lengths(mask):
    runs, value = [0], 0
    for column in range(mask.shape[1]):
        for row in range(mask.shape[0]):
            if int(mask[row, column] != 0) != value:
                value = 1 - value
                runs.append(0)
            runs[-1] += 1
    return runs


@pytest.mark.parametrize('fill', [0, .5, 1])
def test_run_lengths(fill):
    rng = np.random.default_rng(0)
    for shape in ((5, 7), (1, 3), (4, 1)):
        mask = (rng.random(shape) < fill) * np.uint8(7)
        assert run_lengths(mask) == slow_run_lengths(mask)


@pytest.mark.downstream
def test_mmdet_reads_mask_and_box():
    pytest.importorskip('mmdet')
    from mmdet.datasets.transforms import LoadAnnotations
    load = LoadAnnotations(with_bbox=True, with_mask=True)
    for one, other in zip(
            SyntheticObjects(**SMALL), SyntheticDetection(**SMALL)):
        loaded = load(other)
        masks = loaded['gt_masks'].masks
        assert (masks[0] == (one['gt_seg_map'] > 0)).all()
        assert (loaded['gt_bboxes'].tensor.numpy() == one['gt_bboxes']).all()
        assert loaded['gt_bboxes_labels'].tolist() == [one['gt_label']]


def detection_samples(dense, shift=0):
    """What a detector answers that finds every object, `shift` pixels off."""
    from mmdet.datasets.transforms import LoadAnnotations, PackDetInputs
    from mmengine.structures import InstanceData
    load = LoadAnnotations(with_bbox=True, with_mask=True)
    pack = PackDetInputs(
        meta_keys=('img_id', 'ori_shape', 'img_shape', 'instances'))
    for sample in dense:
        packed = pack(load(sample))['data_samples']
        truth = packed.gt_instances
        masks = torch.as_tensor(truth.masks.masks, dtype=torch.bool)
        packed.pred_instances = InstanceData(
            bboxes=truth.bboxes.tensor + shift,
            labels=truth.labels,
            scores=torch.ones(1),
            masks=masks.roll((shift, shift), (1, 2)))
        yield packed.to_dict()


@pytest.mark.downstream
@pytest.mark.parametrize('shift', [0, 40])
def test_coco_metric_needs_no_annotation_file(shift):
    pytest.importorskip('mmdet')
    from mmdet.evaluation import CocoMetric
    dense = SyntheticDetection(num_images=10, size=64)
    metric = CocoMetric(metric=['bbox', 'segm'])
    metric.dataset_meta = dense.metainfo
    metric.process({}, list(detection_samples(dense, shift)))
    scores = metric.evaluate(len(dense))
    for name in ('coco/bbox_mAP', 'coco/segm_mAP'):
        assert scores[name] == pytest.approx(0 if shift else 1)
