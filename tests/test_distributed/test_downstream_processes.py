"""Segmentation on two nodes of one process, detection on one node of two."""
from pathlib import Path

import pytest
import torch
from launching import finish, free_port, start, train

HERE = Path(__file__).parent

pytestmark = pytest.mark.downstream


def segment_on_two_nodes(work_dir):
    port = free_port()
    return finish(*(start(
        'dist_train.sh',
        HERE / 'recorded_segmentation.py',
        1,
        '--work-dir',
        work_dir,
        '--no-validate',
        port=port,
        NNODES='2',
        NODE_RANK=str(node),
        MASTER_ADDR='127.0.0.1') for node in (0, 1)))


def detect_in_two_processes(work_dir):
    return train(HERE / 'recorded_detection.py', work_dir)


@pytest.mark.parametrize('trained, seen', [
    (segment_on_two_nodes, ['1 norm layer configs say SyncBN']),
    (detect_in_two_processes, ['Epoch(val) [1][2/2]', 'coco/segm_mAP']),
])
def test_ranks_hold_equal_weights_after_each_step(tmp_path, trained, seen):
    log = trained(tmp_path)
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
