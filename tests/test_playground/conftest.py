import pytest
import torch

from mmmix.cli.playground.images import drawn
from mmmix.cli.playground.networks import Network, small_vit


@pytest.fixture(scope='module', autouse=True)
def log_files_stay_open():
    """The page's server sets up logging anew, which closes the log files of
    other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('logging.config.dictConfig', lambda config: None)
        yield


@pytest.fixture(scope='session')
def network(tmp_path_factory):
    """The small ViT with random weights everywhere, also in its last layer,
    as a checkpoint."""
    path = tmp_path_factory.mktemp('playground') / 'vit.pth'
    untrained = small_vit()
    state = untrained.trained.model.state_dict()
    generator = torch.Generator().manual_seed(0)
    for value in state.values():
        value += .1 * torch.randn(value.shape, generator=generator)
    torch.save(dict(state_dict=state), path)
    return Network('a ViT', untrained.config, str(path), 'Random weights.')


@pytest.fixture(scope='session')
def pictures():
    return drawn()[:4]
