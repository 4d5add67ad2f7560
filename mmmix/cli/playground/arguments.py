"""The arguments of a part, as what a page asks for.

Names, types and defaults come from the signature, ranges, choices and words
of help from the docstring, so that a new part needs nothing more.
"""
import ast
import inspect
import math
import re
import typing
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from mmmix.cli.methods import mixer_names
from mmmix.errors import MmmixError

OPEN_TOP = 4  # sliders end at so many times the default where no end is known
STEPS = 100  # of a slider


@dataclass(frozen=True)
class Argument:
    """An argument of a part.

    Attributes:
        name (str): Its name.
        default (Any): Its default.
        kind (str): 'number', 'range' (two numbers, the lowest and the
            highest), 'switch' (bool), 'choice' (a name), 'part' (a name that
            stands for the config of a part) or 'text' (a Python value).
        help (str): What it is.
        low, high, step (float): Of a number or range.
        choices (tuple[str]): The names it may have; of a part, '' for None
            comes first.
    """
    name: str
    default: Any
    kind: str
    help: str = ''
    low: float = 0.
    high: float = 1.
    step: float = .01
    choices: Tuple[str, ...] = ()

    def read(self, value: Any) -> Any:
        """The argument that a control's value stands for.

        Raises:
            MmmixError: If it is a text that is no Python value, or no number
                where one is needed.

        >>> Argument('sides', (0.1, 0.8), 'text').read('0.2, .7')
        (0.2, 0.7)
        """
        if self.kind == 'text':
            return self._parsed(value)
        if self.kind == 'part':
            return dict(type=f'mmmix.{value}') if value else None
        if self.kind in ('switch', 'choice'):
            return value
        numbers = value if self.kind == 'range' else [value]
        if any(number is None for number in numbers):
            raise MmmixError(f'`{self.name}` is a number: enter one, such as '
                             f'{self.default!r}.')
        numbers = [self._typed(number) for number in numbers]
        return tuple(numbers) if self.kind == 'range' else numbers[0]

    def _typed(self, number: float) -> Union[int, float]:
        # sliders return 0.30000000000000004
        return int(number) if isinstance(self.step, int) else round(number, 10)

    def _parsed(self, text: Any) -> Any:
        """Numbers, names, None and lists of them: a dict could name anything
        to be built."""
        text = str(text).strip()
        if not text:
            return self.default
        try:
            value = ast.literal_eval(text)
        except (SyntaxError, ValueError, MemoryError, RecursionError,
                TypeError):
            value = ...
        items = value if isinstance(value, (list, tuple)) else [value]
        if not all(
                isinstance(item, (bool, int, float, str, type(None)))
                for item in items):
            raise MmmixError(
                f'`{self.name}` must be a Python value, such as 0.5, '
                f"(0.2, 0.8), ['input', 'layer1'] or None, not {text!r}.")
        return value


def arguments_of(kind: type) -> List[Argument]:
    """The arguments of a class, in the order of its signature.

    >>> from mmmix.models import CutMix, SMMix
    >>> [(a.name, a.kind) for a in arguments_of(SMMix)][:2]
    [('delta', 'range'), ('per_image', 'switch')]
    >>> arguments_of(CutMix)[-2].choices
    ('shuffle', 'flip', 'distinct')
    """
    documented = _documented(kind)
    found = []
    for parameter in inspect.signature(kind).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        argument = _argument(parameter, documented.get(parameter.name, ''))
        if argument is not None:
            found.append(_without_refused(argument, kind))
    return found


def config_of(name: str, kind: type, values: Dict[str, Any]) -> dict:
    """The config of a part: its type, and the arguments that differ from the
    defaults.

    Args:
        name (str): Its name in the registry, with scope.
        kind (type): Its class.
        values (dict): Values of controls, by the name of the argument.

    Raises:
        MmmixError: See :meth:`Argument.read`.

    >>> from mmmix.models import SMMix
    >>> config_of('mmmix.SMMix', SMMix, dict(delta=[0.25, 0.5], grid='None'))
    {'type': 'mmmix.SMMix', 'delta': (0.25, 0.5)}
    """
    cfg = dict(type=name)
    for argument in arguments_of(kind):
        if argument.name not in values:
            continue
        value = argument.read(values[argument.name])
        default = argument.default
        if isinstance(default, list):
            default = tuple(default)
        if value != default:
            cfg[argument.name] = value
    return cfg


