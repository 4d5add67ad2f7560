"""The parts of the stack that need mmcv's compiled ops load beside mmmix."""
import pytest
import torch


@pytest.mark.downstream
def test_compiled_ops_and_toolboxes():
    import mmdet.models  # noqa: F401
    import mmseg.models  # noqa: F401
    from mmcv.ops import nms

    import mmmix  # noqa: F401
    boxes = torch.tensor([[0., 0, 4, 4], [0, 0, 4, 3], [8, 8, 9, 9]])
    _, kept = nms(boxes, torch.tensor([.9, .8, .7]), iou_threshold=.5)
    assert kept.tolist() == [0, 2]
