"""A CNN with every part of TdAttenMix that it can take."""
import pytest
import torch
from families import needs_timm, recorded
from helpers import BOTH_LOSSES, SMMIX, batch, build, cnn_config, train_losses
from mmengine.optim import OptimWrapper
from mmpretrain.models import build_backbone

TDATTENMIX = dict(
    augments=[SMMIX],
    mix_losses=dict(
        consistency=dict(type='mmmix.ConsistencyLoss', distance='l1')),
    guide=dict(
        type='SelfGuide', attention_map=dict(type='mmmix.TopDown', sigma=1.)),
    head=dict(label_rule=dict(type='mmmix.AreaAttentionLabel')))


@pytest.mark.parametrize('n,size', [(6, (32, 32)), (5, (32, 48))])
def test_a_step_of_tdattenmix(n, size):
    """Every weight moves; SMMix's grid is that of the map."""
    model = build(cnn_config(**TDATTENMIX)).train()
    losses, data = train_losses(model, batch(n, size))
    assert set(losses) == {'loss_cls', 'loss_consistency'}
    assert data['guidance'].attention.shape == (n, size[0] // 8, size[1] // 8)
    assert (data['mixed'].target_boxes % 8 == 0).all()
    before = [p.detach().clone() for p in model.parameters()]
    log = model.train_step(
        batch(n, size),
        OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1)))
    assert torch.isfinite(log['loss'])
    assert not any(
        torch.equal(old, new) for old, new in zip(before, model.parameters()))


def test_weights_travel():
    """To the stock classifier and back, with the same logits."""
    ours = build(cnn_config(**TDATTENMIX)).eval()
    cfg = cnn_config()
    cfg['type'] = 'mmpretrain.ImageClassifier'
    cfg['head'].update(type='mmpretrain.LinearClsHead')
    cfg['head'].pop('mix_losses')
    stock = build(cfg).eval()
    images = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        stock.load_state_dict(ours.state_dict(), strict=True)
        assert torch.equal(stock(images), ours(images))
        again = build(cnn_config(**TDATTENMIX)).eval()
        again.load_state_dict(stock.state_dict(), strict=True)
        assert torch.equal(stock(images), again(images))


def test_a_guide_at_half_the_size_has_a_quarter_of_the_cells():
    cfg = dict(TDATTENMIX, guide=dict(TDATTENMIX['guide'], scale=0.5))
    losses, data = train_losses(build(cnn_config(**cfg)))
    assert data['guidance'].attention.shape == (6, 2, 2)
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_fine_grained_loss_is_refused_with_what_to_change():
    with pytest.raises(
            ValueError, match=r'ResNet_CIFAR has none.*dict\(fine=None\)'):
        build(cnn_config([SMMIX], BOTH_LOSSES))
    losses = dict(BOTH_LOSSES, fine=None)
    assert set(train_losses(build(cnn_config(
        [SMMIX], losses)))[0]) == {'loss_cls', 'loss_consistency'}


@pytest.mark.parametrize(
    'backbone',
    [
        dict(type='AlexNet'),
        dict(type='CSPDarkNet', depth=53),
        dict(type='ConvMixer', arch='768/32'),
        dict(type='HorNet', arch='tiny', gap_before_final_norm=False),
        dict(type='MobileOne', arch='s0'),
        dict(type='ShuffleNetV1'),
        dict(type='VAN', arch='tiny'),
        pytest.param(
            dict(type='TIMMBackbone', model_name='repvgg_a0'),
            marks=needs_timm),
        # its squeeze-and-excitation is called attn
        pytest.param(
            dict(type='TIMMBackbone', model_name='nf_regnet_b0'),
            marks=needs_timm)
    ],
    ids=lambda cfg: cfg.get('model_name', cfg['type']))
def test_any_cnn_has_an_activation_energy(backbone):
    backbone = build_backbone(backbone)
    for module in backbone.modules():
        module.training = False
    extractor, args = recorded(backbone, torch.rand(1, 3, 64, 96))
    energy = extractor.bottom_up(*args)
    last = args[1][-1]
    assert energy.shape == (1, *last.shape[-2:])
    torch.testing.assert_close(energy, last.abs().sum(1) / last.size(1))


@needs_timm
def test_a_timm_cnn():
    cfg = cnn_config(**TDATTENMIX)
    cfg['backbone'] = dict(
        type='mmpretrain.TIMMBackbone', model_name='resnet10t')
    cfg['head'].update(in_channels=512)
    losses, data = train_losses(build(cfg), batch(2, (64, 64)))
    assert set(losses) == {'loss_cls', 'loss_consistency'}
    assert data['guidance'].attention.shape == (2, 2, 2)
