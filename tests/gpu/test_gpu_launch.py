"""One process that uses NCCL, started as a user would."""
from pathlib import Path

import torch
from test_distributed.launching import finish, free_port, start

CONFIG = Path(__file__).parents[1] / 'test_distributed/recorded.py'


def launch(*arguments):
    return finish(
        start(
            'dist_train.sh',
            CONFIG,
            1,
            *arguments,
            port=free_port(),
            CUDA_VISIBLE_DEVICES='0'))


def notes(folder):
    return torch.load(folder / 'rank0.pt', map_location='cpu')


def test_training_by_nccl_resumes(tmp_path):
    whole, again = tmp_path / 'whole', tmp_path / 'again'
    log = launch('--work-dir', whole)
    assert 'x 1 process (cuda)' in log
    assert "backend='nccl'" in (whole / 'recorded.py').read_text()
    log = launch('--work-dir', again, '--resume', whole / 'epoch_2.pth')
    assert 'resumed epoch: 2' in log
    expected, found = notes(whole), notes(again)
    assert len(expected) == 16 and len(found) == 8
    for now, then in zip(found, expected[8:]):
        assert now['mixer'] == then['mixer']
        assert torch.equal(now['source'], then['source'])
    torch.testing.assert_close(
        found[-1]['weights'], expected[-1]['weights'], rtol=1e-2, atol=1e-2)
