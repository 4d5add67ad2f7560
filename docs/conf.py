"""The docs site; `make docs` builds it into docs/_build/html.

The sources are the pages as they lie in the checkout, so that every relative
link works on the site and in a file browser alike. The pages of the methods
are `configs/*/README.md`, each followed by the config files of its folder.
"""
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name

from docutils import nodes
from sphinx import addnodes
from sphinx.ext import autosummary
from sphinx.transforms import SphinxTransform
from sphinx.util.fileutil import copy_asset
from sphinx.util.nodes import make_refnode

import mmmix

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / 'configs'
SHARED = 'docs/shared_configs'  # shows those in folders without a README

project = 'mmmix'
author = 'the authors of mmmix'
release = version = mmmix.__version__
root_doc = 'docs/index'
source_suffix = {'.md': 'markdown', '.rst': 'restructuredtext'}
SOURCES = {'docs', 'configs', 'CONTRIBUTING.md', 'CHANGELOG.md'}
exclude_patterns = ['docs/_*', '**/__pycache__'] + [
    entry.name for entry in ROOT.iterdir() if entry.name not in SOURCES
]

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.autosummary',
    'sphinx.ext.mathjax',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
    'sphinx_copybutton',
]
myst_enable_extensions = ['colon_fence', 'dollarmath', 'deflist']
myst_heading_anchors = 4

# one backquote around a name in a docstring
default_role = 'py:obj'
# the first sentence does not end at these
autosummary.WELL_KNOWN_ABBREVIATIONS += ('Eq.', 'Fig.')
# members of a package are those of its `__all__`
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_member_order = 'groupwise'
autodoc_typehints = 'none'
autodoc_default_options = {'members': True, 'show-inheritance': True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
nitpicky = True
# names of other packages: their inventories would need a network
nitpick_ignore_regex = [('py:.*', r'(?!mmmix\.).*|.*\._\w+')]
# the contents of each page show headings; objects are in the tables, and make
# the navigation of every page slow to build
toc_object_entries = False

templates_path = ['_templates']
html_theme = 'furo'
html_title = f'mmmix {release}'
html_static_path = ['_static']
html_favicon = '_static/favicon.svg'
html_css_files = ['site.css']
html_additional_pages = {'index': 'redirect.html'}
html_show_sphinx = False
html_copy_source = False
html_theme_options = dict(top_of_page_buttons=[], navigation_with_keys=True)
copybutton_exclude = '.linenos, .gp, .go'
# MathJax comes from a package, so that the site needs no network
mathjax_path = 'mathjax/tex-chtml.js'
MATHJAX = Path(find_spec('mathjax').origin).parent / 'static/mathjax/es5'


def config_files(folder):
    """The config files that are shown on the page of a folder: its own, and
    those of the folders below that have no page."""
    shown = sorted(folder.glob('*.py'))
    for below in sorted(folder.iterdir()):
        if below.is_dir() and not (below / 'README.md').exists():
            shown += config_files(below)
    return shown


def label(path):
    """The anchor of a config file on the page where it is shown."""
    return nodes.make_id(path.relative_to(CONFIGS).as_posix())


def page_of(path):
    """The page that shows a config file."""
    for folder in path.parents:
        if folder == CONFIGS:
            return SHARED
        if (folder / 'README.md').exists():
            return folder.relative_to(ROOT).as_posix() + '/README'


def resolve_elsewhere(app, env, node, contnode):
    """A docstring may name a part by any path it can be imported by, also one
    that has no entry of its own; a name that does not exist is a warning."""
    name = node.get('reftarget', '').lstrip('.')
    if node.get('refdomain') != 'py' or not name.startswith('mmmix.'):
        return None
    try:
        resolve_name(name)
    except (ImportError, AttributeError):
        return None
    domain = env.domains['py']
    last = name.rsplit('.', 1)[-1]
    for full, entry in domain.objects.items():
        if full.endswith(f'.{last}') and not entry.aliased:
            return make_refnode(app.builder, node['refdoc'], entry.docname,
                                entry.node_id, contnode, full)
    return contnode


def append_configs(app, docname, source):
    """After a folder's README come its config files."""
    if docname == SHARED:
        folder, title = CONFIGS, ''
    elif docname.startswith('configs/'):
        folder, title = (ROOT / docname).parent, '\n## Config files\n'
    else:
        return
    source[0] += title + ''.join(
        f'\n```{{literalinclude}} /{path.relative_to(ROOT)}\n'
        f':language: python\n:caption: "`{path.relative_to(ROOT)}`"\n'
        f':name: {label(path)}\n```\n' for path in config_files(folder))


class LinkSources(SphinxTransform):
    """Links to Python files lead to where the site shows them, those to the
    README to its front page."""

    default_priority = 500

    def apply(self):
        """Replace what MyST makes of them: downloads, and a page."""
        for node in self.document.findall(addnodes.pending_xref):
            if (node['refdomain'], node['reftarget']) == ('doc', 'README'):
                node['reftarget'] = root_doc
        for node in list(self.document.findall(addnodes.download_reference)):
            path = Path(
                self.env.relfn2path(node['reftarget'], self.env.docname)[1])
            if path.suffix != '.py':
                continue
            if path.is_relative_to(CONFIGS):
                page, anchor = page_of(path), f'#{label(path)}'
            elif path.is_relative_to(ROOT / 'mmmix'):
                module = path.relative_to(ROOT).with_suffix('')
                page, anchor = f'_modules/{module.as_posix()}', ''
            else:
                continue
            uri = self.app.builder.get_relative_uri(self.env.docname, page)
            node.replace_self(
                nodes.reference(
                    '', '', *node.children, internal=True,
                    refuri=uri + anchor))


def copy_mathjax(app, error):
    """MathJax and its fonts, which it looks for beside itself."""
    if error is None:
        to = Path(app.outdir) / '_static/mathjax'
        copy_asset(MATHJAX / 'tex-chtml.js', to)
        fonts = 'output/chtml/fonts/woff-v2'
        copy_asset(MATHJAX / fonts, to / fonts)


def setup(app):
    """Called by Sphinx."""
    app.connect('source-read', append_configs)
    app.connect('missing-reference', resolve_elsewhere)
    app.connect('build-finished', copy_mathjax)
    app.add_transform(LinkSources)
    return dict(parallel_read_safe=True, parallel_write_safe=True)
