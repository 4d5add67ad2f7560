"""What the fuzz tests draw: parts from the registries, arguments from their
signatures, tensors, and damaged bytes."""
import inspect
import math
import os
import re
import typing
from collections import Counter
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from mmengine.config import ConfigDict

from mmmix.cli.errors import user_message
from mmmix.errors import MmmixError
from mmmix.models import AttentionMap, Guide, LabelRule, MixLoss
from mmmix.models.heads.mix_head import MixHead
from mmmix.models.losses import GeneratorLoss
from mmmix.registry import (BATCH_AUGMENTS, DATASETS, MODELS, TASK_UTILS,
                            Registry)
from mmmix.structures import Guidance

COUNT = int(os.environ.get('FUZZ_COUNT', 0))  # inputs a family, 0: a few
COUNTED = Counter()  # inputs that were tried, by family


def fuzz(few, share=1):
    """Settings of a test that has this share of its family's inputs, and so
    many where no number of inputs is asked for."""
    many = math.ceil(COUNT * share)
    return settings(
        max_examples=many or few,
        derandomize=not many,  # the same inputs in every run
        database=None,
        deadline=None,
        suppress_health_check=[*HealthCheck])


@contextmanager
def refusing(names):
    """What may happen: success, a MmmixError that names one of the arguments,
    or what the tools print of missing files."""
    try:
        yield
    except MmmixError as error:
        assert any(
            re.search(rf'\b{re.escape(name)}\b', str(error))
            for name in names), f'names no argument: {error}'
    except Exception as error:
        if user_message(error) is None:
            raise


# the parts


def registered(registry: Registry, *kinds):
    """Our own parts in a registry, of some kinds, by name."""
    registry.import_from_location()
    return {
        name: part
        for name, part in sorted(registry.module_dict.items())
        if part.__module__.startswith('mmmix.') and (
            not kinds or issubclass(part, kinds))
    }


MIXERS = registered(BATCH_AUGMENTS)
GUIDES = registered(TASK_UTILS, Guide)
MAPS = registered(TASK_UTILS, AttentionMap)
RULES = registered(MODELS, LabelRule)
LOSSES = registered(MODELS, MixLoss, GeneratorLoss)
HEADS = registered(MODELS, MixHead)
DATA_SETS = registered(DATASETS)
PARTS = {**MIXERS, **GUIDES, **MAPS, **RULES, **LOSSES, **HEADS, **DATA_SETS}
REGISTRIES = {
    **dict.fromkeys(MIXERS, BATCH_AUGMENTS),
    **dict.fromkeys((*GUIDES, *MAPS), TASK_UTILS),
    **dict.fromkeys((*RULES, *LOSSES, *HEADS), MODELS),
    **dict.fromkeys(DATA_SETS, DATASETS)
}

# their arguments

WRONG = st.sampled_from([
    None, True, False, 0, 1, -1, 2, 3, 7, 0.5, 1.5, -0.5, math.nan, math.inf,
    -math.inf, 1e-320, 1e308, 10**30, -10**30, '', 'x', 'nan', '1', b'x',
    object(), [], (), {}, [0.5], [1, 2], [2, 1], [0.2, 0.5], [0.5, 0.2],
    [1, 2, 3], [math.nan, 1], [[1]], ['x'], [None], {
        'type': 'mmmix.Nothing'
    }, {
        'type': 3
    }, {
        'a': 1
    },
    np.float32(0.5),
    np.int64(2),
    np.ones(2),
    np.array([]),
    torch.ones(2)
])
NUMBERS = st.one_of(
    st.sampled_from([0, 1, 2, 3, 4, 8, 0.1, 0.25, 0.5, 0.9, 1., 2.]),
    st.floats(0, 1), st.floats(-2, 8))
WHOLE = st.one_of(
    st.sampled_from([1, 2, 4, 8]), st.integers(-1, 20), st.integers(0, 300))
CLASSIFIER = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='mmpretrain.VisionTransformer',
        arch=dict(
            embed_dims=8, num_layers=1, num_heads=1, feedforward_channels=8),
        img_size=(16, 24),
        patch_size=8,
        out_type='raw'),
    head=dict(
        type='mmmix.MixVisionTransformerClsHead', num_classes=3,
        in_channels=8))
# right values that no annotation tells
EXAMPLES = dict(
    config=[dict(model=CLASSIFIER)],
    sites=[['input'], ['layer1'], ['input', 'layer1']],
    classes=[[0, 1, 2], [2, 1, 0], ['a', 'b']],
    loss=[
        dict(type='mmpretrain.LabelSmoothLoss', label_smooth_val=0.1),
        dict(type='mmmix.GeneratorLoss')
    ],
    feature_layer=['layers.0'],
    num_classes=[3],
    in_channels=[8],
    num_images=[1, 5],
    size=[16, 32, (16, 20)],
    pipeline=[[], [dict(type='mmmix.LoadImage')]],
    data_root=['data', 'missing'],
    data_prefix=['', dict(img_path='train'), 'train'],
    ann_file=['', 'list.txt', 'missing.txt'],
    classes_of=['data/train', 'missing'],
    wnids=[['n01440764', 'n01443537']],
    mix_losses=[
        dict(fine=dict(type='mmmix.FineGrainedLoss')),
        dict(cls=dict(type='mmmix.UnmixedLoss')),
        dict(a=None)
    ])
