"""Arguments of registered parts, checked by signature and annotation.

What a config says of a part reaches its constructor as keyword arguments. Two
kinds of faults are the same for all parts and are found here: a name that the
part does not have, or that is missing, and a value of another kind than the
annotation says. A part itself checks only its ranges. A path below ``~``, or
one in a list or a dict, is completed here for all parts, too.
"""
import inspect
import numbers
import os.path as osp
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache, wraps
from math import isfinite
from textwrap import shorten
from types import UnionType
from typing import (Any, Callable, Dict, Union, get_args, get_origin,
                    get_type_hints)

import numpy as np

from mmmix.errors import MmmixError

UNIONS = Union, UnionType
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD,
         inspect.Parameter.KEYWORD_ONLY)
# what a parent from another library raises at arguments that do not suit it;
# our own parts do not assert
FOREIGN = (ArithmeticError, AssertionError, AttributeError, LookupError,
           RuntimeError, TypeError, ValueError)
WRONG_CALL = re.compile(r'__init__\(\) (got|missing) ')
KINDS = {
    bool: 'True or False',
    int: 'a whole number',
    float: 'a finite number',
    str: 'a string',
    dict: 'a dict',
    type(None): 'None'
}


def check_arguments(kind: type) -> type:
    """Let the constructor of a class check its arguments first.

    Args:
        kind (type): The class; its ``__init__`` is replaced.

    Returns:
        type: The same class, whose constructor raises a MmmixError if an
        argument is missing, unknown, or not of the annotated kind, or if a
        parent from another library does not take what is passed on to it.

    >>> @check_arguments
    ... class Part:
    ...     def __init__(self, alpha: float = 1.):
    ...         self.alpha = alpha
    >>> Part(alpha='1')
    Traceback (most recent call last):
    mmmix.errors.MmmixError: `alpha` of Part must be a finite number, not '1'.
    """
    init = kind.__init__
    if init is object.__init__:
        init = _without_arguments
    if hasattr(init, 'checks_arguments') or not inspect.isfunction(init):
        return kind
    signature = inspect.signature(init)

    @wraps(init)
    def checked(self, *args, **kwargs):
        name = type(self).__name__
        args = _at_home(args)
        kwargs = {key: _at_home(value) for key, value in kwargs.items()}
        given = _bind(name, signature, self, args, kwargs)
        for key, hint in _hints(kind, init).items():
            if key in given and not fits(given[key], hint):
                raise MmmixError(
                    f'`{key}` of {name} must be {in_words(hint)}, not '
                    f'{shorten(repr(given[key]), 80)}.')
        passed_on = [key for key in kwargs if key not in given]
        try:
            init(self, *args, **kwargs)
        except FOREIGN as error:
            if isinstance(error, MmmixError) or not (passed_on or isinstance(
                    error, AssertionError) or WRONG_CALL.search(str(error))):
                raise
            if isinstance(error, AssertionError) and str(error):
                raise MmmixError(f'{name}: {error}') from error
            values = ', '.join(f'{key}={shorten(repr(kwargs[key]), 80)}'
                               for key in passed_on or kwargs)
            raise MmmixError(f'{name} cannot be built with '
                             f'{values or "no arguments"}: '
                             f'{type(error).__name__}: {error}') from error

    checked.checks_arguments = True
    kind.__init__ = checked
    return kind


def _at_home(value: Any) -> Any:
    """A path below ``~``, or those of a list or a dict, with the home
    folder."""
    if isinstance(value, str) and (value == '~' or value.startswith('~/')):
        return osp.expanduser(value)
    if type(value) in (list, tuple):
        return type(value)(map(_at_home, value))
    if isinstance(value, dict) and any(
            isinstance(path, str) and path.startswith('~')
            for path in value.values()):
        return type(value)({
            key: _at_home(path)
            for key, path in value.items()
        })
    return value


def _without_arguments(self) -> None:
    """The constructor of a class that has none."""


@lru_cache(maxsize=None)
def _hints(kind: type, init: Callable) -> Dict[str, Any]:
    """The annotations of a constructor that are to be relied on: not those of
    another library."""
    packages = {one.__module__.split('.')[0] for one in (kind, init)}
    if len(packages) > 1 and init is not _without_arguments:
        return {}
    try:
        return get_type_hints(init)
    except NameError:  # annotated with what is imported for type checkers only
        return {}


def _bind(name: str, signature: inspect.Signature, self: Any, args: tuple,
          kwargs: dict) -> Dict[str, Any]:
    """The arguments of the constructor itself, by name."""
    parameters = signature.parameters.values()
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        names = [p.name for p in parameters if p.kind in NAMED][1:]
        for key in kwargs:
            if key not in names:
                close = get_close_matches(key, names, 1)
                hint = f'; did you mean `{close[0]}`?' if close else '.'
                raise MmmixError(f'{name} has no argument `{key}`, but '
                                 f'{", ".join(names) or "none"}{hint}')
    try:
        bound = signature.bind(self, *args, **kwargs)
    except TypeError as error:
        raise MmmixError(f'{name}: {error}.') from None
    return {
        key: value
        for key, value in bound.arguments.items()
        if signature.parameters[key].kind in NAMED
    }


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated kind.

    A number may be Python's or NumPy's, but neither a bool nor a text; it is
    finite, and a whole one has at most 64 bits. A sequence may be any, also a
    1-D array, but not a text. What annotations do not tell, such as of a class
    of another library, fits.

    >>> fits([1, 2], Union[float, Sequence[float]]), fits('1', float)
    (True, False)
    >>> fits('1', Any)
    True
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin in UNIONS:
        return any(fits(value, one) for one in args)
    if hint is bool:
        return isinstance(value, (bool, np.bool_))
    if hint in (int, float):
        number = numbers.Integral if hint is int else numbers.Real
        return isinstance(
            value,
            number) and not isinstance(value, bool) and _is_finite(value)
    kind = origin or hint
    if kind in (str, type(None)):
        return isinstance(value, kind)
    if kind is Any or not isinstance(kind, type):  # one is, since Python 3.11
        return True
    if issubclass(kind, Mapping):
        return isinstance(value, Mapping)
    if issubclass(kind, Sequence):
        return _is_sequence(value) and all(
            any(fits(item, one) for one in args or (Any, )) for item in value)
    return isinstance(value, kind)


def _is_finite(value: Any) -> bool:
    if isinstance(value, numbers.Integral):
        return -2**63 <= value < 2**63  # what tensors and arrays can hold
    return isfinite(value)


def _is_sequence(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def in_words(hint: Any) -> str:
    """What an annotation asks for.

    >>> in_words(Union[int, Sequence[int], None])
    'a whole number, a list of whole numbers or None'
    """
    args = get_args(hint) if get_origin(hint) in UNIONS else (hint, )
    words = [_one_in_words(one) for one in args]
    return ' or '.join(filter(None, (', '.join(words[:-1]), words[-1])))


def _one_in_words(hint: Any) -> str:
    kind = get_origin(hint) or hint
    if kind in KINDS:
        return KINDS[kind]
    if not issubclass(kind, Sequence):
        return f'a {kind.__name__}'
    of = {in_words(one) for one in get_args(hint) if one in KINDS}
    return ' '.join(['a list', *(f'of {one[2:]}s' for one in of)])
