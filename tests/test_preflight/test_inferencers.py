"""The inferencers of MMPretrain, mmseg and mmdet on mmmix configs: B085,
B086."""
import numpy as np
import pytest
import torch
from inputs import boxes, detection, folders, pets, scenes, segmentation

from mmmix.cli import build_model


@pytest.fixture
def saved(tmp_path):
    """Paths of a config and a checkpoint of it."""

    def save(cfg):
        path = tmp_path / 'config.py'
        cfg.dump(path)
        model = build_model(cfg)
        meta = dict(
            dataset_meta=dict(
                classes=('a', 'b'), palette=[[9, 9, 9], [8, 8, 8]]))
        torch.save(
            dict(state_dict=model.state_dict(), meta=meta),
            tmp_path / 'any.pth')
        return str(path), str(tmp_path / 'any.pth')

    return save


@pytest.mark.parametrize('load', ['mmmix.LoadImage', 'LoadImageFromFile'])
def test_classification_b085(tmp_path, saved, load):
    from mmpretrain import FeatureExtractor, ImageClassificationInferencer
    folders(tmp_path / 'train')
    steps = [
        dict(type=load),
        dict(type='Resize', scale=(32, 32)),
        dict(type='PackInputs')
    ]
    config, checkpoint = saved(pets(tmp_path, pipeline=steps))
    image = str(tmp_path / 'train/cat/0.jpg')
    predict = ImageClassificationInferencer(config, pretrained=checkpoint)
    from_file, from_array = (
        predict(x)[0] for x in (image, np.zeros((40, 50, 3), np.uint8)))
    assert from_file['pred_class'] in ('a', 'b')
    assert from_array['pred_scores'].shape == (2, )
    features, = FeatureExtractor(config, pretrained=checkpoint)(image)
    assert features[-1].shape == (17, 16)


@pytest.mark.downstream
@pytest.mark.parametrize('load', ['mmmix.LoadSegMap', 'LoadAnnotations'])
def test_segmentation_b086(tmp_path, saved, load):
    apis = pytest.importorskip('mmseg.apis')
    load = dict(type=load)
    if load['type'].startswith('mmmix'):
        load['num_classes'] = 2
    cfg = segmentation(scenes(tmp_path), load=load)
    cfg.visualizer = dict(type='SegLocalVisualizer')
    cfg.custom_imports = dict(imports=['mmmix', 'mmmix.datasets.segmentation'])
    cfg.test_pipeline = cfg.test_dataloader.dataset.pipeline
    import mmmix.datasets.segmentation  # noqa: F401
    config, checkpoint = saved(cfg)
    image = str(tmp_path / 'images/0.jpg')
    model = apis.init_model(config, checkpoint, device='cpu')
    assert apis.inference_model(model,
                                image).pred_sem_seg.data.shape == (1, 48, 64)
    predict = apis.MMSegInferencer(config, weights=checkpoint, device='cpu')
    assert predict(image)['predictions'].shape == (48, 64)


@pytest.mark.downstream
def test_detection(tmp_path, saved):
    apis = pytest.importorskip('mmdet.apis')
    boxes(tmp_path)
    cfg = detection(tmp_path)
    cfg.visualizer = dict(type='DetLocalVisualizer')
    cfg.custom_imports = dict(imports=['mmmix'])
    cfg.test_pipeline = cfg.test_dataloader.dataset.pipeline
    config, checkpoint = saved(cfg)
    image = str(tmp_path / 'img/0.jpg')
    model = apis.init_detector(config, checkpoint, device='cpu')
    assert apis.inference_detector(model, image).pred_instances is not None
    predict = apis.DetInferencer(config, weights=checkpoint, device='cpu')
    assert 'bboxes' in predict(image)['predictions'][0]
