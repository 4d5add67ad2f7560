"""Registries of scope ``mmmix``, each a child of MMPretrain's.

A name that is not found here is looked up in MMPretrain's registry and then in
MMEngine's, so a config can use all three; ``mmmix.Name`` refers to ours under
any default scope. Every registry of MMPretrain has a child here, including
those to which mmmix adds nothing: MMEngine warns about a default scope that
lacks one.
"""
from textwrap import shorten
from typing import Any, Callable, List, Optional, Sequence, Union

from mmengine import registry as roots
from mmengine.registry import Registry as StockRegistry
from mmpretrain import registry as parents

from mmmix.arguments import check_arguments
from mmmix.errors import MmmixError

__all__ = [
    *parents.__all__, 'ATTENTION_EXTRACTORS', 'FUNCTIONS', 'STRATEGIES',
    'as_list', 'build_as', 'class_of', 'is_of', 'type_name'
]


class Registry(StockRegistry):
    """MMEngine's, whose classes check their arguments, also where they are
    built through another registry or called directly; see
    :mod:`mmmix.arguments`."""

    def register_module(
            self,
            name: Optional[Union[str, list]] = None,
            force: bool = False,
            module: Optional[type] = None) -> Union[type, Callable]:
        if module is not None:
            return super().register_module(name, force, _checked(module))
        register = super().register_module(name, force)
        return lambda module: register(_checked(module))


def _checked(module: Any) -> Any:
    return check_arguments(module) if isinstance(module, type) else module


def _child(name: str, location: str) -> Registry:
    parent = getattr(parents, name)
    registry = Registry(parent.name, parent=parent, locations=[location])
    # under mmseg's or mmdet's scope, a name with another scope is looked up
    # among the root's own children, and ours is a child of a child
    registry.root.children.setdefault(registry.scope, registry)
    return registry


# the model
MODELS = _child('MODELS', 'mmmix.models')
BATCH_AUGMENTS = _child('BATCH_AUGMENTS', 'mmmix.models')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS', 'mmmix.models')
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS', 'mmmix.checkpoint')
TASK_UTILS = _child('TASK_UTILS', 'mmmix.models')

# its data
DATASETS = _child('DATASETS', 'mmmix.datasets')
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'mmmix.datasets')
TRANSFORMS = _child('TRANSFORMS', 'mmmix.datasets')

# evaluation and visualization
METRICS = _child('METRICS', 'mmmix.evaluation')
EVALUATORS = _child('EVALUATORS', 'mmmix.evaluation')
VISUALIZERS = _child('VISUALIZERS', 'mmmix.visualization')
VISBACKENDS = _child('VISBACKENDS', 'mmmix.visualization')

# training
HOOKS = _child('HOOKS', 'mmmix.engine')
LOOPS = _child('LOOPS', 'mmmix.engine')
LOG_PROCESSORS = _child('LOG_PROCESSORS', 'mmmix.engine')
OPTIMIZERS = _child('OPTIMIZERS', 'mmmix.engine')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS', 'mmmix.engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS',
                                    'mmmix.engine')
PARAM_SCHEDULERS = _child('PARAM_SCHEDULERS', 'mmmix.engine')
RUNNERS = _child('RUNNERS', 'mmmix.engine')
RUNNER_CONSTRUCTORS = _child('RUNNER_CONSTRUCTORS', 'mmmix.engine')

# MMPretrain has no registry of these
FUNCTIONS = Registry(
    'function', parent=roots.FUNCTIONS, locations=['mmmix.datasets'])
STRATEGIES = Registry(
    'strategy', parent=roots.STRATEGIES, locations=['mmmix.engine'])

# MMPretrain has no such parts either; guides are task utils
ATTENTION_EXTRACTORS = Registry(
    'attention extractor', locations=['mmmix.models'])


def class_of(cfg: dict, registry: StockRegistry) -> Optional[type]:
    """The class that a config names by its ``type``, in its ``_scope_`` if it
    has one; None if it is unknown.

    >>> class_of(dict(type='RandomSampler'), roots.DATA_SAMPLERS) is None
    True
    >>> class_of(dict(type='DefaultSampler'), roots.DATA_SAMPLERS)
    <class 'mmengine.dataset.sampler.DefaultSampler'>
    """
    kind = cfg.get('type')
    if not isinstance(kind, str):
        return kind
    with registry.switch_scope_and_registry(cfg.get('_scope_')) as current:
        return current.get(kind)


def is_of(cfg: dict, registry: StockRegistry, kind: type) -> bool:
    """Whether the class that a config names is of a kind.

    >>> is_of(dict(type='DefaultSampler'), roots.DATA_SAMPLERS, object)
    True
    """
    named = class_of(cfg, registry)
    return isinstance(named, type) and issubclass(named, kind)


def type_name(cfg: dict) -> str:
    """The name of the class that a config names, without scope or package;
    '' if it names none.

    >>> type_name(dict(type='mmmix.CutMix')), type_name(dict(type=Registry))
    ('CutMix', 'Registry')
    """
    kind = cfg.get('type') or ''
    return getattr(kind, '__name__', str(kind)).split('.')[-1]


def as_list(cfgs: Union[dict, Sequence[dict], None]) -> List[dict]:
    """What may be the config of one part, those of several, or None.

    >>> as_list(dict(type='CutMix')), as_list(None)
    ([{'type': 'CutMix'}], [])
    """
    return [cfgs] if isinstance(cfgs, dict) else list(cfgs or ())


def build_as(kind: type, registry: Registry, cfg: dict, where: str):
    """Build a part and check that it is of the required kind.

    Args:
        kind (type): The base class that is required.
        registry (Registry): The registry to build from.
        cfg (dict): Config of the part.
        where (str): The config's key, for the error message.

    Raises:
        MmmixError: If it is not a config with a ``type`` that is known, or
            the part is not an instance of ``kind``.
    """
    name = cfg.get('type') if isinstance(cfg, dict) else None
    if not isinstance(name, (str, type)):
        raise MmmixError(f'`{where}` must be a config of a {kind.__name__}, '
                         f"dict(type='...'), not {shorten(repr(cfg), 80)}.")
    if class_of(cfg, registry) is None:
        raise MmmixError(f'`{where}` has the type {name!r}, but there is '
                         f'no {kind.__name__} of this name.')
    part = registry.build(cfg)
    if not isinstance(part, kind):
        raise MmmixError(f'`{where}` must be of type {kind.__name__}, but '
                         f'{cfg["type"]!r} is not.')
    return part
