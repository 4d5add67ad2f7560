"""CA-Swin against stock Swin and a slow class attention."""
import pytest
import torch
import torch.nn.functional as F

from mmmix.registry import MODELS

DEPTHS = [1, 1, 1, 2]
ARCH = dict(embed_dims=4, depths=DEPTHS, num_heads=[1, 1, 2, 2])
LAST = 'stages.3.blocks.1'
TABLE = {
    f'{LAST}.attn.w_msa.relative_position_{name}'
    for name in ('bias_table', 'index')
}
MAPS = dict(out_type='featmap', out_indices=(0, 1, 2, 3))


def build(kind='mmmix.CASwin', arch=ARCH, window_size=2, **kwargs):
    return MODELS.build(
        dict(
            type=kind,
            arch=arch,
            img_size=64,
            window_size=window_size,
            **kwargs))


def stock(**kwargs):
    return build('mmpretrain.SwinTransformer', **kwargs)


def classifier(**kwargs):
    return MODELS.build(
        dict(
            type='mmpretrain.ImageClassifier',
            backbone=dict(
                type='mmmix.CASwin',
                arch=ARCH,
                img_size=64,
                window_size=2,
                **kwargs),
            head=dict(
                type='mmpretrain.VisionTransformerClsHead',
                num_classes=5,
                in_channels=32)))


