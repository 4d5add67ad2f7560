import numpy as np
import pytest
from mmengine.registry import DefaultScope
from PIL import Image

from mmmix.cli import load_config
from mmmix.datasets import VOCSegmentation
from mmmix.registry import DATASETS

MASK = np.array([[0, 15, 15], [255, 15, 3]], dtype=np.uint8)


@pytest.fixture
def root(tmp_path):
    """Two images of VOC 2012's layout, with palette masks."""
    for folder in ('ImageSets/Segmentation', 'JPEGImages',
                   'SegmentationClass'):
        (tmp_path / folder).mkdir(parents=True)
    names = ['2007_000033', '2007_000042']
    (tmp_path / 'ImageSets/Segmentation/val.txt').write_text('\n'.join(names) +
                                                             '\n')
    for name in names:
        Image.new('RGB', (3, 2)).save(tmp_path / f'JPEGImages/{name}.jpg')
        mask = Image.fromarray(MASK, mode='P')
        # the colours of the palette are not the labels
        mask.putpalette([(7 * i + 50) % 256 for i in range(768)])
        mask.save(tmp_path / f'SegmentationClass/{name}.png')
    return tmp_path


@pytest.mark.parametrize('name, size', [('voc2012', 224),
                                        ('voc2012_512px', 512)])
def test_masks_are_read_as_labels(root, name, size):
    cfg = load_config(f'_base_/datasets/{name}.py').val_dataloader.dataset
    cfg.data_root = str(root)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        dataset = DATASETS.build(cfg)
        assert len(dataset) == 2
        sample = dataset[1]['data_samples']
    assert sample.img_path.endswith('2007_000042.jpg')
    mask = np.asarray(sample.gt_seg_map)
    assert mask.shape == sample.img_shape == (size, size)
    half, third = size // 2, size // 3
    for y in (0, 1):
        for x in (0, 1, 2):
            assert mask[y * half + half // 2,
                        x * third + third // 2] == MASK[y, x]
    assert 'gt_label' not in sample


def test_missing_files_are_counted(root):
    (root / 'JPEGImages' / '2007_000042.jpg').unlink()
    with pytest.raises(FileNotFoundError) as info:
        VOCSegmentation(data_root=str(root))
    message = str(info.value)
    assert 'has 1 of the 2 files' in message
    assert 'not 2007_000042.jpg' in message
    for mask in (root / 'SegmentationClass').iterdir():
        mask.unlink()
    (root / 'JPEGImages' / '2007_000042.jpg').touch()
    with pytest.raises(
            FileNotFoundError, match="SegmentationClass' has 0 of the 2"):
        VOCSegmentation(data_root=str(root))


def test_empty_list_and_other_layouts(root):
    (root / 'ImageSets/Segmentation/train.txt').write_text('\n')
    with pytest.raises(ValueError, match="train.txt' is empty"):
        VOCSegmentation(data_root=str(root), split='train')
    with pytest.raises(FileNotFoundError, match='ImageSets'):
        VOCSegmentation(data_root=str(root / 'JPEGImages'))
    with pytest.raises(ValueError, match='split` must be one of'):
        VOCSegmentation(data_root=str(root), split='test')
