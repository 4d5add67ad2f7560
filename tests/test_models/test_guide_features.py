"""Features of a layer, and the guide's network as a function of images."""
import copy

import pytest
import torch
from helpers import NUM_CLASSES, build, cnn_config, vit_config
from mmengine.runner.activation_checkpointing import \
    turn_on_activation_checkpointing
from mmpretrain.models import ResNet, SwinTransformer
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import \
    apply_activation_checkpointing

from mmmix.models import EMAGuide, FrozenGuide, SelfGuide
from mmmix.models.guides.features import as_map, find_layer, first_output

FEATURES = frozenset({'features'})
CLASSIFIER = frozenset({'classifier'})
every_network = pytest.mark.parametrize('cfg,layer,shape',
                                        [(vit_config, 'layers.0', (24, 4, 4)),
                                         (vit_config, None, (24, 4, 4)),
                                         (cnn_config, 'layer3', (32, 8, 8)),
                                         (cnn_config, None, (64, 4, 4))])


@every_network
def test_features_are_the_output_of_the_layer(cfg, layer, shape):
    model = build(cfg()).eval()
    images = torch.rand(3, 3, 32, 32)
    guide = SelfGuide(feature_layer=layer)
    guide.check(model, FEATURES)
    features = guide(model, images, FEATURES).features
    assert features.shape == (3, *shape) and not features.requires_grad
    if cfg is cnn_config:
        expected = images
        for name in ('conv1', 'bn1', 'relu', 'layer1', 'layer2', 'layer3',
                     'layer4'):
            expected = getattr(model.backbone, name)(expected)
            if name == layer:
                break
    else:
        tokens = []
        block = (
            model.backbone.ln1 if layer is None else model.backbone.layers[0])
        handle = block.register_forward_hook(
            lambda module, args, output: tokens.append(output))
        model.backbone(images)
        handle.remove()
        # token 1 + 4 i + j lies in row i and column j
        expected = torch.zeros(3, 24, 4, 4)
        for i in range(4):
            for j in range(4):
                expected[..., i, j] = tokens[0][:, 1 + 4 * i + j]
    torch.testing.assert_close(features, expected.detach())


@pytest.mark.parametrize('layer', ['conv1', 'bn1', 'layer2.0.bn2'])
def test_what_follows_does_not_change_the_features(layer):
    """A ReLU and an addition do, in place."""
    model, images = build(cnn_config()).eval(), torch.rand(3, 3, 32, 32)
    outputs = []
    find_layer(model.backbone, layer).register_forward_hook(
        lambda module, args, output: outputs.append(output.clone()))
    model.backbone(images)
    features = SelfGuide(feature_layer=layer)(model, images, FEATURES).features
    assert torch.equal(features, outputs[0]) and features.min() < 0


@pytest.mark.parametrize('form', ['two_pass', 'one_pass'])
def test_features_beside_attention_are_of_the_unmodified_pass(form):
    model = build(vit_config()).eval()
    images, labels = torch.rand(3, 3, 32, 32), torch.eye(NUM_CLASSES)[:3]
    guide = SelfGuide(
        attention_map=dict(type='mmmix.TopDown', sigma=5., form=form),
        feature_layer='layers.1')
    both = guide(model, images, FEATURES | {'attention'}, labels)
    alone = guide(model, images, FEATURES)
    torch.testing.assert_close(both.features, alone.features)
    assert both.attention is not None and alone.attention is None
    assert not any(m._forward_hooks for m in model.modules())


def test_a_missing_layer_is_named_with_close_ones():
    guide = SelfGuide(feature_layer='layer_3')
    with pytest.raises(ValueError, match="'layer_3'.*layer3"):
        guide.check(build(cnn_config()), FEATURES)
    # only where it is asked for features
    guide.check(build(cnn_config()), CLASSIFIER)
    with pytest.raises(ValueError, match='it has conv1'):
        find_layer(ResNet(18), 'zzz')


@pytest.mark.parametrize('layer,shape', [('stages.1', (16, 8, 12)),
                                         ('stages.2.downsample', (64, 2, 3)),
                                         ('norm3', (64, 2, 3))])
def test_tokens_of_stages_form_maps(layer, shape):
    """Swin's stages return tokens and the size of their grid."""
    backbone = SwinTransformer(
        dict(embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1]),
        img_size=64,
        window_size=2)
    with first_output(find_layer(backbone, layer)) as outputs:
        backbone(torch.rand(2, 3, 64, 96))
    tokens = outputs[0]
    features = as_map(tokens, backbone, (64, 96))
    assert features.shape == (2, *shape)
    tokens = tokens[0] if isinstance(tokens, tuple) else tokens
    torch.testing.assert_close(features.flatten(2).transpose(1, 2), tokens)


@pytest.mark.parametrize('shape', [(2, 24), (2, 23, 8), (2, 20, 8)])
def test_an_output_that_is_no_map_is_refused(shape):
    backbone = build(vit_config()).backbone
    with pytest.raises(ValueError, match='no feature map.*feature_layer'):
        as_map(torch.rand(shape), backbone, (32, 32))