def randomize(model):
    """Add noise to every parameter, including those initialised to 0 or 1."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.eval()
    return model


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize('arch, millions', [('tiny', 28.3), ('small', 49.6)])
def test_no_more_parameters_than_swin(arch, millions):
    ours, theirs = (
        count(build(kind, arch, window_size=7))
        for kind in ('mmmix.CASwin', 'mmpretrain.SwinTransformer'))
    assert ours - theirs == 768 - 169 * 24
    assert 0.999 * theirs < ours < theirs
    assert round((ours + 768 * 1000 + 1000) / 1e6, 1) == millions


def test_stock_checkpoints_load_except_for_the_stated_names():
    ours, theirs = randomize(build()), randomize(stock())
    token = ours.stages[3].blocks[1].cls_token.clone()
    loaded = ours.load_state_dict(theirs.state_dict(), strict=False)
    assert loaded.missing_keys == [f'{LAST}.cls_token']
    assert set(loaded.unexpected_keys) == TABLE
    assert torch.equal(ours.stages[3].blocks[1].cls_token, token)
    back = theirs.load_state_dict(ours.state_dict(), strict=False)
    assert set(back.missing_keys) == TABLE
    assert back.unexpected_keys == [f'{LAST}.cls_token']


@pytest.mark.parametrize('size', [(64, 64), (64, 96), (160, 96)])
@pytest.mark.parametrize('options',
                         [{},
                          dict(use_abs_pos_embed=True, pad_small_map=True),
                          dict(out_after_downsample=True)])
def test_maps_are_those_of_swin_without_its_last_block(size, options):
    options = dict(options, out_indices=(0, 1, 2, 3))
    ours = randomize(build(out_type='featmap', **options))
    theirs = stock(**options)
    theirs.eval()
    theirs.load_state_dict(ours.state_dict(), strict=False)
    del theirs.stages[3].blocks[1]
    images = torch.randn(3, 3, *size)
    torch.testing.assert_close(ours(images), theirs(images))


def class_token_after(patches, weights, heads=2):
    """The class token of one image after the block, head by head (CaiT)."""

    def linear(x, name):
        return x @ weights[f'{name}.weight'].T + weights[f'{name}.bias']

    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], weights[f'{name}.weight'],
                            weights[f'{name}.bias'])

    token = weights['cls_token'][0, 0]
    tokens = norm(torch.cat((token[None], patches)), 'norm1')
    query, key, value = linear(tokens, 'attn.w_msa.qkv').chunk(3, 1)
    width, parts = len(token) // heads, []
    for h in range(heads):
        part = slice(h * width, (h + 1) * width)
        scores = torch.stack([query[0, part] @ k for k in key[:, part]])
        parts.append((scores / width**0.5).softmax(0) @ value[:, part])
    token = token + linear(torch.cat(parts), 'attn.w_msa.proj')
    hidden = F.gelu(linear(norm(token, 'norm2'), 'ffn.layers.0.0'))
    return token + linear(hidden, 'ffn.layers.1')


@pytest.mark.parametrize('grid', [(7, 7), (2, 3)])
def test_class_attention(grid):
    block = randomize(build()).stages[3].blocks[1].double()
    patches = torch.randn(3, grid[0] * grid[1], 32).double()
    actual = block(patches, grid)
    assert torch.equal(actual[:, 1:], patches)
    weights = dict(block.state_dict())
    for image, token in zip(patches, actual[:, 0]):
        torch.testing.assert_close(token, class_token_after(image, weights))


def test_out_types():
    model = randomize(build(out_type='raw'))
    images = torch.randn(2, 3, 64, 96)
    raw, = model(images)
    assert raw.shape == (2, 1 + 2 * 3, 32)
    model.out_type = 'cls_token'
    torch.testing.assert_close(model(images), (raw[:, 0], ))
    model.out_type = 'featmap'
    featmap, = model(images)
    assert featmap.shape == (2, 32, 2, 3)
    torch.testing.assert_close(featmap.flatten(2).mT, raw[:, 1:])


def test_attention_can_be_recorded():
    model, calls = randomize(build()), []
    w_msa = model.stages[3].blocks[1].attn['w_msa']
    for module in (w_msa.qkv, w_msa.proj):
        module.register_forward_hook(lambda *args: calls.append(args[1:]))
    model(torch.randn(2, 3, 64, 96))
    (_, qkv), ((update, ), _) = calls
    query, key, value = qkv.unflatten(2, (3, 2, -1)).permute(2, 0, 3, 1, 4)
    weights = (query @ key.mT / 16**0.5).softmax(-1)
    assert weights.shape == (2, 2, 7, 7)
    torch.testing.assert_close(
        (weights @ value)[:, :, :1].transpose(1, 2).flatten(2), update)


@pytest.mark.filterwarnings('ignore:.*the use_reentrant parameter')
@pytest.mark.parametrize('with_cp', [False, True])
def test_every_parameter_gets_a_gradient(with_cp):
    gradients = []
    for flag in (with_cp, False):
        torch.manual_seed(0)
        model = randomize(classifier(with_cp=flag, drop_path_rate=0.))
        model.train()
        logits = model(torch.randn(2, 3, 64, 64), mode='tensor')
        (logits**2).sum().backward()
        gradients.append([p.grad for p in model.parameters()])
        assert all(gradient.abs().sum() > 0 for gradient in gradients[-1])
    torch.testing.assert_close(*gradients)


def test_drop_path_of_the_block_it_replaces():
    block = randomize(build(drop_path_rate=0.5)).stages[3].blocks[1]
    patches = torch.randn(64, 6, 32)
    untouched = (block(patches, (2, 3))[:, 0] == block.cls_token[0]).all(1)
    assert not untouched.any()
    block.train()
    untouched = (block(patches, (2, 3))[:, 0] == block.cls_token[0]).all(1)
    assert 5 <= untouched.sum() <= 30  # a quarter misses both parts


@pytest.mark.slow
def test_compiled():
    model = randomize(classifier())
    images = torch.randn(2, 3, 64, 64)
    torch._dynamo.reset()
    compiled = torch.compile(model, backend='aot_eager', dynamic=False)
    torch.testing.assert_close(compiled(images), model(images))


@pytest.mark.parametrize('options, message', [
    (dict(out_type='avg_featmap'), 'is not one of'),
    (dict(out_indices=(2, 3)), 'only stage 3 has'),
    (dict(out_indices=(-1, ), out_type='featmap'), 'stages from 0 to 3'),
    (dict(out_indices=(4, ), out_type='featmap'), 'stages from 0 to 3'),
    (dict(out_indices=(), out_type='featmap'), 'must name stages'),
])
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)
