"""Class activation maps against Zhou's definition, and on every family."""
import gc

import pytest
import torch
from families import FAMILIES, each
from helpers import build, cnn_config, vit_config

pytest.importorskip('pytorch_grad_cam')
from mmmix.analysis.cam import CAM_METHODS, class_activation  # noqa: E402
from mmmix.analysis.model_maps import ModelMap  # noqa: E402


def scaled(cam):
    """Without what speaks against the class, from 0 to 1."""
    cam = cam.clamp(min=0)
    cam = cam - cam.min()
    return cam / (cam.max() + 1e-7)


@pytest.fixture
def cnn():
    return build(cnn_config()).eval()


def test_grad_cam_of_an_averaged_map_is_the_class_activation_map(cnn):
    """sum_k w_yk f_k(i, j), place by place; images not square."""
    inputs, labels = torch.randn(4, 3, 32, 48), torch.tensor([0, 3, 3, 1])
    maps = class_activation(cnn, inputs, labels)
    with torch.no_grad():
        features = cnn.backbone(inputs)[-1].double()
    weights = cnn.head.fc.weight.detach().double()
    assert maps.shape == (4, 4, 6) and maps.dtype == torch.float32
    for n, label in enumerate(labels):
        cam = torch.zeros(4, 6, dtype=torch.float64)
        for i in range(4):
            for j in range(6):
                for k in range(features.size(1)):
                    cam[i, j] += weights[label, k] * features[n, k, i, j]
        torch.testing.assert_close(
            maps[n].double(), scaled(cam), atol=1e-4, rtol=1e-4)
    assert maps.max() > 0.99


def test_nothing_of_a_batch_is_kept(cnn):
    """Its graph would be gigabytes for a large network."""
    from pytorch_grad_cam import GradCAM
    gc.collect()
    gc.disable()
    try:
        class_activation(cnn, torch.randn(2, 3, 32, 32), torch.tensor([0, 1]))
        assert not any(isinstance(o, GradCAM) for o in gc.get_objects())
    finally:
        gc.enable()


def test_of_a_linear_model_by_hand(cnn):
    """Two channels, one of which speaks for the class."""
    bright = torch.tensor([[0., 1., 2.], [4., 0., 0.]])

    def two_channels(inputs):
        return torch.stack((bright, 7 - bright)).expand(
            len(inputs), -1, -1, -1) + 0 * inputs.mean(),

    cnn.backbone.forward = two_channels
    cnn.head.fc = torch.nn.Linear(2, 5)
    with torch.no_grad():
        cnn.head.fc.weight.copy_(
            torch.tensor([[1., 0.], [0., -1.], [0., 1.], [0., 0.], [3., 3.]]))
    inputs = torch.randn(5, 3, 8, 12)
    maps = class_activation(cnn, inputs, torch.arange(5))
    torch.testing.assert_close(maps[0], bright / 4, atol=1e-6, rtol=0)
    assert not maps[1].any()  # all speaks against it
    torch.testing.assert_close(maps[2], (4 - bright) / 4, atol=1e-6, rtol=0)
    assert not maps[3].any()  # nothing says anything
    assert not maps[4].any()  # all places say the same


def test_of_a_vit_step_by_step():
    """The gradient at the last block's first norm, class token left out."""
    model = build(vit_config()).eval()
    inputs, labels = torch.randn(2, 3, 32, 32), torch.tensor([4, 2])
    maps = class_activation(model, inputs, labels)
    seen = []
    handle = model.backbone.layers[-1].ln1.register_forward_hook(
        lambda module, args, output: seen.append(output))
    logits = model.head(model.backbone(inputs))
    handle.remove()
    for n, label in enumerate(labels):
        slope, = torch.autograd.grad(
            logits[n, label], seen[0], retain_graph=True)
        weights = slope[n, 1:].mean(0)
        cam = (seen[0][n, 1:] * weights).sum(1).view(4, 4).detach()
        torch.testing.assert_close(maps[n], scaled(cam), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('family', each(*FAMILIES))
def test_every_family(family):
    height, width = FAMILIES[family].size
    if family == 'resnet':  # of whose smaller map too little is left
        height, width = 64, 96
    model = build(FAMILIES[family].config()).eval()
    inputs = torch.randn(2, 3, height, width)
    one, other = (
        class_activation(model, inputs, torch.full((2, ), label), 'LayerCAM')
        for label in (0, 1))
    assert one.shape == other.shape and not torch.equal(one, other)
    # on the grid of the attention
    assert one.shape == ModelMap('BottomUp')(model, inputs).shape


@pytest.mark.parametrize('method', CAM_METHODS)
def test_methods_leave_no_traces(method, cnn):
    hooks = [len(m._forward_hooks) for m in cnn.modules()]
    for parameter in cnn.parameters():
        parameter.requires_grad_(False)  # a frozen model has maps, too
    inputs = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        maps = class_activation(cnn, inputs, torch.tensor([2]), method)
    assert maps.shape == (1, 4, 4) and 0 <= maps.min() <= maps.max() <= 1
    assert not inputs.requires_grad
    assert [len(m._forward_hooks) for m in cnn.modules()] == hooks
    assert all(parameter.grad is None for parameter in cnn.parameters())


def test_bad_input(cnn, monkeypatch):
    inputs = torch.randn(1, 3, 32, 32)
    with pytest.raises(ValueError, match="no method 'ScoreCAM'.*GradCAM"):
        class_activation(cnn, inputs, torch.tensor([0]), 'ScoreCAM')
    with pytest.raises(ValueError, match='label 5.*5 classes'):
        class_activation(cnn, inputs, torch.tensor([5]))
    with pytest.raises(ValueError, match="no maps 'Top'"):
        ModelMap('Top')
    with pytest.raises(ValueError, match='no class token'):
        ModelMap('ClassAttention').check(cnn)
    tokens = build(vit_config())
    monkeypatch.setattr(
        'mmmix.models.attention.vit.ViTAttention.activation_layer', None)
    with pytest.raises(ValueError, match='`activation_layer`'):
        class_activation(tokens, inputs, torch.tensor([0]))
    monkeypatch.setattr('mmmix.analysis.cam.find_spec', lambda name: None)
    with pytest.raises(ModuleNotFoundError, match='setup_env.sh full'):
        ModelMap('GradCAM').check(cnn)
