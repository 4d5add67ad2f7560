"""The site in Chromium, as a reader sees it."""
import pytest

PAGES = {
    'docs/index.html': 'mmmix',
    'docs/tutorial/mix_a_batch.html': 'Mix a batch',
    'docs/coming_from.html': 'Coming from another library',
    'docs/troubleshooting.html': 'Troubleshooting',
    'docs/model_zoo.html': 'Model zoo',
    'docs/results/pretrained.html': None,
    'configs/automix/README.html': 'AutoMix',
    'docs/api/generated/mmmix.functional.html': 'mmmix.functional',
}
WIDE, NARROW = (1440, 900), (500, 900)


def problems(browser):
    """What the console shows of errors."""
    return [
        entry['message'] for entry in browser.get_log('browser')
        if entry['level'] == 'SEVERE'
    ]


def wait_for(browser, script, seconds=30):
    """Wait until a script returns what is true, and return that."""
    from selenium.webdriver.support.ui import WebDriverWait
    return WebDriverWait(browser,
                         seconds).until(lambda b: b.execute_script(script))


@pytest.mark.parametrize('size', [WIDE, NARROW], ids=['wide', 'narrow'])
def test_pages_fit_and_show_their_pictures(browser, address, size):
    browser.set_window_size(*size)
    pictures = 0
    for page, title in PAGES.items():
        browser.get(f'{address}/{page}')
        shown = browser.find_element('tag name', 'h1').text.rstrip('#¶')
        assert title is None or shown.lower() == title.lower(), page
        widths = browser.execute_script(
            'return [...document.querySelectorAll("article img")]'
            '.map(image => image.naturalWidth)')
        assert all(widths), page
        pictures += len(widths)
        outside = browser.execute_script(
            'return document.documentElement.scrollWidth - innerWidth')
        assert outside <= 0, (page, outside)
        assert problems(browser) == [], page
    assert pictures >= 2


@pytest.mark.parametrize('page', [
    'docs/tutorial/mix_a_batch.html', 'configs/automix/README.html',
    'docs/api/generated/mmmix.functional.html'
])
def test_math_is_typeset(browser, address, page):
    browser.get(f'{address}/{page}')
    formulas = len(browser.find_elements('css selector', '.math'))
    assert formulas
    wait_for(
        browser, 'return document.querySelectorAll("mjx-container").length'
        f' >= {formulas}')
    assert not browser.find_elements('css selector', 'mjx-merror')
    # its letters have a size, and their fonts were found
    sizes = browser.execute_script(
        'return [...document.querySelectorAll("mjx-container mjx-math")]'
        '.map(math => math.getBoundingClientRect().height)')
    assert min(sizes) > 1
    assert wait_for(
        browser, 'return [...document.fonts].some('
        'f => f.family.startsWith("MJX") && f.status == "loaded")')
    assert problems(browser) == []


@pytest.mark.parametrize('query, page', [
    ('SMMix', 'configs/smmix/README.html'),
    ('paste_boxes', 'docs/api/generated/mmmix.functional.html'),
    ('compiled ops', 'docs/troubleshooting.html'),
])
def test_search_finds_the_page(browser, address, query, page):
    browser.get(f'{address}/docs/index.html')
    browser.set_window_size(*WIDE)
    field = browser.find_element('css selector', 'input[name=q]')
    field.send_keys(query)
    field.submit()
    found = wait_for(
        browser, 'const links = [...document.querySelectorAll("#search-results'
        ' li a")].map(a => a.href.split("#")[0]);'
        f' return links.some(link => link.includes("{page}"))', 60)
    assert found
    assert problems(browser) == []


def test_the_front_door_leads_to_the_index(browser, address):
    browser.get(address)
    wait_for(browser, 'return location.pathname == "/docs/index.html"')
