"""What the tools say of errors that are meant for the user."""
import pytest
from mmcv.transforms import BaseTransform
from torch.utils.data import DataLoader, Dataset

from mmmix.cli import errors, user_errors
from mmmix.errors import MmmixError

PAGE = """\
# Data sets

## Birds

| a | table |

## Flowers

The pictures of the garden.

```
data/flowers
└── *.jpg
```

## Stones

```
data/stones
```
"""


class Flowers(Dataset):
    """Three images, none of which can be read."""

    def __init__(self, error=None):
        self.error = error

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if self.error:
            raise self.error
        return open('data/flowers/1.jpg')


class Tulips(Flowers):
    """A data set without a section of its own."""


class Birds(Flowers):
    """A data set whose section has no layout."""


class Quarry(Dataset):
    """A data set without a section, whose transform has one."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return Stones()(dict())


class Stones(BaseTransform):

    def transform(self, results):
        return open('data/stones')


@pytest.fixture
def page(tmp_path, monkeypatch):
    path = tmp_path / 'datasets.md'
    path.write_text(PAGE, encoding='utf-8')
    monkeypatch.setattr(errors, 'shipped', lambda name: path)


def said(raising, *kinds):
    with pytest.raises(SystemExit) as stop, user_errors(*kinds):
        raising()
    return stop.value.code


def raised(error):

    def raising():
        raise error

    return raising


def test_the_message_alone():
    for kind in (MmmixError, FileNotFoundError, FloatingPointError):
        assert said(raised(kind('no, 3'))) == 'error: no, 3'
    assert said(raised(KeyError(3)), KeyError) == 'error: 3'


@pytest.mark.parametrize('error', [ValueError('a'), KeyError('b')])
def test_other_errors_keep_their_trace(error):
    with pytest.raises(type(error)), user_errors():
        raise error


def test_the_message_of_a_worker():
    loader = DataLoader(
        Flowers(MmmixError('image 1: torn\nin two')), num_workers=1)
    assert said(lambda: next(iter(loader))) == 'error: image 1: torn\nin two'


@pytest.mark.parametrize('kind', [Flowers, Tulips])
def test_the_layout_of_a_missing_data_set(kind, page):
    assert said(lambda: kind()[0]) == (
        "error: [Errno 2] No such file or directory: 'data/flowers/1.jpg'\n"
        f'The layout that {kind.__name__} expects is in docs/datasets.md:\n'
        'data/flowers\n└── *.jpg')


def test_a_section_without_layout_leaves_it_to_the_base_class(page):
    message = said(lambda: Birds()[0])
    assert message.endswith('Birds expects is in docs/datasets.md:\n'
                            'data/flowers\n└── *.jpg')


def test_the_layout_of_a_transform(page):
    message = said(lambda: Quarry()[0])
    assert message.endswith('Stones expects is in docs/datasets.md:\n'
                            'data/stones')


def test_a_page_that_is_not_shipped(monkeypatch):
    monkeypatch.setattr(errors, 'shipped', raised_for_any)
    message = said(lambda: Flowers()[0])
    assert message.endswith('are in docs/datasets.md of the checkout.')


def raised_for_any(name):
    raise FileNotFoundError(name)


def test_a_missing_file_of_another_kind(page):
    message = said(lambda: open('weights.pth'))
    assert 'weights.pth' in message and 'layout' not in message
