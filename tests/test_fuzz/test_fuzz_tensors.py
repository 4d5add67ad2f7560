"""Tensors of any shape, type, layout and content, through the functions,
mixers, label rules and losses."""
import inspect
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from helpers import OLD_TORCH
from hypothesis import given
from hypothesis import strategies as st
from strategies import (COUNTED, LOSSES, MIXERS, RULES, arguments, check_mixed,
                        fuzz, names_in, refusing)

from mmmix import functional
from mmmix.errors import MmmixError
from mmmix.models import MixLinearClsHead
from mmmix.structures import Guidance

# that small images can be mixed by
SMALL = dict(
    AttentiveCutMix=dict(num_cells=1, grid=None),
    AtSite=dict(mixer=dict(type='mmmix.CutMix'), sites=['input']),
    ManifoldMix=dict(sites=['input']),
    MaskMix=dict(scale=1, patch_size=4),
    MixToken=dict(sites=['input']),
    PuzzleMix=dict(grids=(2, )),
    CoMixup=dict(grids=(2, )))
FINITE = ('random', 'constant', 'zeros', 'tiny')
CONTENTS = (*FINITE, 'nan', 'inf', 'huge')
# what they say where they say it of an argument's content
TENSORS = ('inputs', 'labels', 'images', 'image', 'batch', 'grid', 'attention',
           'saliency', 'logits', 'features', 'side', 'guidance')


@dataclass
class Tensors:
    """Draws tensors that belong to one batch."""
    draw: st.DrawFn

    def __post_init__(self):
        draw = self.draw
        self.n = draw(st.sampled_from([1, 2, 3, 4, 5]))
        side = st.sampled_from([1, 2, 3, 7, 8, 12, 16, 17, 24, 33])
        self.size = draw(side), draw(side)
        cells = st.integers(1, 5)
        self.grid = draw(cells), draw(cells)
        self.classes = draw(st.integers(1, 4))
        self.dtype = draw(
            st.sampled_from(
                [torch.float32, torch.float16, torch.bfloat16, torch.float64]))
        self.layout = draw(
            st.sampled_from(['plain', 'channels_last', 'strided']))
        self.seed = draw(st.integers(0, 2**31))
        self.rng = np.random.default_rng(self.seed)
        torch.manual_seed(self.seed)
        self.content = draw(st.sampled_from((*FINITE, *CONTENTS)))
        self.map_content = draw(st.sampled_from((*FINITE, *CONTENTS)))
        self.finite = {self.content, self.map_content} <= {*FINITE}

    def tensor(self, *shape, content='random', positive=False):
        values = torch.rand(shape) if positive else torch.randn(shape)
        if content in ('constant', 'zeros', 'huge', 'tiny'):
            values.fill_(
                dict(constant=0.5, zeros=0., huge=6e4, tiny=1e-7)[content])
        elif content in ('nan', 'inf') and values.numel():
            values.view(-1)[self.rng.integers(values.numel())] = float(content)
        values = values.to(self.dtype)
        if self.layout == 'strided' and values.ndim:
            values = values.repeat_interleave(2, -1)[..., ::2]
        elif self.layout == 'channels_last' and values.ndim == 4:
            values = values.contiguous(memory_format=torch.channels_last)
        return values

    @property
    def inputs(self):
        return self.tensor(self.n, 3, *self.size, content=self.content)

    @property
    def labels(self):
        if self.seed % 2:
            return self.tensor(self.n, self.classes).float().softmax(1)
        return torch.eye(self.classes)[torch.arange(self.n) % self.classes]

    @property
    def source(self):
        return torch.from_numpy(self.rng.permutation(self.n))

    def map(self, *shape):
        return self.tensor(*shape, content=self.map_content, positive=True)

    @property
    def attention(self):
        return self.map(self.n, *self.grid)

    def boxes(self, size):
        corners = [
            np.sort(self.rng.integers(0, side + 1, (self.n, 2)), 1)
            for side in size
        ]
        return torch.from_numpy(np.stack(corners, 2).reshape(self.n, 4))

    @property
    def guidance(self):
        # as guides give it
        return Guidance(
            attention=self.attention.float(),
            logits=self.tensor(self.n, self.classes,
                               content=self.map_content).float(),
            saliency=self.map(self.n, *self.size).float(),
            features=self.tensor(
                self.n, 8, *self.grid, content=self.map_content).float(),
            label_maps=self.map(self.n, self.classes,
                                *self.grid).float().softmax(1),
            classifier=lambda images: images.float().mean(
                (1, 2, 3))[:, None].expand(-1, self.classes))


