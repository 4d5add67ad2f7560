import numpy as np
import pytest
from PIL import Image

from mmmix.datasets import MaskedImages


@pytest.fixture
def root(tmp_path):
    """Three images in two folders, two of them with a mask."""
    for path in ('a/x.jpg', 'b/y.png', 'b/z.jpg'):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        Image.new('RGB', (3, 2)).save(tmp_path / path)
    for path in ('masks/a/x.png', 'masks/b/y.png'):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / path)
    return tmp_path


def paths(root, images, masks):
    dataset = MaskedImages(
        data_root=str(root),
        data_prefix=dict(img_path=images, seg_map_path=masks))
    infos = map(dataset.get_data_info, range(len(dataset)))
    return [
        tuple(info[name].removeprefix(f'{root}/')
              for name in ('img_path', 'seg_map_path')) for info in infos
    ]


def test_images_that_have_a_mask(root):
    pairs = [('a/x.jpg', 'masks/a/x.png'), ('b/y.png', 'masks/b/y.png')]
    assert paths(root, '', 'masks') == pairs
    assert paths(root, 'b', 'masks/b') == pairs[1:]


def test_what_is_missing(root):
    with pytest.raises(FileNotFoundError, match="no folder '.*gone'"):
        paths(root, '', 'gone')
    with pytest.raises(FileNotFoundError, match="no PNG files in '.*a'"):
        paths(root, '', 'a')
    (root / 'a/x.jpg').unlink()
    with pytest.raises(FileNotFoundError, match="mask of '.*a/x', but no"):
        paths(root, '', 'masks')
