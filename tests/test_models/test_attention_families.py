"""What every family must support: weight exchange, training, its maps."""
import copy

import pytest
import torch
from families import (FAMILIES, TRANSFORMERS, WITH_CLASS_ATTENTION, each,
                      needs_timm, recorded, small_backbone)
from helpers import (ARCH, BOTH_LOSSES, SMMIX, batch, build, compiling,
                     train_losses)
from mmengine.optim import OptimWrapper
from mmpretrain.models import build_backbone

from mmmix.models import TopDown, find_extractor
from mmmix.registry import ATTENTION_EXTRACTORS

CUTMIX = dict(type='mmmix.CutMix', alpha=1.)
TRANSMIX = dict(type='mmmix.TransMixLabel')


def images(family, n=2):
    return torch.rand(n, 3, *FAMILIES[family].size)


@pytest.mark.parametrize(
    'family',
    each(*(name for name, f in FAMILIES.items() if f.stock is not None)))
def test_weights_travel_to_and_from_the_stock_model(family):
    """Strictly, and the logits are the same."""
    ours = FAMILIES[family].config([SMMIX])
    stock = FAMILIES[family].stock_config()
    inputs = images(family)
    for source, target in ((ours, stock), (stock, ours)):
        source, target = build(source).eval(), build(target).eval()
        target.load_state_dict(source.state_dict(), strict=True)
        with torch.no_grad():
            assert torch.equal(source(inputs), target(inputs))


@pytest.mark.parametrize('family', ['pvt', 'ca_swin'])
def test_weights_travel_between_output_forms(family):
    ours = FAMILIES[family].config([SMMIX])
    other = FAMILIES[family].config([CUTMIX])
    other['backbone']['out_type'], other['neck'] = 'cls_token', None
    inputs = images(family)
    for source, target in ((ours, other), (other, ours)):
        source, target = build(source).eval(), build(target).eval()
        target.load_state_dict(source.state_dict(), strict=True)
        with torch.no_grad():
            assert torch.equal(source(inputs), target(inputs))


def step(config, size):
    model = build(config)
    losses, _ = train_losses(model, batch(5, size))
    total, _ = model.parse_losses(losses)
    total.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    return set(losses)


@pytest.mark.parametrize('family', WITH_CLASS_ATTENTION)
def test_a_step_with_the_class_attention_of_the_mix(family):
    family = FAMILIES[family]
    assert step(family.config([CUTMIX], TRANSMIX), family.size) == {'loss_cls'}


@pytest.mark.parametrize('family', TRANSFORMERS)
def test_a_step_with_a_guided_mix_and_every_loss(family):
    family = FAMILIES[family]
    assert step(family.config([SMMIX], None, BOTH_LOSSES),
                family.size) == {'loss_cls', 'loss_fine', 'loss_consistency'}


@pytest.mark.parametrize('family', TRANSFORMERS)
def test_maps_and_tokens_have_the_grid(family):
    inputs = images(family)
    extractor, args = recorded(small_backbone(family), inputs)
    grid = extractor.grid(inputs.shape[-2:])
    assert grid[0] != grid[1] and extractor.image_size == FAMILIES[family].size
    maps = [extractor.bottom_up(*args)]
    if extractor.has_class_attention:
        maps.append(extractor.class_attention(*args))
    for one in maps:
        assert one.shape == (2, *grid) and one.dtype == torch.float32
        assert one.min() >= 0 and one.sum((1, 2)).max() <= 1 + 1e-5
    channels = FAMILIES[family].channels
    assert extractor.tokens(*args).shape == (2, channels, *grid)
    assert torch.equal(
        extractor.tokens(*args), extractor.patch_tokens(*args[1:]))


@pytest.mark.parametrize('family', ['xcit', 'pvt', 'ca_swin'])
def test_tokens_of_a_backbone_that_outputs_its_class_token(family):
    inputs = images(family)
    raw = small_backbone(family)
    short = small_backbone(family, out_type='cls_token')
    short.load_state_dict(raw.state_dict())
    tokens = []
    for backbone in (raw, short):
        extractor, args = recorded(backbone, inputs)
        tokens.append(extractor.tokens(*args))
    assert torch.equal(*tokens)
    with pytest.raises(ValueError, match="out_type='raw'.*ClassTokenNeck"):
        extractor.check_tokens()
    featmap = small_backbone(family, out_type='featmap')
    featmap.load_state_dict(raw.state_dict())
    extractor, args = recorded(featmap, inputs)
    assert torch.equal(extractor.patch_tokens(*args[1:]), tokens[0])


