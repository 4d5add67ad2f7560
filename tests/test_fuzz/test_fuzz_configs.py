"""Small classifiers composed of any parts, trained for one step: a
combination is refused by name, or it trains."""
import pytest
import torch
from helpers import batch, cnn_config, vit_config
from hypothesis import given
from hypothesis import strategies as st
from strategies import (COUNTED, GUIDES, LOSSES, MAPS, MIXERS, RULES,
                        arguments, fuzz, names_in, refusing)
from test_fuzz_tensors import SMALL

from mmmix.registry import MODELS

# one gradient step of a model needs no other file
READS_FILES = ('FrozenGuide', )
# what is refused of a combination rather than of an argument
COMBINED = ('guide', 'backbone', 'neck', 'head', 'augments', 'probs',
            'mix_losses', 'label_rule', 'samples', 'images', 'batch',
            'EMAGuideHook', 'loss')


def config_of(*groups):
    """A config of a part, usually with default arguments."""
    parts = {
        name: part
        for group in groups
        for name, part in group.items() if name not in READS_FILES
    }
    return st.sampled_from([*parts]).flatmap(lambda name: st.one_of(
        *[st.just(SMALL.get(name, {}))] * 3, arguments(parts[name], 0)).map(
            lambda given: dict(given, type=f'mmmix.{name}')))


@st.composite
def configs(draw):
    augments = draw(st.lists(config_of(MIXERS), min_size=1, max_size=3))
    losses = {
        f'loss{i}': loss
        for i, loss in enumerate(
            draw(st.lists(config_of(LOSSES), max_size=2)))
    }
    guide = draw(st.none() | config_of(GUIDES))
    if guide and draw(st.booleans()) and 'attention_map' not in guide:
        if guide['type'] in ('mmmix.SelfGuide', 'mmmix.EMAGuide'):
            guide['attention_map'] = draw(config_of(MAPS))
    probs = draw(st.none() | st.just([1 / len(augments)] * len(augments))
                 | st.lists(st.floats(-0.1, 1.1), max_size=3))
    rule = draw(st.none() | config_of(RULES))
    loss = draw(
        st.sampled_from([
            dict(type='mmpretrain.CrossEntropyLoss', use_soft=True),
            dict(type='mmpretrain.LabelSmoothLoss', label_smooth_val=0.1),
            dict(type='mmpretrain.CrossEntropyLoss', use_sigmoid=True)
        ]))
    family = draw(st.sampled_from([vit_config, cnn_config]))
    size = draw(st.sampled_from([(32, 32), (32, 48), (16, 40)]))
    return size, family(
        augments,
        losses,
        img_size=size,
        guide=guide,
        probs=probs,
        head=dict(label_rule=rule, loss=loss))


@pytest.mark.filterwarnings('ignore')
@fuzz(few=30)
@given(configs(), st.integers(1, 5), st.booleans())
def test_any_classifier_is_refused_or_trains(drawn, n, other_size):
    size, cfg = drawn
    if other_size and size == (32, 48):
        size = (24, 40)
    COUNTED['configs'] += 1
    torch.manual_seed(n)
    with refusing([*names_in(cfg), *COMBINED]):
        model = MODELS.build(cfg).train()
        data = model.data_preprocessor(batch(n, size), training=True)
        losses = model(**data, mode='loss')
        loss, logged = model.parse_losses(losses)
        loss.backward()
        assert loss.isfinite() and all(value.isfinite()
                                       for value in logged.values())
        assert all(p.grad is None or p.grad.isfinite().all()
                   for p in model.parameters())
        model.eval()
        with torch.no_grad():
            logits = model.head(model.extract_feat(torch.rand(1, 3, *size)))
        assert logits.isfinite().all()
