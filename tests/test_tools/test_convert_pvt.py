import argparse
from fractions import Fraction

import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmmix.registry import MODELS

TOOL = 'model_converters/pvt.py'
ARCH = dict(
    embed_dims=[4] * 4,
    depths=[1] * 4,
    num_heads=[1] * 4,
    mlp_ratios=[2] * 4,
    sr_ratios=[8, 4, 2, 1])


def weights():
    return MODELS.build(
        dict(
            type='mmpretrain.ImageClassifier',
            backbone=dict(
                type='mmmix.PyramidVisionTransformer', arch=ARCH, img_size=32),
            head=dict(
                type='mmpretrain.VisionTransformerClsHead',
                num_classes=3,
                in_channels=4))).state_dict()


def test_there_and_back(run_tool, tmp_path):
    ours, target = weights(), tmp_path / 'target.pth'
    training = dict(message_hub=dict(lr=HistoryBuffer([1.], [1])))
    torch.save(dict(state_dict=ours, **training), tmp_path / 'ours.pth')
    run_tool(TOOL, '--to-published', tmp_path / 'ours.pth', target)
    theirs = torch.load(target)
    assert theirs['pos_embed4'].shape == (1, 2, 4)

    beside = dict(args=argparse.Namespace(epochs=1))
    for checkpoint in (theirs, dict(model=theirs, **beside)):
        torch.save(checkpoint, target)
        run_tool(TOOL, target, tmp_path / 'back.pth')
        back = torch.load(tmp_path / 'back.pth')['state_dict']
        assert back.keys() == ours.keys()
        assert all(torch.equal(back[name], ours[name]) for name in ours)


def test_bad_input(run_tool, tmp_path):
    torch.save(dict(state_dict=weights()), tmp_path / 'ours.pth')
    torch.save(dict(model=Fraction(1)), tmp_path / 'code.pth')
    for name, message in (('ours.pth', 'direction of the conversion'),
                          ('code.pth', 'more than tensors'),
                          ('none.pth', 'There is no checkpoint')):
        with pytest.raises(SystemExit, match=message):
            run_tool(TOOL, tmp_path / name, tmp_path / 'target.pth')
    assert not (tmp_path / 'target.pth').exists()