@pytest.mark.parametrize('cfg', [vit_config, cnn_config])
def test_the_classifier_is_the_network_with_constant_weights(cfg):
    model = build(cfg()).eval()
    images = torch.rand(3, 3, 32, 32, requires_grad=True)
    expected = model(images)
    slope, = torch.autograd.grad(expected.square().sum(), images)
    model.train()
    for module in model.modules():  # these blocks would run again, in training
        if hasattr(module, 'with_cp'):
            module.with_cp = True
    state = copy.deepcopy(model.state_dict())

    classify = SelfGuide()(model, images.detach(), CLASSIFIER).classifier
    logits = classify(images)
    torch.testing.assert_close(logits, expected)
    assert all(m.training for m in model.modules())
    logits.square().sum().backward()
    torch.testing.assert_close(images.grad, slope)
    assert all(p.grad is None for p in model.parameters())
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name


def wrap_for_fsdp(model):
    """``activation_checkpointing`` of FSDPStrategy."""
    apply_activation_checkpointing(
        model, check_fn=lambda module: module is model.backbone.layer2)


def wrap_for_runner(model):
    """``activation_checkpointing`` in the config of a runner."""
    turn_on_activation_checkpointing(model, ['backbone.layer2', 'backbone'])


@pytest.mark.filterwarnings('ignore:torch.utils.checkpoint')
@pytest.mark.parametrize('wrap', [wrap_for_runner, wrap_for_fsdp])
def test_checkpointing_is_not_that_of_the_guide(wrap):
    plain = build(cnn_config())
    model = copy.deepcopy(plain)
    wrap(model)
    forward = vars(model.backbone.layer2).get('forward')
    state = copy.deepcopy(plain.state_dict())
    images, slopes = torch.rand(3, 3, 32, 32), []
    for one in (plain.train(), model.train()):
        seen = images.clone().requires_grad_()
        guidance = SelfGuide()(one, images, CLASSIFIER | {'saliency'},
                               torch.eye(NUM_CLASSES)[:3])
        guidance.classifier(seen).square().sum().backward()
        slopes.append((seen.grad, guidance.saliency))
        assert all(p.grad is None for p in one.parameters())
        for name, value in one.state_dict().items():
            assert torch.equal(value, state[name]), name
    torch.testing.assert_close(*slopes)
    # in training as before
    assert vars(model.backbone.layer2).get('forward') is forward
    # a copy's layers are its own, whatever MMEngine put into them
    average = copy.deepcopy(model)
    for parameter in model.parameters():
        parameter.detach().mul_(2.)
    guide = EMAGuide()
    guide.average = average
    logits = guide(model, images, frozenset({'logits'})).logits
    torch.testing.assert_close(logits, plain.eval()(images))


def test_the_average_classifies():
    model = build(cnn_config(guide=dict(type='EMAGuide'))).eval()
    guide = EMAGuide(feature_layer='layer3')
    guide.average = build(cnn_config()).eval()
    images = torch.rand(2, 3, 32, 32)
    guidance = guide(model, images, CLASSIFIER | FEATURES)
    torch.testing.assert_close(
        guidance.classifier(images), guide.average(images))


def test_a_frozen_guide_classifies_with_its_own_normalisation_and_classes():
    config = cnn_config(
        data_preprocessor=dict(mean=[.1, .2, .3], std=[.5, .6, .7]))
    config['type'] = 'mmpretrain.ImageClassifier'
    config['data_preprocessor']['type'] = 'mmpretrain.ClsDataPreprocessor'
    config['head']['type'] = 'mmpretrain.LinearClsHead'
    config['head'].pop('mix_losses')
    with pytest.warns(UserWarning, match='RANDOM'):
        guide = FrozenGuide(
            config=dict(model=config), classes=[4, 0], channels='rgb')
        model = build(cnn_config(head=dict(num_classes=2)))
        guide.check(model, CLASSIFIER)
    classify = guide(model, torch.rand(2, 3, 32, 32), CLASSIFIER).classifier
    images = torch.rand(2, 3, 32, 32, requires_grad=True)
    logits = classify(images)
    mean, std = (
        torch.tensor(values).view(3, 1, 1)
        for values in ([.1, .2, .3], [.5, .6, .7]))
    expected = guide.network(model)((images - mean) / std)[:, [4, 0]]
    torch.testing.assert_close(logits, expected)
    logits.sum().backward()
    assert images.grad.abs().sum() > 0


def test_a_frozen_guide_of_other_classes_says_so():
    config = cnn_config(head=dict(num_classes=7))
    guide = FrozenGuide(config=dict(model=config))
    with pytest.warns(UserWarning, match='RANDOM'), \
            pytest.raises(ValueError, match='has 7 classes.*`classes`'):
        guide.check(build(cnn_config()), CLASSIFIER)
    guide.check(build(cnn_config()), FEATURES)
