"""Chromium without a window, for tests of pages."""
import shutil
import tempfile
from contextlib import contextmanager

import pytest

# as root Chromium has no sandbox; the others keep it from the network
FLAGS = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
         '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync',
         '--disable-dev-shm-usage')


@contextmanager
def headless_chromium(width=1280, height=900):
    """A Selenium driver of Chromium, which is closed at the end.

    Its log of the network, ``driver.get_log('performance')``, says what a
    page asked for, and ``driver.get_log('browser')`` what its console shows.
    Where Selenium, Chromium or its driver is missing, the test is skipped.

    Args:
        width, height (int): Size of the window.
    """
    webdriver = pytest.importorskip(
        'selenium.webdriver', reason='Selenium is not installed')
    chromium = shutil.which('chromium') or shutil.which('google-chrome')
    driver = shutil.which('chromedriver')
    if not (chromium and driver):
        pytest.skip('Chromium or its driver is missing: apt-get install '
                    'chromium chromium-driver')
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability('goog:loggingPrefs',
                           dict(browser='ALL', performance='ALL'))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f'--window-size={width},{height}',
                     f'--user-data-dir={profile}'):
            options.add_argument(flag)
        opened = webdriver.Chrome(
            options, webdriver.ChromeService(executable_path=driver))
        try:
            yield opened
        finally:
            opened.quit()
