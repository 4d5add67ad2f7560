"""The page of the playground in a browser, from this machine alone."""
import ipaddress
import json
import socket
import time
import urllib.error
import urllib.request

import pytest
import torch
from browser import headless_chromium
from mmengine.config import Config
from PIL import Image
from test_playground_mixing import mix_again

from mmmix.cli.playground.images import Picture
from mmmix.cli.playground.mixing import Choices, play
from mmmix.errors import MmmixError

pytest.importorskip('gradio', reason='Gradio is not installed')
exceptions = pytest.importorskip(
    'selenium.common.exceptions', reason='Selenium is not installed')

from selenium.webdriver.common.keys import Keys  # noqa: E402

from mmmix.cli.playground import Playground, serve  # noqa: E402

WebDriverException = exceptions.WebDriverException
# Gradio's own use of pandas
pytestmark = pytest.mark.filterwarnings(
    'ignore::DeprecationWarning:gradio.queueing')


def is_local(address):
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == 'localhost'


@pytest.fixture(scope='module')
def connections():
    """Where this process connects to, by address."""
    seen, connect = [], socket.socket.connect

    def recorded(self, address):
        if isinstance(address, tuple):
            seen.append(address[0])
        return connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, 'connect', recorded)
        yield seen


@pytest.fixture(scope='module')
def address(network, connections):
    page, address = serve(Playground([network]), wait=False)
    yield address
    page.close()


@pytest.fixture(scope='module')
def opened(address):
    with headless_chromium() as driver:
        driver.get(address)
        wait(lambda: pictures_of(driver))
        yield driver


@pytest.fixture
def browser(opened, address):
    """The page as it is at first."""
    if opened.current_url != address or opened.execute_script(
            'return window.used'):
        opened.get(address)
        wait(lambda: pictures_of(opened))
    opened.execute_script('window.used = true')
    return opened


def wait(condition, seconds=30):
    """What a condition returns when it holds."""
    end = time.monotonic() + seconds
    while True:
        try:
            found = condition()
        except WebDriverException:  # the page is being drawn
            found = None
        if found:
            return found
        assert time.monotonic() < end, 'the page does not do it'
        time.sleep(.05)


def one(driver, selector):
    return driver.find_element('css selector', selector)


def pictures_of(driver):
    """Addresses of the mixed images."""
    return driver.execute_script(
        "return [...document.querySelectorAll('#report .mixed img')]"
        '.map(image => image.src)')


def enter(driver, selector, text):
    """Put a text in the place of another one."""

    def entered():
        field = one(driver, selector)
        driver.execute_script("arguments[0].scrollIntoView({block: 'center'})",
                              field)
        field.send_keys(Keys.CONTROL, 'a')
        field.send_keys(text, Keys.TAB)
        return True

    wait(entered)


def choose(driver, selector, name):
    """Choose a name in a dropdown."""
    option = f'{selector} li[aria-label="{name}"], ' \
        f'ul[role=listbox] li[aria-label="{name}"]'

    def chosen():
        field = one(driver, f'{selector} input')
        driver.execute_script("arguments[0].scrollIntoView({block: 'center'})",
                              field)
        if not driver.find_elements('css selector', option):
            field.click()
        one(driver, option).click()
        return True

    wait(chosen)


def config_of(driver):
    """What the copy button puts on the clipboard."""
    driver.execute_cdp_cmd(
        'Browser.grantPermissions',
        dict(permissions=['clipboardReadWrite', 'clipboardSanitizedWrite']))
    driver.execute_script("navigator.clipboard.writeText('')")
    buttons = '#config button[aria-label*="opy"], #config button[title*="opy"]'
    wait(lambda: driver.find_elements('css selector', buttons))
    driver.execute_script('arguments[0].click()', one(driver, buttons))
    return wait(lambda: driver.execute_async_script(
        'navigator.clipboard.readText().then(arguments[0], arguments[0])'))


def test_a_slider_changes_the_picture_and_the_config(browser, network,
                                                     pictures):
    before = pictures_of(browser)
    assert len(before) == 4
    enter(browser, '#mixer-delta-to input[type=number]', '0.5')
    wait(lambda: pictures_of(browser) and pictures_of(browser) != before)
    wait(lambda: '0.5)' in one(browser, '#config').text)
    text = config_of(browser)
    cfg = Config.fromstring(text, '.py')
    assert cfg.model.train_cfg.augments[0] == dict(
        type='mmmix.SMMix', delta=(0.25, 0.5))
    # it mixes as the page shows
    choices = Choices(dict(cfg.model.train_cfg.augments[0]))
    played = play(network, pictures, choices)
    again, lam = mix_again(text, pictures, choices)
    assert torch.allclose(again, played.mixed.inputs, atol=1e-6)
    shown = [
        element.text for element in browser.find_elements(
            'css selector', '#report tbody tr:first-child td')
    ]
    assert shown == [f'{value:.3f}' for value in lam.tolist()]