def _documented(kind: type) -> Dict[str, str]:
    """What the docstring says of each argument, or that of a parent class to
    which it points."""
    found: Dict[str, str] = {}
    for one in kind.__mro__:
        text = inspect.cleandoc(one.__doc__ or '')
        section = re.search(r'^Args:\n((?: {4}.*\n?|\n)*)', text, re.M)
        for names, description in re.findall(
                r'^ {4}([\w, ]+) \([^)]*\): ((?:.*\n?)(?:^ {8}.*\n?|^\n)*)',
                section[1] if section else '', re.M):
            for name in names.split(', '):
                if found.get(name, 'See').startswith('See'):
                    found[name] = ' '.join(description.split())
    return found


def _argument(parameter: inspect.Parameter, text: str) -> Optional[Argument]:
    """None for one that a page cannot ask for."""
    name, default = parameter.name, parameter.default
    types = {parameter.annotation, *typing.get_args(parameter.annotation)}
    common = dict(name=name, default=default, help=_first_sentence(text))
    if default is parameter.empty:
        return None
    if dict in types:
        return Argument(
            kind='part', choices=('', *mixer_names()), **
            common) if name == 'mixer' else None
    if isinstance(default, bool):
        return Argument(kind='switch', **common)
    choices = tuple(dict.fromkeys(re.findall(r"'(\w+)'", text)))
    if isinstance(default, str) and {default} < {*choices}:
        return Argument(kind='choice', choices=choices, **common)
    numbers = _numbers(default)
    pair = len(numbers) == 2 and types & {Sequence[float], Sequence[int]}
    if numbers and (pair or not isinstance(default, (tuple, list))):
        whole = all(isinstance(number, int) for number in numbers) and \
            not types & {float, Sequence[float]}
        low, high, step = _limits(text, numbers, whole)
        return Argument(
            kind='range' if pair else 'number',
            low=low,
            high=high,
            step=step,
            **common)
    return Argument(kind='text', **common)


def _without_refused(argument: Argument, kind: type) -> Argument:
    """Without names that belong to another argument, of which the
    description speaks, too."""
    if argument.kind != 'choice':
        return argument
    choices = []
    for choice in argument.choices:
        try:
            kind(**{argument.name: choice})
        except MmmixError as error:
            if f'`{argument.name}` must be one of' in str(error):
                continue
        choices.append(choice)
    return replace(argument, choices=tuple(choices))


def _numbers(default: Any) -> List[Union[int, float]]:
    """A default as numbers; none if it is anything else."""
    values = default if isinstance(default, (tuple, list)) else [default]
    if any(
            isinstance(v, bool) or not isinstance(v, (int, float))
            for v in values):
        return []
    return [*values]


def _limits(text: str, numbers: Sequence[Union[int, float]],
            whole: bool) -> Tuple[float, float, float]:
    """Ends and step of a slider: those that the docstring tells, where it
    does."""
    low, high, above = 0., None, False  # type: float, Optional[float], bool
    interval = re.search(r'\b(?:[Ii]n|of) ([\[(])(-?[\d.]+), (-?[\d.]+)[\])]',
                         text)
    if interval:
        above = interval[1] == '('
        low, high = float(interval[2]), float(interval[3])
    elif re.search(r'(?<![-\w])[Pp]ositive', text):
        above = True
    least = re.search(r'(?:at least|\bfrom) (\d+(?:\.\d+)?)\b', text)
    if least and not interval:
        low, above = float(least[1]), False
    if high is None:
        high = max(OPEN_TOP * max(numbers), low + 1)
    if whole:
        return int(low) + int(above), math.ceil(high), 1
    step = 10.**math.floor(math.log10((high - low) / STEPS) + 1e-9)
    while any(abs(n / step - round(n / step)) > 1e-6
              for n in numbers) and step > 1e-6:
        step /= 10
    step = float(f'{step:.1g}')
    return low + step if above else low, float(high), step


def _first_sentence(text: str) -> str:
    """The first sentence of a description, without markup."""
    text = re.sub(r':\w+:`~?([^`<]*?)`', lambda m: m[1].split('.')[-1], text)
    text = re.sub(r'\s*Defaults\s+to.*', '', text)
    text = '' if text.startswith('See above') else text
    text = text.replace('`', '').replace('*', '\u00d7')
    return re.split(r'(?<=\.)\s+(?=[A-Z])', text)[0]


def summary_of(kind: type) -> str:
    """The first paragraph of a class's docstring."""
    return ' '.join(
        inspect.cleandoc(kind.__doc__ or '').split('\n\n')[0].split())
