"""The classifier as a whole: weights, losses, AMP, compile, bad input."""
import copy

import pytest
import torch
from helpers import (BOTH_LOSSES, NUM_CLASSES, SMMIX, batch, build, compiling,
                     train_losses, vit_config)
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper

CUTMIX = dict(type='mmmix.CutMix', alpha=1.)
MIXUP = dict(type='mmmix.Mixup', alpha=0.8)


def stock_config(cfg, out_type='cls_token'):
    """The same architecture, wholly MMPretrain's."""
    cfg = copy.deepcopy(cfg)
    cfg.update(type='mmpretrain.ImageClassifier', train_cfg=None)
    cfg['backbone']['out_type'] = out_type
    cfg['head']['type'] = cfg['head']['type'].replace('mmmix.Mix',
                                                      'mmpretrain.')
    cfg['head'].pop('mix_losses')
    return cfg


def pooled_config(*args, **kwargs):
    """A ViT without class token, averaged (SMMix, Eq. 3, second case)."""
    cfg = vit_config(*args, **kwargs)
    cfg['backbone'].update(with_cls_token=False, out_type='featmap')
    cfg['neck'] = dict(type='mmpretrain.GlobalAveragePooling')
    cfg['head']['type'] = 'mmmix.MixLinearClsHead'
    return cfg


FULL = dict(augments=[SMMIX], mix_losses=BOTH_LOSSES)


@pytest.mark.parametrize(
    'ours,out_type',
    [(vit_config(**FULL), 'cls_token'),
     (vit_config(**FULL, head=dict(hidden_dim=16)), 'cls_token'),
     (pooled_config(**FULL), 'featmap')])
def test_weights_travel_both_ways(ours, out_type):
    """Strictly, and the logits and predictions are the same."""
    for source_cfg, target_cfg in ((ours, stock_config(ours, out_type)),
                                   (stock_config(ours, out_type), ours)):
        source, target = build(source_cfg).eval(), build(target_cfg).eval()
        target.load_state_dict(source.state_dict(), strict=True)
        inputs = torch.rand(3, 3, 32, 32)
        with torch.no_grad():
            assert torch.equal(source(inputs), target(inputs))
            data = batch()
            one, two = (
                m.val_step(copy.deepcopy(data)) for m in (source, target))
        for a, b in zip(one, two):
            assert torch.equal(a.pred_score, b.pred_score)


@pytest.mark.parametrize('cfg', [vit_config, pooled_config])
def test_every_loss_has_its_name(cfg):
    losses, _ = train_losses(build(cfg(**FULL)))
    assert set(losses) == {'loss_cls', 'loss_fine', 'loss_consistency'}
    for augment in (MIXUP, dict(type='mmpretrain.CutMix', alpha=1.)):
        losses, _ = train_losses(
            build(cfg([SMMIX, augment], BOTH_LOSSES, probs=[0., 1.])))
        assert set(losses) == {'loss_cls'}
    losses, _ = train_losses(build(cfg([SMMIX], BOTH_LOSSES, probs=[0.])))
    assert set(losses) == {'loss_cls'}


def test_a_loss_can_be_removed_by_its_name():
    losses, _ = train_losses(
        build(vit_config([SMMIX], dict(BOTH_LOSSES, fine=None))))
    assert set(losses) == {'loss_cls', 'loss_consistency'}


def test_the_total_is_the_sum_of_equation_15():
    model = build(vit_config(**FULL))
    losses, _ = train_losses(model)
    total, log = model.parse_losses(losses)
    assert total.item() == pytest.approx(
        sum(v.item() for v in losses.values()))
    assert set(log) == {'loss', *losses}


def test_classification_loss_of_equation_9():
    model = build(vit_config(**FULL))
    losses, data = train_losses(model)
    log_probs = model(data['inputs']).log_softmax(1)
    target = data['mixed'].mixed_labels()
    expected = sum(-target[n, k] * log_probs[n, k] for n in range(6)
                   for k in range(NUM_CLASSES)) / 6
    torch.testing.assert_close(losses['loss_cls'], expected)


def test_fine_grained_tokens_are_those_of_the_mixed_image():
    """The loss recomputed from the raw backbone output."""
    model = build(vit_config([SMMIX], dict(fine=BOTH_LOSSES['fine'])))
    losses, data = train_losses(model)
    tokens = model.backbone(data['inputs'])[-1][:, 1:]
    mixed = data['mixed']
    expected = 0.
    for n in range(6):
        mask = mixed.mask[n].flatten().bool()
        for keep, owner in ((mask, mixed.source[n]), (~mask, n)):
            logits = model.head.layers.head(tokens[n, keep].mean(0))
            label = mixed.labels[owner].argmax()
            expected -= logits.log_softmax(0)[label] / 12
    torch.testing.assert_close(losses['loss_fine'], expected)


@pytest.mark.parametrize('delta', [(0, 0.25), 1])
@pytest.mark.parametrize('cfg', [vit_config, pooled_config])
def test_no_cells_and_all_cells_train_with_every_loss(cfg, delta):
    model = build(cfg([dict(SMMIX, delta=delta)], BOTH_LOSSES))
    losses, _ = train_losses(model)
    total, _ = model.parse_losses(losses)
    total.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize('augment', [SMMIX, CUTMIX, MIXUP])