# memory and time that are the user's to spend
LIMITS = dict(
    num_images=20, size=64, max_refetch=3, num_classes=300, in_channels=300)


def parameters(kind):
    """Parameters of a class by name, also those passed on to its parents."""
    found = {}
    for parent in kind.__mro__:
        if '__init__' not in vars(parent):
            continue
        init = inspect.unwrap(parent.__init__)
        hints = typing.get_type_hints(init)
        own = [*inspect.signature(init).parameters.values()][1:]
        for p in own:
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY):
                found.setdefault(p.name, (p, hints.get(p.name)))
        if not any(p.kind == p.VAR_KEYWORD for p in own):
            break
    return found


def fitting(annotation, words, depth):
    """Values as an annotation has them, in their range or not."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Union:
        return st.one_of([fitting(one, words, depth) for one in args])
    if annotation is type(None):
        return st.none()
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        return WHOLE
    if annotation is float:
        return NUMBERS
    if annotation is str:
        return st.sampled_from(words) if words else st.just('x')
    if annotation is dict or origin is dict:
        return configs(depth)
    if isinstance(origin or annotation, type) and issubclass(
            origin or annotation, (typing.Sequence, tuple, list)):
        item = fitting(args[0], words, depth) if args else WRONG
        return st.lists(
            item, max_size=3).flatmap(
                lambda drawn: st.sampled_from([drawn, tuple(drawn)]))
    return WRONG


def arguments(kind, depth=1):
    """Keyword arguments of a part, some of them wrong."""
    words = sorted({*re.findall(r"'([\w.-]+)'", inspect.getdoc(kind) or '')})
    needed, others = {}, {'no_such_argument': WRONG}
    for name, (parameter, annotation) in parameters(kind).items():
        values = fitting(annotation, words, depth)
        right = [values] * 4
        if name in EXAMPLES:
            right = [values, *[st.sampled_from(EXAMPLES[name])] * 6]
        both = st.one_of(*right, WRONG)
        if name in LIMITS:
            both = both.filter(partial(_within, LIMITS[name]))
        optional = parameter.default is not parameter.empty
        (others if optional else needed)[name] = both
    # three in four name no wrong argument and leave out no needed one
    usual = dict(others)
    wrong = usual.pop('no_such_argument')
    return st.one_of(*[_some(needed, usual)] * 7,
                     _some({}, dict(needed, **usual, no_such_argument=wrong)))


def _within(most, value):
    return not (isinstance(value, (int, float)) and value > most)


@st.composite
def _some(draw, needed, others):
    few = draw(
        st.lists(st.sampled_from([*others]), max_size=3, unique=True
                 ) if others else st.just([]))
    return {
        name: draw(values)
        for name, values in {
            **needed,
            **{
                name: others[name]
                for name in few
            }
        }.items()
    }


def configs(depth=1):
    """Configs of any part."""
    if not depth:
        return st.sampled_from([dict(type=f'mmmix.{name}') for name in PARTS])
    return st.sampled_from(
        [*PARTS]).flatmap(lambda name: arguments(PARTS[name], depth - 1).map(
            lambda given: ConfigDict(dict(given, type=f'mmmix.{name}'))))


def names_in(given):
    """All names of arguments, those of nested configs included."""
    if isinstance(given, dict):
        kind = str(given.get('type')).split('.')[-1]
        yield kind
        yield from parameters(PARTS[kind]) if kind in PARTS else ()
        for name, value in given.items():
            yield str(name)
            yield from names_in(value)
    elif isinstance(given, (list, tuple)):
        for value in given:
            yield from names_in(value)


# what they work on

SIZE, CLASSES = (16, 24), 3


def some_guidance(n=4, grid=(2, 3), classes=CLASSES, size=SIZE):
    """All words that a guide can be asked for."""
    return Guidance(
        attention=torch.rand(n, *grid),
        logits=torch.randn(n, classes),
        saliency=torch.rand(n, *size),
        features=torch.randn(n, 8, *grid),
        label_maps=torch.rand(n, classes, *grid).softmax(1),
        classifier=lambda images: images.mean(
            (1, 2, 3))[:, None] + torch.zeros(classes))


def check_mixed(mixed, inputs, labels):
    """What holds for every mixed batch of finite images."""
    assert mixed.inputs.shape == inputs.shape
    assert mixed.inputs.dtype == inputs.dtype
    if inputs.isfinite().all():
        assert mixed.inputs.isfinite().all()
    assert mixed.source.min() >= 0 and mixed.source.max() < len(inputs)
    assert (mixed.lam >= 0).all() and (mixed.lam <= 1 + 1e-5).all()
    assert (mixed.mask >= -1e-5).all() and (mixed.mask <= 1 + 1e-5).all()
    mixed_labels = mixed.mixed_labels()
    assert mixed_labels.shape == labels.shape
    torch.testing.assert_close(
        mixed_labels.float().sum(1),
        labels.float().sum(1),
        atol=1e-2,
        rtol=1e-2)
