"""Errors whose message is meant for the person who runs mmmix."""
from typing import Iterable


class MmmixError(ValueError):
    """Wrong input: the message says what was given, what is wanted and what
    to do. The tools print it alone, without a traceback.

    >>> raise MmmixError('`alpha` must be a positive number, not 0.')
    Traceback (most recent call last):
    mmmix.errors.MmmixError: `alpha` must be a positive number, not 0.
    """


class MissingIngredient(MmmixError):
    """A combination of parts requires what one of them cannot provide.

    Args:
        ingredient (str): One of the words of
            :mod:`mmmix.models.requirements`.
        message (str): What is required, why it is missing, what to do.
    """

    def __init__(self, ingredient: str, message: str):
        super().__init__(message)
        self.ingredient = ingredient


def check_name(argument: str, name: str, names: Iterable[str]) -> None:
    """Raise a MmmixError unless an argument is one of the names it may have.

    >>> check_name('distance', 'kl', ('kl', 'l1'))
    """
    if name not in names:
        raise MmmixError(f'`{argument}` must be one of {tuple(names)}, not '
                         f'{name!r}.')


def check_least(argument: str, value: float, least: float) -> None:
    """Raise a MmmixError unless an argument is as large as it must be.

    >>> check_least('batch_size', 2, 1)
    """
    if value < least:
        raise MmmixError(
            f'`{argument}` must be at least {least}, not {value!r}.')


def first_few(names: Iterable, count: int = 5) -> str:
    """The first few names, and how many more there are in all.

    >>> first_few('abcdefg')
    'a, b, c, d, e, ... (7 in all)'
    """
    names = [*map(str, names)]
    more = f', ... ({len(names)} in all)' if names[count:] else ''
    return ', '.join(names[:count]) + more
