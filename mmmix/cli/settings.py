"""Options of a tool that are the fields of a dataclass."""
import argparse
import re
from dataclasses import fields
from inspect import getdoc
from typing import Any, Literal, get_args, get_origin, get_type_hints


def add_settings(parser: argparse.ArgumentParser, kind: type, *names:
                 str) -> None:
    """Add an option for fields of a dataclass: type, choices and default are
    the field's, the help is what the docstring says of it under Args.

    Args:
        parser (ArgumentParser): Gets the options.
        kind (type): The dataclass.
        *names (str): Some of its fields, of which each has a default.
            Defaults to all.
    """
    hints = get_type_hints(kind)
    for field in fields(kind):
        if names and field.name not in names:
            continue
        text = re.search(rf'^ +{field.name} \(.*?\): (.*?)(?=\n    \S|\n\n)',
                         getdoc(kind), re.DOTALL | re.MULTILINE)[1]
        parser.add_argument(
            f'--{field.name.replace("_", "-")}',
            default=field.default,
            help=' '.join(text.split()),
            **_parsing(hints[field.name]))


def _parsing(hint: Any) -> dict:
    """The arguments of ``add_argument`` that a type stands for."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is bool:
        return dict(action='store_true')
    if origin is Literal:
        return dict(choices=inner)
    if origin is tuple:
        return dict(nargs=len(inner), type=inner[0])
    if origin is not None:  # a sequence
        return dict(_parsing(inner[0]), nargs='+')
    return dict(type=hint)


def read_settings(args: argparse.Namespace, kind: type, **others) -> Any:
    """The dataclass with the values of the options of its fields' names, and
    with other values."""
    given = vars(args)
    values = {f.name: given[f.name] for f in fields(kind) if f.name in given}
    return kind(**{**values, **others})