def build(data, parts, name):
    """A part with some arguments that it accepts, and their names."""
    values = data.draw(
        st.one_of(st.just({}), arguments(parts[name], 0)), label=name)
    values = values or SMALL.get(name, {})
    try:
        part = parts[name](**values)
    except (MmmixError, ValueError):
        values = SMALL.get(name, {})
        part = parts[name](**values)
    return part, [*names_in(dict(values, type=f'mmmix.{name}')), *TENSORS]


def mix(mixer, tensors, guidance):
    inputs = tensors.inputs
    more = dict(grids=dict.fromkeys(mixer.sites, tensors.grid)) if hasattr(
        mixer, 'sites') else {}
    params = mixer.sample(tensors.rng, tensors.n, tensors.size, **more)
    before = inputs.clone()
    mixed = mixer.mix(inputs, tensors.labels, params, guidance)
    mixed.rng = tensors.rng
    torch.testing.assert_close(
        inputs, before, rtol=0, atol=0, equal_nan=True)  # not modified
    return mixed, inputs


@pytest.mark.parametrize('name', MIXERS)
@fuzz(few=8, share=0.5 / len(MIXERS))
@given(data=st.data())
def test_mixers_mix_any_tensors(name, data):
    tensors = Tensors(data.draw)
    mixer, names = build(data, MIXERS, name)
    COUNTED['tensors'] += 1
    with refusing(names):
        mixed, inputs = mix(mixer, tensors, tensors.guidance)
        if tensors.finite:
            check_mixed(mixed, inputs, mixed.labels)


@pytest.mark.parametrize('name', [*RULES, *LOSSES])
@fuzz(few=6, share=0.25 / len([*RULES, *LOSSES]))
@given(data=st.data())
def test_label_rules_and_losses_take_any_tensors(name, data):
    tensors = Tensors(data.draw)
    part, names = build(data, {**RULES, **LOSSES}, name)
    kinds = getattr(part, 'kinds', {'soft'})
    mixer = data.draw(
        st.sampled_from([
            key for key in ('CutMix', 'Mixup', 'FMix', 'SMMix', 'MaskMix',
                            'SmoothMix', 'ResizeMix', 'PuzzleMix')
            if MIXERS[key].kind in kinds
        ]))
    mixer = MIXERS[mixer](**SMALL.get(mixer, {}))
    COUNTED['tensors'] += 1
    with refusing([*names, *names_in(dict(type=type(mixer).__name__))]):
        guidance = tensors.guidance
        mixed, _ = mix(mixer, tensors, guidance)
        logits = tensors.tensor(
            tensors.n, tensors.classes, content=tensors.map_content)
        if name in RULES:
            found = part(logits, mixed, guidance, tensors.attention)
            found = found if isinstance(found, tuple) else (found, )
            assert all(f.shape in ((tensors.n, ), ()) for f in found)
        else:
            head = MixLinearClsHead(num_classes=tensors.classes, in_channels=8)
            if hasattr(part, 'prepare'):
                part.prepare(head)
            mixed.unmixed_logits = logits
            tokens = tensors.tensor(tensors.n, 8, *tensors.grid)
            found = (part(head, logits, mixed) if name == 'GeneratorLoss' else
                     part(head, logits, mixed, guidance, tokens), )
        huge = abs(getattr(part, 'loss_weight', 0)) > 1e30
        if tensors.finite and not huge:
            assert all(f.isfinite().all() for f in found)


