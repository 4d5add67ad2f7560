"""Checks that a config mixes where it asks for it."""
from typing import Any, Iterator, List

from mmengine.registry import HOOKS, MODELS
from mmpretrain.engine import SwitchRecipeHook
from mmpretrain.models import (BaseClassifier, ImageClassifier,
                               ImageToImageRetriever)

from mmmix.engine.custom_hooks import custom_hooks
from mmmix.models import MixClassifier, MixDataPreprocessor, RandomMixer
from mmmix.models.requirements import check_requirements
from mmmix.registry import BATCH_AUGMENTS, class_of, is_of, type_name
from .finding import Finding
from .run import Run, is_known

MIXERS = {**BATCH_AUGMENTS.parent.module_dict, **BATCH_AUGMENTS.module_dict}
# whose batches MMPretrain mixes
MIXED = (BaseClassifier, ImageToImageRetriever)
REMEDY = ("Mixing is for classification: train a 'mmmix.MixClassifier', and "
          'fine-tune its weights here.')


def check_preprocessor(run: Run) -> Iterator[Finding]:
    """The data preprocessor of the config is the model's."""
    outer, inner = (
        cfg.get('data_preprocessor') for cfg in (run.cfg, run.cfg.model))
    if outer and inner and outer != inner:
        keys = sorted(key for key in {*outer, *inner}
                      if outer.get(key) != inner.get(key))
        yield Finding(
            f'It is not read, because model.data_preprocessor is given, and '
            f'differs from it in {", ".join(keys)}.', 'data_preprocessor',
            False)


def check_hooks(run: Run) -> Iterator[Finding]:
    """The hooks of the config are a list."""
    run.looking_at = 'custom_hooks'
    custom_hooks(run.cfg)
    yield from ()


def check_mixing(run: Run) -> Iterator[Finding]:
    """What names mixers is read."""
    model = run.cfg.model
    preprocessor = model.get('data_preprocessor') or run.cfg.get(
        'data_preprocessor') or {}
    train_cfg = model.get('train_cfg') or {}
    kind = class_of(model, MODELS)
    if kind is None:
        return  # building the model says so
    if issubclass(kind, MIXED):
        yield from _unmixed(run, kind, preprocessor, train_cfg)
        if (preprocessor.get('batch_augments') and 'augments' in train_cfg
                and not issubclass(kind, MixClassifier)):
            read = 'second' if issubclass(kind, ImageClassifier) else 'first'
            yield Finding(
                'Mixing is named in two places, model.train_cfg and '
                'data_preprocessor.batch_augments, of which '
                f'{kind.__name__} reads the {read} alone: remove one.',
                'model.train_cfg')
        return
    if not is_known(kind):
        return  # it may mix in its own way
    named = _mixers(preprocessor.get('batch_augments'))
    if named:
        yield Finding(
            f'{", ".join(named)} cannot mix for a {kind.__name__}. {REMEDY}',
            'data_preprocessor.batch_augments')
    keys = [
        key for key in ('augments', 'batch_augments') if train_cfg.get(key)
    ]
    if keys:
        yield Finding(
            f'{kind.__name__} does not read {", ".join(keys)}. '
            f'{REMEDY}', 'model.train_cfg')
    for place, _ in switches(run):
        yield Finding(
            f'SwitchRecipeHook cannot switch the mixing of a '
            f'{kind.__name__}. {REMEDY}', place)


def _unmixed(run: Run, kind: type, preprocessor: dict,
             train_cfg: dict) -> Iterator[Finding]:
    """Mixing by a preprocessor that a stock classifier does not ask to."""
    if issubclass(kind, MixClassifier) or not is_of(preprocessor, MODELS,
                                                    MixDataPreprocessor):
        return
    places = [('model.train_cfg', 'augments' in train_cfg),
              ('data_preprocessor.batch_augments',
               preprocessor.get('batch_augments')), *switches(run)]
    place = next((place for place, mixes in places if mixes), None)
    if place:
        yield Finding(
            f'The {kind.__name__} never mixes with a MixDataPreprocessor: set '
            "model.type='mmmix.MixClassifier'.", place)


def check_switches(run: Run) -> Iterator[Finding]:
    """The mixers that a hook switches to suit the model."""
    model = run.model()
    if not isinstance(model, MixClassifier):
        return
    for place, augments in switches(run):
        run.looking_at = place
        before = model.data_preprocessor.batch_augments
        model.data_preprocessor.batch_augments = RandomMixer(**augments)
        check_requirements(model)
        model.data_preprocessor.batch_augments = before
    yield from ()


def switches(run: Run) -> Iterator[tuple]:
    """The mixing that hooks switch to in training, and where the config says
    so."""
    if 'train' not in run.splits:
        return
    for i, hook in enumerate(custom_hooks(run.cfg)):
        if is_of(hook, HOOKS, SwitchRecipeHook):
            for k, recipe in enumerate(hook.get('schedule', ())):
                if recipe.get('batch_augments'):
                    yield (f'custom_hooks.{i}.schedule.{k}',
                           recipe['batch_augments'])


def _mixers(node: Any) -> List[str]:
    """The mixers that are named at any depth of a config."""
    found = []
    if isinstance(node, dict):
        if type_name(node) in MIXERS:
            found.append(type_name(node))
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for child in node:
            found += _mixers(child)
    return found
