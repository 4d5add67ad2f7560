"""PVT against mmdet's names and a slow version of the public classifier."""
import pytest
import torch
import torch.nn.functional as F

from mmmix.checkpoint import from_published_pvt, to_published_pvt
from mmmix.registry import MODELS

DIMS, DEPTHS, HEADS = (8, 8, 12, 16), (1, 2, 1, 2), (1, 2, 3, 4)
MLP, REDUCTIONS = (2, 2, 3, 2), (8, 4, 2, 1)
ARCH = dict(
    embed_dims=DIMS,
    depths=DEPTHS,
    num_heads=HEADS,
    mlp_ratios=MLP,
    sr_ratios=REDUCTIONS)
OURS_ALONE = {
    'cls_token', 'layers.3.1.0.pos_embed_cls', 'norm.weight', 'norm.bias'
}
MAPS = dict(out_type='featmap', out_indices=(0, 1, 2, 3))


def build(arch=ARCH, img_size=64, **kwargs):
    return MODELS.build(
        dict(
            type='mmmix.PyramidVisionTransformer',
            arch=arch,
            img_size=img_size,
            **kwargs))


def classifier(arch=ARCH, num_classes=5, img_size=64, **kwargs):
    width = arch['embed_dims'][-1] if isinstance(arch, dict) else 512
    return MODELS.build(
        dict(
            type='mmpretrain.ImageClassifier',
            backbone=dict(
                type='mmmix.PyramidVisionTransformer',
                arch=arch,
                img_size=img_size,
                **kwargs),
            head=dict(
                type='mmpretrain.VisionTransformerClsHead',
                num_classes=num_classes,
                in_channels=width)))


def randomize(model):
    """Add noise to every parameter, including those initialised to 0 or 1."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.eval()
    return model


# names, shapes and counts


@pytest.mark.parametrize('arch, millions', [('tiny', 13.2), ('small', 24.5),
                                            ('medium', 44.2), ('large', 61.4)])
def test_parameters_of_mixpro_table_1(arch, millions):
    with torch.device('meta'):
        model = classifier(arch, 1000, 224)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert round(count / 1e6, 1) == millions


def mmdet_shapes(dims, depths, mlp, reductions, img_size):
    """Names and shapes of the parameters of mmdet's PVT."""
    shapes, channels, side = {}, 3, img_size
    for i, c in enumerate(dims):
        stride = 2 if i else 4
        side //= stride
        layers = {
            '0.projection': (c, channels, stride, stride),
            '0.norm': (c, ),
        }
        shapes[f'layers.{i}.1.0.pos_embed'] = (1, side * side, c)
        for j in range(1, 1 + depths[i]):
            hidden, r = mlp[i] * c, reductions[i]
            layers.update({
                f'1.{j}.norm1': (c, ),
                f'1.{j}.attn.attn.out_proj': (c, c),
                f'1.{j}.norm2': (c, ),
                f'1.{j}.ffn.layers.0': (hidden, c, 1, 1),
                f'1.{j}.ffn.layers.3': (c, hidden, 1, 1)
            })
            attention = f'layers.{i}.1.{j}.attn.attn'
            shapes[f'{attention}.in_proj_weight'] = (3 * c, c)
            shapes[f'{attention}.in_proj_bias'] = (3 * c, )
            if r > 1:
                layers[f'1.{j}.attn.sr'] = (c, c, r, r)
                layers[f'1.{j}.attn.norm'] = (c, )
        for name, shape in layers.items():
            shapes[f'layers.{i}.{name}.weight'] = shape
            shapes[f'layers.{i}.{name}.bias'] = shape[:1]
        channels = c
    return shapes


def test_names_and_shapes_of_mmdet():
    with torch.device('meta'):
        state = build('small', 224).state_dict()
    expected = mmdet_shapes((64, 128, 320, 512), (3, 4, 6, 3), (8, 8, 4, 4),
                            (8, 4, 2, 1), 224)
    assert state.keys() - expected.keys() == OURS_ALONE
    assert {
        name: tuple(value.shape)
        for name, value in state.items() if name not in OURS_ALONE
    } == expected