def test_every_parameter_gets_a_gradient(augment):
    """Also the second classifier, in a step to which it does not apply."""
    model = build(
        vit_config(
            [SMMIX, augment],
            dict(
                fine=dict(
                    type='mmmix.FineGrainedLoss', second_classifier=True)),
            probs=[0., 1.]))
    losses, _ = train_losses(model)
    model.parse_losses(losses)[0].backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize('n,size', [(1, (32, 32)), (5, (40, 64))])
def test_odd_batches_and_rectangular_images(n, size):
    model = build(vit_config(**FULL, img_size=size))
    losses, _ = train_losses(model, batch(n, size))
    assert all(torch.isfinite(v) for v in losses.values())


def test_the_guide_pass_does_not_break_training_under_autocast():
    """A weight that autocast cached without a gradient would not be
    trained."""
    model = build(vit_config(**FULL)).train()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses, data = train_losses(model)
        total, _ = model.parse_losses(losses)
    assert all(v.dtype == torch.float32 for v in losses.values())
    assert data['guidance'].attention.dtype == torch.float32
    assert data['mixed'].lam.dtype == torch.float32
    total.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum(
        ) > 0, name


@pytest.mark.slow
@compiling
@pytest.mark.parametrize('backend', ['eager', 'aot_eager'])
def test_compiled_training_is_guided(backend):
    """MMEngine compiles the whole train step, preprocessor included."""
    torch._dynamo.reset()
    plain = build(vit_config([SMMIX, MIXUP], BOTH_LOSSES)).train()
    compiled = copy.deepcopy(plain)
    compiled.train_step = torch.compile(compiled.train_step, backend=backend)
    for _ in range(4):
        data = batch()
        logs = [
            model.train_step(
                copy.deepcopy(data),
                OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1)))
            for model in (plain, compiled)
        ]
        assert logs[0].keys() == logs[1].keys()
        for name in logs[0]:
            torch.testing.assert_close(
                logs[0][name], logs[1][name], atol=1e-4, rtol=1e-4)


def test_a_loss_that_is_not_finite_stops_before_the_optimizer():
    model = build(vit_config(**FULL)).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    hub = MessageHub.get_current_instance()
    hub.update_info('iter', 41)
    hub.update_scalar('train/lr', 0.1)
    data = batch()
    data['inputs'][3][0, 0, 0] = float('nan')
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(FloatingPointError, match='iteration 42') as error:
        model.train_step(data, OptimWrapper(optimizer))
    hub.pop_info('iter')
    assert "'loss_fine': nan" in str(error.value)
    assert "'lr': 0.1" in str(error.value)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_bad_configs_are_refused_at_build_time():
    with pytest.raises(ValueError, match="out_type='raw'"):
        build(vit_config(**FULL, backbone=dict(out_type='cls_token')))
    with pytest.raises(ValueError, match='num_classes'):
        build(vit_config(**FULL, head=dict(num_classes=None)))
    for backbone in (dict(with_cls_token=False), dict(out_type='featmap')):
        with pytest.raises(ValueError, match='GlobalAveragePooling'):
            build(vit_config(backbone=backbone))
    with pytest.raises(ValueError, match='num_classes=5 and .* 3'):
        build(vit_config(data_preprocessor=dict(num_classes=3)))
    with pytest.raises(ValueError, match="named 'cls'"):
        build(vit_config([SMMIX], dict(cls=BOTH_LOSSES['fine'])))
    with pytest.raises(ValueError, match='ClsDataPreprocessor'):
        build(
            vit_config(
                [CUTMIX],
                data_preprocessor=dict(type='mmpretrain.ClsDataPreprocessor')))


@pytest.mark.parametrize(
    'augment,name',
    [(MIXUP, 'mmmix.Mixup'),
     (dict(type='mmpretrain.CutMix', alpha=1.), 'mmpretrain.CutMix')])
def test_a_loss_that_could_never_apply_is_refused(augment, name):
    with pytest.raises(
            ValueError, match=f'mix_losses.fine .*none of .*{name}'):
        build(vit_config([augment], BOTH_LOSSES))


def test_class_token_is_enough_without_a_loss_on_tokens():
    cfg = vit_config([SMMIX],
                     dict(consistency=BOTH_LOSSES['consistency']),
                     backbone=dict(out_type='cls_token'))
    losses, _ = train_losses(build(cfg))
    assert set(losses) == {'loss_cls', 'loss_consistency'}


@pytest.mark.parametrize('head', [
    dict(label_rule=dict(type='mmmix.TransMixLabel')),
    dict(mix_losses=BOTH_LOSSES),
])
def test_parts_of_a_head_that_require_mixing_are_refused_without_it(head):
    model = build(vit_config(head=head))
    with pytest.raises(ValueError, match='nothing is mixed: name a mixer'):
        train_losses(model)
    assert model(torch.rand(1, 3, 32, 32), mode='predict')


@pytest.mark.parametrize('wrong,message', [
    (dict(guide=dict(type='mmmix.TopDown')), '`guide` must be of type Guide'),
    (dict(guide=dict(type='SelfGuide', attention_map=dict(type='SelfGuide'))),
     '`attention_map` must be of type AttentionMap'),
    (dict(head=dict(label_rule=BOTH_LOSSES['fine'])),
     "`label_rule` must be of type LabelRule, but 'mmmix.FineGrainedLoss'"),
    (dict(mix_losses=dict(fine=dict(type='mmmix.TransMixLabel'))),
     '`mix_losses.fine` must be of type MixLoss'),
])
def test_a_part_of_another_kind(wrong, message):
    with pytest.raises(ValueError, match=message):
        build(vit_config([SMMIX], **wrong))