@pytest.mark.parametrize('family', TRANSFORMERS)
def test_maps_under_autocast(family):
    backbone, inputs = small_backbone(family), images(family)
    extractor, args = recorded(backbone, inputs)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        _, half = recorded(backbone, inputs)
        maps = [(extractor.bottom_up(*args), extractor.bottom_up(*half))]
        if extractor.has_class_attention:
            maps.append((extractor.class_attention(*args),
                         extractor.class_attention(*half)))
    for full, half in maps:
        assert half.dtype == torch.float32
        torch.testing.assert_close(half, full, atol=2e-3, rtol=0.05)


@pytest.mark.parametrize('family', TRANSFORMERS)
def test_recording_leaves_the_backbone_unchanged(family):
    backbone, inputs = small_backbone(family), images(family)
    state = copy.deepcopy(backbone.state_dict())
    recorded(backbone, inputs)
    assert not any(m._forward_hooks or m._forward_pre_hooks
                   for m in backbone.modules())
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, state[name]), name


@pytest.mark.parametrize('family', WITH_CLASS_ATTENTION)
def test_a_closed_recorder_keeps_no_outputs(family):
    """Evaluating a model that trains with TransMix records nothing."""
    model = build(FAMILIES[family].config([CUTMIX], TRANSMIX)).eval()
    model(images(family))
    assert model._recorder._outputs is None
    plain = build(FAMILIES[family].config([CUTMIX])).eval()
    plain(images(family))
    assert not any(m._forward_hooks for m in plain.modules())


@pytest.mark.parametrize('family', TRANSFORMERS)
def test_top_down_for_a_label(family):
    """'one_pass' of TopDown, step by step."""
    model = build(FAMILIES[family].config()).eval()
    inputs = images(family)
    labels = torch.eye(5)[[3, 1]]
    with torch.no_grad():
        attention, _ = TopDown(sigma=2.)(model, inputs, labels)
    extractor, args = recorded(model.backbone, inputs)
    head = getattr(model.head, 'fc', None) or model.head.layers.head
    tokens, score = extractor.tokens(*args), extractor.bottom_up(*args)
    for n, label in enumerate((3, 1)):
        for y in range(score.size(1)):
            for x in range(score.size(2)):
                cosine = torch.cosine_similarity(
                    tokens[n, :, y, x], head.weight[label], dim=0)
                expected = score[n, y, x] * (1 + 2 * max(cosine.item(), 0))
                torch.testing.assert_close(attention[n, y, x], expected)


@pytest.mark.slow
@compiling
@pytest.mark.parametrize('family', each('xcit', 'cait'))
def test_compiled_training_records_the_class_attention(family):
    torch._dynamo.reset()
    config = FAMILIES[family].config([CUTMIX], TRANSMIX)
    plain = build(config).train()
    compiled = copy.deepcopy(plain)
    compiled.train_step = torch.compile(
        compiled.train_step, backend='aot_eager')
    for _ in range(2):
        data = batch(5, FAMILIES[family].size)
        logs = [
            model.train_step(
                copy.deepcopy(data),
                OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1)))
            for model in (plain, compiled)
        ]
        torch.testing.assert_close(
            logs[0]['loss'], logs[1]['loss'], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('family', TRANSFORMERS)
def test_images_that_do_not_divide_are_refused(family):
    height, width = FAMILIES[family].size
    extractor = find_extractor(small_backbone(family))
    with pytest.raises(ValueError, match='multiple|img_size'):
        extractor.grid((height, width + 1))


@pytest.mark.parametrize('family', ['swin', 'swin_v2'])
def test_swin_has_no_class_attention(family):
    with pytest.raises(ValueError, match='Swin.*has no class token'):
        build(FAMILIES[family].config([CUTMIX], TRANSMIX))


@pytest.mark.parametrize(
    'backbone, name',
    [(dict(type='BEiTViT', arch=ARCH, img_size=32, patch_size=8), 'BEiTViT'),
     (dict(type='PoolFormer', arch='s12'), 'PoolFormer'),
     pytest.param(
         dict(type='TIMMBackbone', model_name='xcit_nano_12_p16_224', depth=1),
         'Xcit',
         marks=needs_timm)])
def test_the_error_for_an_unknown_backbone_says_how_to_add_it(backbone, name):
    backbone = build_backbone(backbone)
    with pytest.raises(ValueError, match=f'the backbone {name}') as error:
        find_extractor(backbone)
    for word in ('XCiTAttention', 'AttentionExtractor', 'docs/attention.md'):
        assert word in str(error.value)


@pytest.mark.parametrize('family', each(*FAMILIES))
def test_each_family_has_one_extractor(family):
    """The first that supports a backbone is used: it must be the only one."""
    backbone = small_backbone(family)
    supporting = [
        name for name, extractor in ATTENTION_EXTRACTORS.module_dict.items()
        if extractor.supports(backbone)
    ]
    assert len(supporting) == 1, supporting
