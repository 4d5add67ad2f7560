import cv2
import numpy as np
import pytest
import torch
from helpers import batch, build, dense_attention, vit_config
from mmpretrain.structures import DataSample

from mmmix.analysis import ModelMap
from mmmix.analysis.model_maps import read_maps
from mmmix.errors import MmmixError


def test_attention_maps():
    model = build(vit_config()).eval()
    inputs, samples = torch.rand(2, 3, 32, 32), batch(2)['data_samples']
    attention = ModelMap('ClassAttention').of_samples(model, inputs, samples)
    with torch.no_grad():
        expected = dense_attention(model.backbone, inputs, True)
    torch.testing.assert_close(attention, expected.view(2, 4, 4))


def test_labels_are_asked_for_where_they_matter():
    model = build(vit_config()).eval()
    inputs, none = torch.rand(1, 3, 32, 32), [DataSample()]
    top_down = ModelMap('TopDown')
    assert ModelMap('BottomUp').of_samples(model, inputs, none).ndim == 3
    with pytest.raises(ValueError, match='have no labels.*such as BottomUp'):
        top_down.of_samples(model, inputs, none)
    first, second = (
        top_down.of_samples(model, inputs, [DataSample().set_gt_label(label)])
        for label in (0, 1))
    assert not torch.allclose(first, second)


@pytest.mark.parametrize('kind', ['TopDown', 'GradCAM'])
def test_labels_that_a_map_cannot_be_made_for(kind):
    model = build(vit_config()).eval()
    inputs, maps = torch.rand(1, 3, 32, 32), ModelMap(kind)
    with pytest.raises(MmmixError, match='no `labels` were given'):
        maps(model, inputs)
    with pytest.raises(MmmixError, match='label 5: the model has 5 classes'):
        maps(model, inputs, torch.tensor([5]))


def files(*paths):
    return [dict(img_path=path) for path in paths]


def test_maps_from_files(tmp_path):
    np.save(tmp_path / 'a.npy', np.arange(8).reshape(2, 4))
    cv2.imwrite(
        str(tmp_path / 'b.png'), np.array([[0, 255], [9, 9]], np.uint8))
    cv2.imwrite(str(tmp_path / 'c.png'), np.array([[65535, 1]], np.uint16))
    maps = read_maps(tmp_path, files('x/a.JPEG', 'b.jpg', 'y/c.jpg'), (2, 2))
    # averaged by area
    assert maps.tolist() == [[[.5, 2.5], [4.5, 6.5]], [[0, 255], [9, 9]],
                             [[65535, 1], [65535, 1]]]


def test_missing_maps_are_counted(tmp_path):
    np.save(tmp_path / 'a.npy', np.ones((2, 2)))
    with pytest.raises(
            FileNotFoundError, match=r'maps of 1 of 3 .*c\.npy or c\.png'):
        read_maps(tmp_path, files('a.jpg', 'c.jpg', 'd.jpg'), (2, 2))
    with pytest.raises(FileNotFoundError, match='no folder'):
        read_maps(tmp_path / 'nowhere', files('a.jpg'), (2, 2))
    with pytest.raises(ValueError, match="such as 'a'"):
        read_maps(tmp_path, files('x/a.jpg', 'y/a.jpg'), (2, 2))


@pytest.mark.parametrize('values, match', [
    (np.ones((2, 2, 3)), 'one .h, w. array'),
    (np.array([['a']]), 'one .h, w. array'),
    (np.ones((0, 4)), 'one .h, w. array'),
    (np.array([[1., -1.]]), 'negative'),
    (np.array([[1., np.nan]]), 'not finite'),
])
def test_files_that_are_not_maps(tmp_path, values, match):
    np.save(tmp_path / 'a.npy', values)
    with pytest.raises(ValueError, match=match):
        read_maps(tmp_path, files('a.jpg'), (2, 2))


@pytest.mark.parametrize('name', ['a.npy', 'a.png'])
@pytest.mark.parametrize('part', [0, .5, None])
def test_damaged_files(tmp_path, name, part):
    file = tmp_path / name
    values = np.random.default_rng(0).integers(0, 255, (64, 64))
    np.save(file, values) if name == 'a.npy' else cv2.imwrite(
        str(file), values.astype(np.uint8))
    content = file.read_bytes()
    file.write_bytes(b'hello' if part is None else content[:int(part *
                                                                len(content))])
    with pytest.raises(MmmixError, match=f'{file} cannot be read'):
        read_maps(tmp_path, files('a.jpg'), (2, 2))


def test_images_that_are_not_files(tmp_path):
    with pytest.raises(ValueError, match='not files'):
        read_maps(tmp_path, [dict(img=np.zeros((2, 2, 3)))], (2, 2))