def test_mixer_map_and_rule(browser):
    choose(browser, '#mixer', 'CutMix')
    wait(lambda: browser.find_elements('css selector', '#mixer-alpha'))
    choose(browser, '#rule', 'AreaAttentionLabel')
    choose(browser, '#attention', 'TopDown')
    enter(browser, '#attention-sigma input[type=number]', '2.5')
    wait(lambda: 'sigma=2.5' in one(browser, '#config').text)
    assert "label_rule=dict(type='mmmix.AreaAttentionLabel')" in one(
        browser, '#config').text
    assert one(browser, '#report tr.chosen th').text == 'AreaAttentionLabel'
    before = pictures_of(browser)
    one(browser, '#again').click()
    wait(lambda: pictures_of(browser) and pictures_of(browser) != before)
    assert one(browser, '#seed input').get_attribute('value') == '1'


def test_wrong_input_is_told_in_the_page(browser):
    enter(browser, '#mixer-delta-from input[type=number]', '0.9')
    told = wait(lambda: browser.find_elements('css selector', '.wrong'))
    assert 'low <= high' in told[0].text and 'Trace' not in told[0].text
    assert one(browser, '#config').text.strip() in ('', '1')
    enter(browser, '#mixer-delta-from input[type=number]', '0.1')
    wait(lambda: pictures_of(browser))
    enter(browser, '#mixer-grid textarea, #mixer-grid input', 'seven')
    wait(lambda: 'must be a Python value' in one(browser, '#report').text)
    enter(browser, '#mixer-grid textarea, #mixer-grid input', '8')
    wait(lambda: pictures_of(browser))
    choose(browser, '#mixer', 'Mixup')
    choose(browser, '#rule', 'TransMixLabel')
    wait(lambda: 'applies to none of the mixers' in one(browser, '#report').
         text)


def test_an_upload(browser, tmp_path):
    Image.new('RGB', (50, 40), (250, 20, 20)).save(tmp_path / '<b>red.png')
    (tmp_path / 'torn.png').write_bytes(b'\x89PNG\r\n')
    field = one(browser, '#upload input[type=file], input[type=file]')
    field.send_keys(f'{tmp_path / "<b>red.png"}\n{tmp_path / "torn.png"}')
    wait(lambda: len(pictures_of(browser)) == 5)
    assert 'red.png' in one(browser, '#images').text
    wait(lambda: 'torn.png cannot be read' in one(browser, 'body').text)


def test_nothing_leaves_the_machine(opened, connections):
    """After all that the other tests did."""
    asked = [
        json.loads(entry['message'])['message']
        for entry in opened.get_log('performance')
    ]
    urls = [
        message['params']['request']['url'] for message in asked
        if message['method'] == 'Network.requestWillBeSent'
    ]
    outside = [
        url for url in urls if url.startswith(('http', 'ws'))
        and not is_local(urllib.parse.urlsplit(url).hostname)
    ]
    assert urls and not outside
    assert connections and all(map(is_local, connections))


def test_it_listens_here_alone_and_gives_no_files(address, network):
    assert address.startswith('http://127.0.0.1:')
    with urllib.request.urlopen(address) as answer:
        policy = answer.headers['content-security-policy']
    assert "default-src 'self'" in policy and 'http' not in policy
    for path in ('/etc/passwd', network.checkpoint, 'setup.py'):
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f'{address}gradio_api/file={path}')
    port = int(address.split(':')[-1].strip('/'))
    with pytest.raises(MmmixError, match=f'cannot listen at .*{port}'):
        serve(Playground([network]), port=port, wait=False)
    with pytest.raises(MmmixError, match='from 1 to 65535, not 99999'):
        serve(Playground([network]), port=99999, wait=False)
    for host in ('192.0.2.1', 'no such host'):  # the first is nobody's
        with pytest.raises(MmmixError, match=f'cannot listen at {host}'):
            serve(Playground([network]), host=host, wait=False)


def test_a_fault_in_the_program_is_not_the_users(network):
    """It is not told as a wrong input."""

    def fail(size):
        raise KeyError('a fault')

    playground = Playground(
        [network], [Picture('a', fail), Picture('b', fail)])
    with pytest.raises(KeyError, match='a fault'):
        playground.draw(network.name, ['a', 'b'], [], 'Mixup', {}, 'BottomUp',
                        {}, "the mixer's own", {},
                        'each image with the one before it', 0)
