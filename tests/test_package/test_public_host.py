"""What a public host reads: workflows, forms, citation, changelog."""
import re
from pathlib import Path

import pytest
import yaml

import mmmix

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / '.github/workflows').glob('*.yml'))
FORMS = sorted((ROOT / '.github/ISSUE_TEMPLATE').glob('[!c]*.yml'))


def named(path):
    return pytest.mark.parametrize('path', path, ids=lambda path: path.name)


@named(WORKFLOWS)
def test_workflows_call_scripts_and_targets_that_exist(path):
    jobs = yaml.safe_load(path.read_text())['jobs']
    commands = [
        step['run'] for job in jobs.values() for step in job['steps']
        if 'run' in step
    ]
    assert commands
    makefile = (ROOT / 'Makefile').read_text()
    for command in commands:
        kind, name = re.fullmatch(r'(bash|make) (\S+)', command).groups()
        if kind == 'bash':
            assert (ROOT / name).is_file(), command
        else:
            assert re.search(rf'^{name}:', makefile, re.MULTILINE), command
    assert all('timeout-minutes' in job for job in jobs.values())


@named(FORMS)
def test_forms_have_what_a_host_requires(path):
    form = yaml.safe_load(path.read_text())
    assert form['name'] and form['description']
    ids = [field['id'] for field in form['body']]
    assert len(set(ids)) == len(ids)
    assert any(
        field.get('validations', {}).get('required') for field in form['body'])
    for field in form['body']:
        assert field['attributes']['label']
        if field['type'] == 'checkboxes':
            assert field['attributes']['options']


def test_bug_feature_and_question_have_a_form():
    assert [path.stem for path in FORMS] == ['bug', 'feature', 'question']


def test_the_citation_is_of_this_version_and_its_papers():
    cited = yaml.safe_load((ROOT / 'CITATION.cff').read_text())
    assert {'cff-version', 'message', 'title', 'authors'} < set(cited)
    assert cited['version'] == mmmix.__version__
    papers = {}
    for method in ('smmix', 'tdattenmix', 'mixpro', 'attentive_cutmix'):
        metafile = ROOT / f'configs/{method}/metafile.yml'
        paper = yaml.safe_load(metafile.read_text())['Collections'][0]['Paper']
        papers[paper['Title']] = paper['URL']
    assert {r['title']: r['url'] for r in cited['references']} == papers
    assert all(r['authors'] for r in cited['references'])
    project = (ROOT / 'pyproject.toml').read_text()
    assert all(f'"{url}"' in project for url in papers.values())


def test_the_changelog_knows_this_version():
    text = (ROOT / 'CHANGELOG.md').read_text()
    headings = re.findall(r'^## \[(.*?)\]', text, re.MULTILINE)
    assert headings[0] == 'Unreleased'
    assert mmmix.__version__ in text
    kinds = set(re.findall(r'^### (.*)', text, re.MULTILINE))
    assert kinds <= {
        'Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'
    }


@named([ROOT / 'CONTRIBUTING.md', ROOT / 'CHANGELOG.md'])
def test_links_and_commands_lead_to_files(path):
    text = path.read_text()
    for target in re.findall(r'\]\(([^)#:]+)\)', text):
        assert (ROOT / target).exists(), target
    scripts = re.findall(r'((?:tools|\.dev_scripts)/[\w/-]+\.(?:sh|py))', text)
    for script in scripts:
        assert (ROOT / script).is_file(), script
    makefile = (ROOT / 'Makefile').read_text()
    for name in re.findall(r'`make ([\w-]+)`', text):
        assert f'\n{name}:' in makefile, name