@pytest.mark.downstream
@pytest.mark.parametrize('size', [(64, 64), (96, 160)])
def test_maps_of_mmdet(size):
    mmdet = pytest.importorskip('mmdet.models', exc_type=ImportError)
    theirs = mmdet.PyramidVisionTransformer(
        pretrain_img_size=64,
        embed_dims=8,
        num_heads=[1, 2, 3, 4],
        num_layers=[1, 2, 1, 2],
        mlp_ratios=[2, 2, 3, 2])
    ours = randomize(build(dict(ARCH, embed_dims=[8, 16, 24, 32]),
                           **MAPS)).double()
    loaded = theirs.load_state_dict(ours.state_dict(), strict=False)
    assert loaded.missing_keys == []
    assert set(loaded.unexpected_keys) == OURS_ALONE
    theirs.double().eval()
    bare = build(
        dict(ARCH, embed_dims=[8, 16, 24, 32]), with_cls_token=False,
        **MAPS).double()
    bare.load_state_dict(theirs.state_dict())
    bare.eval()
    images = torch.randn(2, 3, *size).double()
    wanted = theirs(images)
    for expected, actual in (*zip(wanted[:3], ours(images)),
                             *zip(wanted, bare(images))):
        # MMPretrain resizes positions in float32
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)


# what it computes


def linear(x, weights, name):
    return x @ weights[f'{name}.weight'].T + weights[f'{name}.bias']


def norm(x, weights, name, eps):
    mean, var = x.mean(-1, True), x.var(-1, unbiased=False, keepdim=True)
    return ((x - mean) / (var + eps).sqrt() * weights[f'{name}.weight'] +
            weights[f'{name}.bias'])


