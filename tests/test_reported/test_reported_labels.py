"""Cases of odd labels: several an image (B031), their names (B088), and label
maps as image editors save them (B096)."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import NUM_CLASSES, batch, build, train_losses, vit_config
from mmpretrain.structures import DataSample
from PIL import Image
from test_tools.tiny_smmix import __file__ as CONFIG

from mmmix.cli import build_model, load_config
from mmmix.datasets import LoadMask

SIGMOID = dict(type='mmpretrain.CrossEntropyLoss', use_sigmoid=True)


@pytest.mark.parametrize('n', [4, 3])
@pytest.mark.parametrize('mixer', ['mmmix.Mixup', 'mmmix.CutMix'])
def test_b031_several_labels_an_image(mixer, n):
    """With an image that has none; an odd batch is unlisted."""
    torch.manual_seed(0)
    model = build(
        vit_config([dict(type=mixer)], head=dict(loss=SIGMOID), probs=[1.]))
    labels = torch.tensor([[1., 1, 0, 0, 1], [0, 0, 0, 0, 0], [0, 1, 0, 1, 0],
                           [1, 0, 0, 0, 0]])[:n]
    data = batch(n)
    data['data_samples'] = [
        DataSample(num_classes=NUM_CLASSES).set_gt_score(one) for one in labels
    ]
    seen, mixes = {}, []
    model.data_preprocessor.register_mix_hook(
        lambda mixed, *_: mixes.append(mixed))
    model.head.loss_module.register_forward_hook(
        lambda module, args, output: seen.update(
            logits=args[0], labels=args[1]))
    losses, _ = train_losses(model, data)
    mixed, = mixes
    for i in range(n):
        expected = (1 - mixed.lam[i]) * labels[i] + \
            mixed.lam[i] * labels[mixed.source[i]]
        torch.testing.assert_close(seen['labels'][i], expected)
    loss = F.binary_cross_entropy_with_logits(
        seen['logits'], seen['labels'], reduction='none').sum(1).mean()
    torch.testing.assert_close(losses['loss_cls'], loss)


def test_b088_the_names_of_the_classes(tmp_path):
    from mmpretrain import ImageClassificationInferencer
    cfg = load_config(CONFIG)
    names = ('one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight',
             'nine', 'ten')
    model = build_model(cfg)
    torch.save(
        dict(
            state_dict=model.state_dict(),
            meta=dict(dataset_meta=dict(classes=names))), tmp_path / 'any.pth')
    steps = [dict(type='mmmix.LoadImage'), dict(type='PackInputs')]
    cfg.test_dataloader.dataset.pipeline = steps
    cfg.dump(tmp_path / 'config.py')
    predict = ImageClassificationInferencer(
        str(tmp_path / 'config.py'), pretrained=str(tmp_path / 'any.pth'))
    result, = predict(np.zeros((32, 32, 3), np.uint8))
    assert result['pred_class'] == names[result['pred_label']]


LABELS = np.arange(24).reshape(4, 6) % 2


def palette(path):
    image = Image.fromarray(LABELS.astype(np.uint8), 'P')
    image.putpalette([9, 9, 9, 200, 100, 0])
    image.save(path)


def sixteen_bits(path):
    Image.fromarray(LABELS.astype(np.uint16)).save(path)


def grey(path):
    Image.fromarray(LABELS.astype(np.uint8)).save(path)


@pytest.mark.downstream
@pytest.mark.parametrize('save', [palette, sixteen_bits, grey])
def test_b096_label_maps(tmp_path, save):
    pytest.importorskip('mmseg')
    from mmmix.datasets.segmentation import LoadSegMap
    save(tmp_path / 'map.png')
    results = LoadSegMap(num_classes=2)(
        dict(
            img_path='x.jpg',
            seg_map_path=str(tmp_path / 'map.png'),
            seg_fields=[],
            reduce_zero_label=False))
    assert np.array_equal(results['gt_seg_map'], LABELS)
    with pytest.raises(FileNotFoundError, match='gone.png'):
        LoadSegMap(num_classes=2)(
            dict(
                img_path='x.jpg',
                seg_map_path=str(tmp_path / 'gone.png'),
                seg_fields=[],
                reduce_zero_label=False))


def colors(path):
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(path)


def many_classes(path):
    Image.fromarray((LABELS + 256).astype(np.uint16)).save(path)


@pytest.mark.downstream
@pytest.mark.parametrize('save, message', [(colors, 'has 3 channels'),
                                           (many_classes, 'from 256 to 257')])
def test_unlisted_label_maps_that_hold_no_labels(tmp_path, save, message):
    pytest.importorskip('mmseg')
    from mmmix.datasets.segmentation import LoadSegMap
    path = tmp_path / 'map.png'
    save(path)
    sample = dict(
        img_path='x.jpg',
        seg_map_path=str(path),
        seg_fields=[],
        reduce_zero_label=False)
    with pytest.raises(ValueError, match=f'map.png.* {message}'):
        LoadSegMap(num_classes=2)(dict(sample))
    if save is colors:
        with pytest.raises(ValueError, match=message):
            LoadMask()(dict(sample))