def given_to(function, tensors):
    """The arguments of a function by their names."""
    n, size, grid, k = (tensors.n, tensors.size, tensors.grid, tensors.classes)
    weight = torch.rand(n)
    known = dict(
        inputs=lambda: tensors.inputs,
        images=lambda: tensors.tensor(
            n, *((3, ) if function is functional.grey_levels else ()), *size),
        grey=lambda: tensors.map(n, *size),
        source=lambda: tensors.source,
        lam=lambda: weight,
        labels=lambda: tensors.labels.to(tensors.dtype),
        probabilities=lambda: torch.softmax(tensors.map(n, k).float(), 1).to(
            tensors.dtype),
        values=lambda: tensors.map(n, k),
        weight=lambda: torch.rand(n, *grid),
        weights=lambda: tensors.tensor(n, 8),
        tokens=lambda: tensors.tensor(n, 8, *grid),
        maps=lambda: tensors.map(
            n, *(()
                 if function is functional.above_threshold else (k, )), *grid),
        pasted=lambda: tensors.map(n, k, *grid),
        attention=lambda: tensors.attention,
        saliency=lambda: tensors.attention,
        priority=lambda: tensors.attention,
        source_attention=lambda: tensors.attention,
        target_attention=lambda: tensors.attention,
        energy=lambda: tensors.attention,
        activation=lambda: tensors.attention,
        shown=lambda: torch.rand(n, *grid) > 0.5,
        mask=lambda: torch.rand(n, *size) > 0.5
        if function is functional.paste_masked else torch.rand(
            n, *(size if function is functional.paste_soft else grid)),
        source_mask=lambda: torch.rand(n, *grid),
        target_mask=lambda: torch.rand(n, *grid),
        boxes=lambda: tensors.boxes(size),
        source_boxes=lambda: tensors.boxes(size),
        target_boxes=lambda: tensors.boxes(size),
        box=lambda: tensors.boxes(size)[0].tolist(),
        half=lambda: torch.from_numpy(tensors.rng.integers(0, 9, (n, 2))),
        sizes=lambda:
        [int(tensors.rng.integers(0, side + 1)) for side in grid],
        mode=lambda: 'max',
        centre=lambda: torch.from_numpy(tensors.rng.integers(0, 9, (n, 2))),
        sigma=lambda: torch.rand(n) + 0.1
        if function is functional.gaussian_masks else 0.5,
        shape=lambda: 'square',
        query=lambda: tensors.tensor(
            n,
            2,
            *(() if function is functional.class_attention else (5, )),
            4,
            content=tensors.content),
        key=lambda: tensors.tensor(n, 2, 5, 4, content=tensors.content),
        grid=lambda: grid,
        image_size=lambda: size,
        cells=lambda: torch.randint(grid[0] * grid[1], (n, *grid)),
        cell=lambda: (3, 2),
        hole=lambda: (1, 1),
        count=lambda: torch.from_numpy(tensors.rng.integers(0, 9, n)),
        distance_cost=lambda: 0.8,
        noise=lambda: tensors.tensor(n, 2, *size),
        delta=lambda: 3.,
        num_classes=lambda: k,
        tensor=lambda: tensors.inputs,
        device=lambda: torch.device('cpu'))
    needed = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty
    ]
    return {name: known[name]() for name in needed}


# whose arguments belong together, and which the mixers and guides call
BY_MIXERS = {
    'cut_grid', 'dense_maps', 'in_cache', 'puzzle_costs', 'share_cells',
    'top_share_masks', 'two_column_length'
}

FUNCTIONS = sorted({*functional.__all__} - BY_MIXERS)


@pytest.mark.parametrize('name', FUNCTIONS)
@fuzz(few=3, share=0.25 / len(FUNCTIONS))
@given(data=st.data())
def test_functions_take_any_tensors(name, data):
    function = getattr(functional, name)
    tensors = Tensors(data.draw)
    values = given_to(function, tensors)
    COUNTED['tensors'] += 1
    try:
        found = function(**values)
    except MmmixError:
        return
    except RuntimeError as error:
        if not (OLD_TORCH and "not implemented for 'Half'" in str(error)):
            raise
        return
    if tensors.finite and name != 'area_attention_lambda':
        found = found if isinstance(found, tuple) else (found, )
        assert all(
            torch.isfinite(f).all() for f in found
            if isinstance(f, torch.Tensor))