def patches(grid, weights, name, stride):
    """A strided convolution of one image's tokens ``(h, w, C)``."""
    weight, rows = weights[f'{name}.weight'].flatten(1), []
    for y in range(grid.shape[0] // stride):
        row = []
        for x in range(grid.shape[1] // stride):
            patch = grid[y * stride:(y + 1) * stride,
                         x * stride:(x + 1) * stride]
            row.append(weight @ patch.permute(2, 0, 1).flatten() +
                       weights[f'{name}.bias'])
        rows.append(torch.stack(row))
    return torch.stack(rows)


def published_block(x, weights, name, heads, reduction, hw):
    """One block of the public code, head by head."""
    y = norm(x, weights, f'{name}.norm1', 1e-6)
    query, context = linear(y, weights, f'{name}.attn.q'), y
    if reduction > 1:
        context = patches(
            y.unflatten(0, hw), weights, f'{name}.attn.sr',
            reduction).flatten(0, 1)
        context = norm(context, weights, f'{name}.attn.norm', 1e-5)
    key, value = linear(context, weights, f'{name}.attn.kv').chunk(2, -1)
    width, parts = x.shape[1] // heads, []
    for h in range(heads):
        part = slice(h * width, (h + 1) * width)
        scores = query[:, part] @ key[:, part].T / width**0.5
        parts.append(scores.softmax(-1) @ value[:, part])
    x = x + linear(torch.cat(parts, 1), weights, f'{name}.attn.proj')
    y = norm(x, weights, f'{name}.norm2', 1e-6)
    y = F.gelu(linear(y, weights, f'{name}.mlp.fc1'))
    return x + linear(y, weights, f'{name}.mlp.fc2')


def published_classifier(image, weights):
    """Logits of one image ``(3, H, W)`` from weights with public names."""
    grid = image.permute(1, 2, 0)
    for i in range(4):
        stage = f'patch_embed{i + 1}'
        grid = patches(grid, weights, f'{stage}.proj', 2 if i else 4)
        grid = norm(grid, weights, f'{stage}.norm', 1e-5)
        hw, x = grid.shape[:2], grid.flatten(0, 1)
        positions = weights[f'pos_embed{i + 1}'][0]
        token, positions = positions[:i == 3], positions[i == 3:]
        side = round(len(positions)**0.5)
        positions = F.interpolate(
            positions.T.reshape(1, -1, side, side), hw,
            mode='bilinear')[0].flatten(1).T
        x = x + positions
        if i == 3:
            x = torch.cat((weights['cls_token'][0] + token, x))
        for j in range(DEPTHS[i]):
            x = published_block(x, weights, f'block{i + 1}.{j}', HEADS[i],
                                REDUCTIONS[i], hw)
        if i < 3:
            grid = x.unflatten(0, hw)
    return linear(norm(x[0], weights, 'norm', 1e-6), weights, 'head')


@pytest.mark.parametrize('size', [(64, 64), (32, 32), (96, 64), (64, 75)])
def test_logits_of_the_public_classifier(size):
    model = randomize(classifier(conv_norm_eps=1e-5)).double()
    weights = to_published_pvt(model.state_dict())
    images = torch.randn(3, 3, *size).double()
    expected = torch.stack(
        [published_classifier(image, weights) for image in images])
    # MMPretrain resizes positions in float32
    torch.testing.assert_close(model(images), expected, rtol=1e-5, atol=1e-5)


def test_attention_can_be_recorded_and_changed():
    model = randomize(build(out_type='raw'))
    attention = model.layers[3][1][-1].attn
    calls = {}
    handles = [
        module.register_forward_hook(lambda module, args, output, name=name:
                                     calls.update({name: (args[0], output)}))
        for name, module in dict(
            attention=attention, q=attention.q, kv=attention.kv).items()
    ]
    images = torch.randn(2, 3, 64, 96)
    plain, = model(images)
    x, output = calls['attention']
    query, (key, _) = calls['q'][1], calls['kv'][1].chunk(2, -1)
    # torch's own module with the same weights
    tokens = x.transpose(0, 1)
    expected, weights = attention.attn(tokens, tokens, tokens)
    torch.testing.assert_close(output, expected.transpose(0, 1))
    query, key = (
        part.unflatten(2, (4, -1)).transpose(1, 2) for part in (query, key))
    torch.testing.assert_close((query @ key.mT / 4**0.5).softmax(-1).mean(1),
                               weights)

    handles.append(
        attention.kv.register_forward_hook(
            lambda module, args, output: 2 * output))
    assert not torch.allclose(model(images)[0], plain)
    for handle in handles:
        handle.remove()


# its arguments


def test_out_types():
    model = randomize(build(out_type='raw'))
    images = torch.randn(3, 3, 64, 96)
    raw, = model(images)
    assert raw.shape == (3, 1 + 2 * 3, 16)
    model.out_type = 'cls_token'
    torch.testing.assert_close(model(images), (raw[:, 0], ))
    model.out_type, model.out_indices = 'featmap', (0, 1, 2, 3)
    maps = model(images)
    assert [tuple(m.shape[1:]) for m in maps] == [(8, 16, 24), (8, 8, 12),
                                                  (12, 4, 6), (16, 2, 3)]
    torch.testing.assert_close(maps[3].flatten(2).mT, raw[:, 1:])


def test_the_class_token_is_attended_to_in_the_maps():
    model = randomize(build(**MAPS))
    images = torch.randn(1, 3, 64, 64)
    before = model(images)
    with torch.no_grad():
        model.cls_token += torch.randn(16)
    after = model(images)
    assert all(map(torch.equal, before[:3], after[:3]))
    assert not torch.allclose(before[3], after[3])


def test_drop_path_grows_over_all_blocks():
    model = build(drop_path_rate=0.5)
    rates = [
        block.drop_path.drop_prob for _, blocks in model.layers
        for block in blocks[1:]
    ]
    assert rates == pytest.approx([0, .1, .2, .3, .4, .5])


@pytest.mark.parametrize('options', [{}, MAPS, dict(drop_rate=0.1)])
def test_every_parameter_gets_a_gradient(options):
    model = randomize(build(**options))
    model.train()
    sum((out**2).sum() for out in model(torch.randn(2, 3, 64, 64))).backward()
    assert all(parameter.grad.abs().sum() > 0
               for parameter in model.parameters())


def test_a_new_model_is_initialised_as_in_the_public_code():
    model = build('tiny', 224)
    model.init_weights()
    drawn = [
        value for name, value in model.named_parameters() if name.endswith((
            'pos_embed', 'pos_embed_cls', 'cls_token', 'in_proj_weight',
            'out_proj.weight')) or 'ffn' in name and value.ndim == 4
    ]
    assert len(drawn) == 4 + 2 + 4 * 8
    for value in drawn:
        assert value.std().item() == pytest.approx(0.02, rel=0.1)
    assert not any(value.any() for name, value in model.named_parameters()
                   if name.endswith('bias') and 'attn.attn' in name)


@pytest.mark.slow
def test_compiled():
    model = randomize(classifier())
    images = torch.randn(2, 3, 64, 96)
    torch._dynamo.reset()
    compiled = torch.compile(model, backend='aot_eager', dynamic=False)
    torch.testing.assert_close(compiled(images), model(images))


@pytest.mark.parametrize('options, message', [
    (dict(arch='huge'), 'choose one of t, tiny'),
    (dict(arch=dict(embed_dims=DIMS)), 'must have the keys depths'),
    (dict(arch=dict(ARCH, depths=(1, 1))), 'each with 4 values'),
    (dict(arch=dict(ARCH, sr_ratios=(8, 4, 2, 2))), 'must end in 1'),
    (dict(img_size=(224, 16)), 'at least 32 x 32'),
    (dict(out_type='tokens'), 'is not one of'),
    (dict(out_indices=(0, 3)), "or out_type='featmap'"),
    (dict(with_cls_token=False), 'set with_cls_token=True'),
    (dict(out_indices=(4, ), out_type='featmap'), 'stages from 0 to 3'),
])
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_wrong_images():
    with pytest.raises(ValueError, match='Images of 64 x 31 pixels'):
        build()(torch.rand(1, 3, 64, 31))


# published checkpoints


def published_weights():
    return to_published_pvt(randomize(classifier()).state_dict())


def test_both_directions_are_inverse():
    model = randomize(classifier())
    weights = to_published_pvt(model.state_dict())
    names = list(weights)
    assert weights['pos_embed4'].shape == (1, 5, 16)
    assert weights['block4.1.attn.kv.weight'].shape == (32, 16)
    assert weights['block1.0.mlp.fc1.weight'].shape == (16, 8)
    back = from_published_pvt(weights)
    assert list(weights) == names
    assert back.keys() == model.state_dict().keys()
    assert all(torch.equal(back[k], v) for k, v in model.state_dict().items())


@pytest.mark.parametrize('name', [
    'block1.0.attn.q.weight.more', 'block5.0.norm1.weight', 'norm4.weight',
    'backbone.cls_token'
])
def test_unknown_names(name):
    with pytest.raises(ValueError, match=f'1 names .*: {name}. Check'):
        from_published_pvt({**published_weights(), name: torch.zeros(1)})
    weights = randomize(classifier()).state_dict()
    with pytest.raises(
            ValueError, match='1 names do not belong to a classifier'):
        to_published_pvt({**weights, f'x{name}': torch.zeros(1)})


def test_queries_without_keys():
    weights = published_weights()
    del weights['block1.0.attn.kv.bias']
    with pytest.raises(ValueError, match='block1.0.attn.q.bias'):
        from_published_pvt(weights)
