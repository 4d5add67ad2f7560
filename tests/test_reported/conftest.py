"""Cases of public bug reports, grouped by kind: B001 and so on are their
numbers, 'unlisted' are further inputs of the same kind."""
import pytest
from short_run import SHORT
from test_tools import tiny_smmix
from test_tools.conftest import config, run_tool, tool_runner  # noqa: F401


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """The work directory of a run of two epochs."""
    folder = tmp_path_factory.mktemp('trained')
    with pytest.MonkeyPatch.context() as patch:
        tool_runner(patch, folder)('train.py', tiny_smmix.__file__,
                                   '--work-dir', folder / 'run', *SHORT)
    return folder / 'run'
