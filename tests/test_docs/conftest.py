"""The site, built once for all tests, and a browser that opens it."""
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser import headless_chromium
from filelock import FileLock

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='session')
def site(tmp_path_factory, worker_id):
    """The folder of the site, built as `make docs` builds it. The processes of
    pytest-xdist share it."""
    for module in ('sphinx', 'myst_parser', 'furo', 'sphinx_copybutton'):
        pytest.importorskip(module, reason='needs the extra `docs`')
    if not (ROOT / 'docs/conf.py').exists():
        pytest.skip('mmmix is installed without its checkout')
    folder = tmp_path_factory.getbasetemp()
    if worker_id != 'master':
        folder = folder.parent
    log = folder / 'site.log'
    with FileLock(folder / 'site.lock'):
        if not log.exists():
            done = subprocess.run([
                sys.executable, '-m', 'sphinx', '-W', '--keep-going', '-q',
                '-j', 'auto', '-c', 'docs', '-d', folder / 'doctrees', '.',
                folder / 'site'
            ],
                                  cwd=ROOT,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT,
                                  text=True,
                                  timeout=600)
            log.write_text(done.stdout + f'\nexit code {done.returncode}')
    assert log.read_text().endswith('exit code 0'), log.read_text()
    return folder / 'site'


class Quiet(SimpleHTTPRequestHandler):
    """A handler that logs nothing."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope='session')
def address(site):
    """Where the site is served, on this machine alone."""
    handler = partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


@pytest.fixture(scope='session')
def browser():
    with headless_chromium() as driver:
        driver.set_page_load_timeout(120)
        yield driver
