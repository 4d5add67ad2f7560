"""Errors that several kinds of parts raise."""
from typing import Iterable


class MissingIngredient(ValueError):
    """A combination of parts wants what one of them cannot give.

    Args:
        ingredient (str): 'regions', 'tokens' or 'class attention'.
        message (str): What was wanted, why it is not there, what to do.
    """

    def __init__(self, ingredient: str, message: str):
        super().__init__(message)
        self.ingredient = ingredient


def check_name(argument: str, name: str, names: Iterable[str]) -> None:
    """Raise a ValueError unless an argument is one of the names it may have.
    """
    if name not in names:
        raise ValueError(f'`{argument}` must be one of {tuple(names)}, not '
                         f'{name!r}.')
