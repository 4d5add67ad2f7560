"""The site as it is built: no warning, and no dead link."""
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urldefrag

ROOT = Path(__file__).parents[2]
LINK = re.compile(r'<(a|img|link|script)\b[^>]*?\s(?:href|src)="([^"]*)"')
ANCHOR = re.compile(r'\s(?:id|name)="([^"]*)"')


def pages(site):
    """The text of each page."""
    return {
        path: path.read_text(encoding='utf-8')
        for path in site.rglob('*.html') if '_static' not in path.parts
    }


def test_there_is_a_page_for_each_markdown_file(site):
    sources = [
        *ROOT.glob('docs/*.md'), *ROOT.glob('docs/*/*.md'),
        *ROOT.glob('configs/**/README.md')
    ]
    assert len(sources) > 50
    for source in sources:
        page = site / source.relative_to(ROOT).with_suffix('.html')
        assert page.exists(), page
    assert 'docs/index.html' in (site / 'index.html').read_text()


def test_no_link_is_dead(site):
    texts = pages(site)
    anchors = {path: {*ANCHOR.findall(text)} for path, text in texts.items()}
    count, dead = 0, set()
    for path, text in texts.items():
        for _, link in LINK.findall(text):
            link, anchor = urldefrag(unescape(link))
            if re.match(r'\w+:', link):
                continue
            count += 1
            target = path if not link else (
                path.parent / unquote(link.split('?')[0])).resolve()
            if not target.is_file() or anchor and target in anchors and (
                    unquote(anchor) not in anchors[target]):
                dead.add(f'{path.relative_to(site)}: {link}#{anchor}')
    assert count > 10000
    assert not dead, '\n'.join(sorted(dead))


def test_nothing_comes_from_a_network(site):
    for path, text in pages(site).items():
        for tag, link in LINK.findall(text):
            assert tag == 'a' or not re.match(r'(https?:)?//', link), (path,
                                                                       link)


def test_a_config_is_shown_where_links_to_it_lead(site):
    links = LINK.findall((site / 'docs/model_zoo.html').read_text())
    shown = [
        link for _, link in links if re.search(r'README.html#.*-py$', link)
    ]
    assert len(shown) > 300
    assert not [*site.glob('_downloads/*/*_in1k.py')]
