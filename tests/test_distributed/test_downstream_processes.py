"""Segmentation and detection in two processes."""
from pathlib import Path

import pytest
import torch
from launching import train

HERE = Path(__file__).parent

pytestmark = pytest.mark.downstream


@pytest.mark.parametrize('config, arguments, seen', [
    ('recorded_segmentation.py', ['--no-validate'
                                  ], ['1 norm layer configs say SyncBN']),
    ('recorded_detection.py', [], ['Epoch(val) [1][2/2]', 'coco/segm_mAP']),
])
def test_ranks_hold_equal_weights_after_each_step(tmp_path, config, arguments,
                                                  seen):
    log = train(HERE / config, tmp_path, *arguments)
    assert ('Global batch: 2 images x 2 processes (cpu) x 1 pass a step = 4'
            in log)
    for text in seen:
        assert text in log
    first, second = (
        torch.load(tmp_path / f'rank{rank}.pt') for rank in (0, 1))
    assert len(first) == len(second) == 2
    before = None
    for one, other in zip(first, second):
        assert one['loss'] != other['loss']  # of images of its own
        assert torch.equal(one['weights'], other['weights'])
        assert before is None or not torch.equal(one['weights'], before)
        before = one['weights']
