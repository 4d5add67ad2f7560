import json

import numpy as np
import pytest
from aimless import SHIPPED, SMALL, save
from PIL import Image

from mmmix.cli import load_config

TOOL = 'analysis/attention_segmentation.py'


def read(out='work_dirs/attention-segmentation'):
    with open(f'{out}.json') as file:
        return json.load(file)


def test_attention_without_aim(run_tool, tmp_path):
    run_tool(TOOL, SHIPPED, save(SHIPPED, tmp_path / 'weights.pth'), '--maps',
             'BottomUp', 'ClassAttention', '--mass', .5, 1, *SMALL)
    found = read()
    assert (found['images'], found['skipped']) == (20, 0)
    assert set(found['jaccard']) == {
        'vit-xs_vanilla_1xb64-10e_synthetic BottomUp',
        'vit-xs_vanilla_1xb64-10e_synthetic ClassAttention'
    }
    for half, whole in found['jaccard'].values():
        assert 0 < half < whole == pytest.approx(found['whole_image'])
    text = (tmp_path / 'work_dirs/attention-segmentation.md').read_text()
    for said in ('checkpoint | map | 0.5 | 1', 'BottomUp, shuffled',
                 'BottomUp, gain', 'the whole image', 'The truth is the masks',
                 '(nearest)', '(void) are left out'):
        assert said in text
    picture = tmp_path / 'work_dirs/attention-segmentation.png'
    assert picture.stat().st_size > 10000


@pytest.fixture
def voc(tmp_path):
    """A config of VOC's layout with three images, one without an object."""
    root = tmp_path / 'VOC2012'
    for folder in ('ImageSets/Segmentation', 'JPEGImages',
                   'SegmentationClass'):
        (root / folder).mkdir(parents=True)
    (root / 'ImageSets/Segmentation/val.txt').write_text('a\nb\nc\n')
    for i, name in enumerate('abc'):
        Image.new('RGB', (64, 64)).save(root / f'JPEGImages/{name}.jpg')
        mask = np.zeros((64, 64), np.uint8)
        mask[:32] = (1, 20, 255)[i]  # the upper half
        mask = Image.fromarray(mask, mode='P')
        mask.putpalette(list(range(256)) * 3)
        mask.save(root / f'SegmentationClass/{name}.png')
    path = tmp_path / 'voc.py'
    path.write_text(f"""
_base_ = {str(load_config('_base_/datasets/voc2012.py').filename)!r}
pipeline = [*_base_.pipeline[:2], dict(type='Resize', scale=(32, 32)),
            _base_.pipeline[-1]]
val_dataloader = dict(dataset=dict(
    data_root={str(root)!r}, pipeline=pipeline))
""")
    return path


def test_voc(run_tool, config, voc, tmp_path):
    path = save(config, tmp_path / 'weights.pth')
    common = [TOOL, config, path, '--data', voc]
    run_tool(*common, '--mass', .5, '--truth', 'classes')
    found = read()
    # equal attention: the first half in reading order is the upper half
    assert list(found['jaccard'].values()) == [[100]]
    assert found['whole_image'] == 50
    assert (found['images'], found['skipped']) == (2, 1)
    with pytest.raises(SystemExit, match='have no labels.*such as BottomUp'):
        run_tool(*common, '--maps', 'TopDown')
    next((voc.parent / 'VOC2012' / 'JPEGImages').iterdir()).unlink()
    with pytest.raises(SystemExit, match='has 2 of the 3 files'):
        run_tool(*common)


def test_bad_input(run_tool, config, tmp_path):
    path = save(config, tmp_path / 'weights.pth')
    with pytest.raises(SystemExit, match='neither `gt_seg_map` nor'):
        run_tool(TOOL, config, path)
    with pytest.raises(SystemExit, match=r'in \(0, 1\], not 90'):
        run_tool(TOOL, config, path, '--mass', 90)
    with pytest.raises(SystemExit, match='does not hold the weights'):
        run_tool(TOOL, SHIPPED, path)
    with pytest.raises(SystemExit, match='data/VOCdevkit/VOC2012'):
        run_tool(TOOL, config, path, '--data', '_base_/datasets/voc2012.py')
