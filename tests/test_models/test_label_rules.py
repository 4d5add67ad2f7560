"""Label rules in a model, against lambdas computed by hand in float64."""
import copy
import math

import pytest
import torch
from helpers import (BOTH_LOSSES, NUM_CLASSES, SMMIX, batch, build, cnn_config,
                     compiling, dense_attention, mix, train_losses, vit_config)
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper

from mmmix.functional import box_masks
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch

CELL = 8
CUTMIX = dict(type='mmmix.CutMix', alpha=1.)
MIXUP = dict(type='mmmix.Mixup', alpha=0.8)
MIXERS = [
    CUTMIX,
    dict(type='mmmix.ResizeMix', alpha=1.), SMMIX,
    dict(SMMIX, per_image=True, delta=(0, 1)),
    dict(type='mmmix.MaskMix', scale=1, patch_size=8, mask_per_image=True)
]
TRANSMIX = dict(type='mmmix.TransMixLabel')
PAL = dict(type='mmmix.ProgressiveAttentionLabel')
AREA = dict(type='mmmix.AreaAttentionLabel')


@pytest.fixture
def hub():
    """A message hub as a running trainer has it."""
    hub = MessageHub.get_current_instance()
    hub.update_info('iter', 3)
    hub.update_info('max_iters', 8)
    hub.update_info('seed', 7)
    yield hub
    for name in ('iter', 'max_iters', 'seed'):
        hub.pop_info(name)


def ruled(rule, augments=(CUTMIX, ), cfg=vit_config, **kwargs):
    return build(cfg(list(augments), head=dict(label_rule=rule), **kwargs))


def pixels(mixed, n, boxes=None):
    """Places of the pasted region, or of its origin, one by one."""
    height, width = mixed.inputs.shape[-2:]
    if boxes is not None:
        y1, x1, y2, x2 = boxes[n].tolist()
        return [(y, x) for y in range(y1, y2) for x in range(x1, x2)]
    mask, step = mixed.mask[n].tolist(), height // mixed.mask.size(1)
    return [(y, x) for y in range(height) for x in range(width)
            if mask[y // step][x // step]]


def attention_on(attention, places):
    """Each pixel has its share of its cell's attention."""
    attention = attention.double().tolist()
    return sum(attention[y // CELL][x // CELL] for y, x in places) / CELL**2


def attended_by_the_class_token(model, mixed, normalize=False, nearest=False):
    """lambda_attn of MixPro, Eq. 5, for each image."""
    with torch.no_grad():
        maps = dense_attention(model.backbone, mixed.inputs, True)
    lams = []
    for n, attention in enumerate(maps.unflatten(1, (4, 4))):
        places = pixels(mixed, n)
        lam = attention_on(attention, places)
        if nearest:
            lam = sum(attention[i, j].item() for i in range(4)
                      for j in range(4) if (i * CELL, j * CELL) in places)
        lams.append(lam / attention.sum().item() if normalize else lam)
    return lams


def attended_by_the_guide(mixed,
                          maps,
                          target='visible',
                          ratio='image',
                          source_map='own'):
    """lambda_a of TdAttenMix, Eq. 11-13, for each image."""
    parts = []
    for n in range(len(maps)):
        put = pixels(mixed, n, mixed.target_boxes)
        if target == 'visible':
            put = {(y, x) for y in range(32) for x in range(32)} - set(put)
        taken = pixels(mixed, n, mixed.source_boxes)
        a = maps[n if source_map == 'target' else mixed.source[n]]
        parts.append((attention_on(a, taken), attention_on(maps[n], put)))
    if ratio == 'batch':
        parts = [[sum(part) for part in zip(*parts)]] * len(maps)
    return [
        a / (a + b) if a + b and mixed.lam[n] else mixed.lam[n].item()
        for n, (a, b) in enumerate(parts)
    ]


def blend(weight, one, other):
    return [w * a + (1 - w) * b for w, a, b in zip(weight, one, other)]


def mixed_labels(mixed, lams):
    return [[
        lam * a.item() + (1 - lam) * b.item() for a, b in zip(y_a, y_b)
    ] for lam, y_a, y_b in zip(lams, mixed.labels[mixed.source], mixed.labels)]


def cross_entropy(logits, labels):
    return sum(-y * log_p.item()
               for row, label in zip(logits.log_softmax(1), labels)
               for log_p, y in zip(row, label)) / len(labels)


def cosines(logits, labels, smooth=0.):
    """MixPro, Eq. 8."""
    alphas = []
    for p, y in zip(logits.softmax(1).tolist(), labels):
        y = [(1 - smooth) * v + smooth / len(y) for v in y]
        alphas.append(
            sum(a * b for a, b in zip(p, y)) /
            math.sqrt(sum(a * a for a in p) * sum(b * b for b in y)))
    return alphas


def by_hand(rule, model, data):
    """Lambda of each image under a rule."""
    rule, mixed = dict(rule), data['mixed']
    kind, area = rule.pop('type'), mixed.lam.tolist()
    if kind == AREA['type']:
        beta = rule.pop('beta', 0.5)
        attended = attended_by_the_guide(mixed, data['guidance'].attention,
                                         **rule)
        return blend([beta] * len(area), area, attended)
    attended = attended_by_the_class_token(model, mixed, rule.get('normalize'),
                                           'downsample' not in rule)
    if kind == TRANSMIX['type']:
        weight = rule.get('area_weight', 0.)
        return blend([weight] * len(area), area, attended)
    with torch.no_grad():
        logits = model(mixed.inputs)
    alphas = dict(
        cosine=cosines(logits, mixed_labels(mixed, area),
                       rule.get('label_smooth', 0.)),
        equal=[0.5] * len(area),
        linear=[3 / 8] * len(area),
        parabolic=[9 / 64] * len(area),
        learnable=[0.5] * len(area))
    return blend(alphas[rule.get('progress', 'cosine')], attended, area)


def lambdas_of(model):
    """The list to which the rule's lambdas are appended."""
    noted = []
    model.label_rule.register_forward_hook(
        lambda module, args, lam: noted.append(lam))
    return noted


def name_of(part):
    return '-'.join(
        str(value).replace('mmmix.', '') for value in part.values())


@pytest.mark.parametrize('mixer', MIXERS, ids=name_of)
@pytest.mark.parametrize(
    'rule', [
        TRANSMIX,
        dict(TRANSMIX, normalize=True, area_weight=0.5, downsample='area'),
        PAL,
        dict(PAL, label_smooth=0.1, normalize=True, downsample='area'), AREA,
        dict(AREA, beta=0.2, target='replaced'),
        dict(AREA, beta=0., target='replaced', ratio='batch'),
        dict(AREA, ratio='batch', source_map='target'),
        dict(AREA, source_map='target')
    ],
    ids=name_of)
def test_every_loss_sees_the_lambda_of_the_rule(rule, mixer):
    model = ruled(
        rule, [mixer],
        mix_losses=dict(
            consistency=dict(type='mmmix.ConsistencyLoss', distance='l1')))
    noted = lambdas_of(model)
    losses, data = train_losses(model)
    mixed, guidance = data['mixed'], data['guidance']
    lams = by_hand(rule, model, data)
    assert noted[0].tolist() == pytest.approx(lams, abs=1e-5)
    with torch.no_grad():
        logits = model(data['inputs'])
    assert losses['loss_cls'].item() == pytest.approx(
        cross_entropy(logits, mixed_labels(mixed, lams)), rel=1e-4)
    distance = 0.
    for n, lam in enumerate(lams):
        y_a = guidance.logits[mixed.source[n]].softmax(0)
        y_b = guidance.logits[n].softmax(0)
        target = lam * y_a + (1 - lam) * y_b
        distance += (logits[n].softmax(0) - target).abs().sum().item()
    assert losses['loss_consistency'].item() == pytest.approx(
        distance / 6, rel=1e-4)
    # each image has its own lambda, which is not the area
    area = mixed.lam.tolist()
    assert max(abs(a - b) for a, b in zip(lams, area)) > 1e-3
    if rule.get('ratio') != 'batch':
        assert len({round(lam, 4) for lam in lams}) > 1


@pytest.mark.parametrize(
    'progress', ['cosine', 'equal', 'linear', 'parabolic', 'learnable'])
def test_strategies_of_table_10(progress, hub):
    rule = dict(PAL, progress=progress)
    model = ruled(rule)
    with torch.no_grad():
        for parameter in model.label_rule.parameters():
            parameter.zero_()  # its initial value
    noted = lambdas_of(model)
    _, data = train_losses(model)
    lams = by_hand(rule, model, data)
    assert noted[0].tolist() == pytest.approx(lams, abs=1e-5)
    assert len({round(lam, 3) for lam in lams}) > 1


def test_progress_follows_the_run(hub):
    model = ruled(dict(PAL, progress='linear'))
    _, data = train_losses(model)
    factors = []
    for iteration in (0, 2, 7):
        hub.update_info('iter', iteration)
        factors.append(
            model.label_rule.factor(torch.rand(6, 5), data['mixed']).item())
    assert factors == [0, 2 / 8, 7 / 8]


@pytest.mark.parametrize('progress', ['linear', 'parabolic'])
def test_progress_without_a_run_is_refused(progress):
    with pytest.raises(ValueError, match='max_iters'):
        train_losses(ruled(dict(PAL, progress=progress)))


@pytest.mark.parametrize('augment,applies',
                         [(CUTMIX, True), (MIXUP, False), (None, False),
                          (dict(type='mmpretrain.Mixup', alpha=1.), False)])
def test_the_learnable_factor_takes_part_in_every_step(augment, applies):
    """Or DistributedDataParallel waits for its gradient forever."""
    augments, probs = [CUTMIX, augment or MIXUP], [0., 1.]
    if augment is None:
        probs = [0., 0.]
    model = ruled(dict(PAL, progress='learnable'), augments, probs=probs)
    losses, _ = train_losses(model)
    model.parse_losses(losses)[0].backward()
    assert all(p.grad is not None for p in model.parameters())
    assert (model.label_rule.logit.grad != 0) == applies
    # it is the only parameter that a stock model does not have
    stock = build(vit_config()).state_dict()
    assert model.state_dict().keys() - stock.keys() == {
        'head.label_rule.logit'
    }


@pytest.mark.parametrize('stop_gradient', [True, False])
def test_the_gradient_stops_in_the_factor_or_does_not(stop_gradient):
    model = ruled(dict(PAL, stop_gradient=stop_gradient))
    losses, data = train_losses(model)
    mixed, classes = data['mixed'], model.head.layers.head
    (gradient, ) = torch.autograd.grad(losses['loss_cls'], classes.weight)
    attended = torch.tensor(
        attended_by_the_class_token(model, mixed, nearest=True))
    y_a, y_b = mixed.labels[mixed.source], mixed.labels

    def slow_gradient(stop):
        logits = model(mixed.inputs)
        area = mixed.lam[:, None]
        label = area * y_a + (1 - area) * y_b
        p = logits.softmax(1)
        alpha = (p * label).sum(1) / p.norm(dim=1) / label.norm(dim=1)
        alpha = alpha.detach() if stop else alpha
        lam = (alpha * attended + (1 - alpha) * mixed.lam)[:, None]
        label = lam * y_a + (1 - lam) * y_b
        loss = -(label * logits.log_softmax(1)).sum(1).mean()
        return torch.autograd.grad(loss, classes.weight)[0]

    torch.testing.assert_close(
        gradient, slow_gradient(stop_gradient), rtol=1e-3, atol=1e-6)
    assert not torch.allclose(
        gradient, slow_gradient(not stop_gradient), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize('rule', [TRANSMIX, PAL, AREA], ids=name_of)
def test_a_blend_keeps_its_own_lambda(rule):
    model = ruled(rule, [CUTMIX, MIXUP], probs=[0., 1.])
    losses, data = train_losses(model)
    mixed = data['mixed']
    assert mixed.mixer == 'Mixup' and data['guidance'] is None
    with torch.no_grad():
        logits = model(data['inputs'])
    assert losses['loss_cls'].item() == pytest.approx(
        cross_entropy(logits, mixed_labels(mixed, mixed.lam.tolist())),
        rel=1e-5)


@pytest.mark.parametrize('rule', [TRANSMIX, PAL, AREA], ids=name_of)
@pytest.mark.parametrize('n,size', [(1, (32, 32)), (5, (16, 40))])
def test_odd_batches_and_rectangular_images(rule, n, size):
    model = ruled(rule, [SMMIX], mix_losses=BOTH_LOSSES, img_size=size)
    losses, _ = train_losses(model, batch(n, size))
    assert all(torch.isfinite(v) for v in losses.values())


def test_random_beta_is_one_number_for_each_batch(hub):
    rule, drawn = dict(AREA, beta='random'), []
    model = ruled(rule, [SMMIX])
    handle = model.data_preprocessor.register_mix_hook(
        lambda mixed, guidance: drawn.append(copy.deepcopy(mixed.rng)))
    losses, data = train_losses(model)
    handle.remove()
    beta = drawn[0].random()
    assert 0 <= beta < 1
    lams = by_hand(dict(rule, beta=beta), model, data)
    with torch.no_grad():
        logits = model(data['inputs'])
    assert losses['loss_cls'].item() == pytest.approx(
        cross_entropy(logits, mixed_labels(data['mixed'], lams)), rel=1e-4)


def test_random_beta_requires_no_stored_state(hub):
    """Seed and iteration determine it, so a resumed run draws the same; the
    mix itself is that of a fixed beta."""
    model = ruled(dict(AREA, beta='random'))
    fixed = ruled(dict(AREA, beta=0.))
    fixed.load_state_dict(model.state_dict())
    data = batch()

    def at(iteration, model=model):
        """What was mixed, the number drawn next, and the rule's lambda."""
        hub.update_info('iter', iteration)
        step = mix(model, dict(data))
        beta = copy.deepcopy(step['mixed'].rng).random()
        lam = model.relabel(step['mixed'], step['guidance']).lam
        return step['mixed'], beta, lam

    run = [at(i) for i in range(4)]
    resumed = [at(i) for i in range(2, 4)]
    for (_, beta, lam), (_, same_beta, same_lam) in zip(run[2:], resumed):
        assert beta == same_beta and torch.equal(lam, same_lam)
    assert len({beta for _, beta, _ in run}) == 4
    mixed, _, attended = at(1, fixed)
    assert torch.equal(mixed.inputs, run[1][0].inputs)
    torch.testing.assert_close(
        run[1][2], run[1][1] * mixed.lam + (1 - run[1][1]) * attended)


def test_random_beta_without_a_generator_is_refused():
    model = ruled(dict(AREA, beta='random'))
    step = mix(model)
    step['mixed'].rng = None
    with pytest.raises(ValueError, match='`mixed.rng` is None'):
        model.relabel(step['mixed'], step['guidance'])


def region_batch(boxes, n=3):
    boxes = torch.tensor(boxes).expand(n, 4)
    mask = box_masks(boxes, (4, 4))
    return MixedBatch(
        inputs=torch.rand(n, 3, 4, 4),
        labels=torch.eye(n),
        source=torch.arange(n).flip(0),
        lam=mask.mean((1, 2)),
        mask=mask,
        kind='regions',
        source_boxes=boxes,
        target_boxes=boxes,
        mixer='SMMix')


@pytest.mark.parametrize('box', [[0, 0, 2, 2], [0, 0, 0, 0]])
@pytest.mark.parametrize('target', ['replaced', 'visible'])
@pytest.mark.parametrize('ratio', ['image', 'batch'])
def test_without_attention_only_the_area_counts(box, target, ratio):
    mixed = region_batch(box)
    rule = MODELS.build(dict(AREA, target=target, ratio=ratio))
    guidance = Guidance(attention=torch.zeros(3, 4, 4))
    assert torch.equal(rule(torch.rand(3, 3), mixed, guidance), mixed.lam)


def test_beta_1_is_the_area_of_equation_10():
    mixed = region_batch([[0, 1, 3, 3]])
    rule = MODELS.build(dict(AREA, beta=1))
    guidance = Guidance(attention=torch.rand(3, 4, 4))
    lam = rule(torch.rand(3, 3), mixed, guidance)
    torch.testing.assert_close(lam, torch.full((3, ), 6 / 16))


@pytest.mark.parametrize('rule', [TRANSMIX, PAL, AREA], ids=name_of)
def test_full_precision_under_autocast(rule):
    """And every parameter is still trained."""
    model = ruled(rule, [SMMIX], mix_losses=BOTH_LOSSES)
    lams = lambdas_of(model)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses, data = train_losses(model)
        total, _ = model.parse_losses(losses)
    assert lams[0].dtype == torch.float32 and lams[0].shape == (6, )
    assert all(v.dtype == torch.float32 for v in losses.values())
    if data['guidance'] is not None:
        assert data['guidance'].attention.dtype == torch.float32
    total.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


@pytest.mark.slow
@compiling
def test_attention_of_a_compiled_forward():
    """MMEngine compiles the whole train step; the hook must be in it."""
    torch._dynamo.reset()
    plain = ruled(TRANSMIX).train()
    compiled = copy.deepcopy(plain)
    compiled.train_step = torch.compile(
        compiled.train_step, backend='aot_eager')
    for _ in range(2):
        data = batch()
        logs = [
            model.train_step(
                copy.deepcopy(data),
                OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1)))
            for model in (plain, compiled)
        ]
        torch.testing.assert_close(
            logs[0]['loss'], logs[1]['loss'], atol=1e-4, rtol=1e-4)


def test_recording_leaves_nothing_behind():
    model = ruled(TRANSMIX)
    hooks = [len(m._forward_hooks) for m in model.modules()]
    train_losses(model)
    assert [len(m._forward_hooks) for m in model.modules()] == hooks
    assert model._recorder._outputs is None
    # a copy records itself
    copied = copy.deepcopy(model)
    with torch.no_grad():
        copied.backbone.layers[-1].attn.qkv.weight.mul_(3)
    losses, data = train_losses(copied)
    with torch.no_grad():
        logits = copied(data['inputs'])
    assert losses['loss_cls'].item() == pytest.approx(
        cross_entropy(
            logits, mixed_labels(data['mixed'],
                                 by_hand(TRANSMIX, copied, data))),
        rel=1e-4)


@pytest.mark.parametrize(
    'rule,message',
    [(dict(TRANSMIX, area_weight=1.5), r'in \[0, 1\], not 1.5'),
     (dict(TRANSMIX, downsample='bicubic'), "'nearest'.*not 'bicubic'"),
     (dict(PAL, progress='cubic'), "'learnable'.*not 'cubic'"),
     (dict(PAL, label_smooth=1.), r'in \[0, 1\), not 1.0'),
     (dict(PAL, downsample='max'), "not 'max'"),
     (dict(AREA, beta=-0.1), 'not -0.1'),
     (dict(AREA, beta='half'), "or 'random', not 'half'"),
     (dict(AREA, target='all'), "'visible'.*not 'all'"),
     (dict(AREA, ratio='class'), "'batch'.*not 'class'"),
     (dict(AREA, source_map='source'), "'target'.*not 'source'")])
def test_bad_options_are_refused(rule, message):
    with pytest.raises(ValueError, match=message):
        ruled(rule)


@pytest.mark.parametrize('rule', [TRANSMIX, PAL], ids=name_of)
def test_a_backbone_without_class_attention_is_refused(rule):
    with pytest.raises(ValueError, match='ResNet_CIFAR.*AreaAttentionLabel'):
        ruled(rule, cfg=cnn_config)
    cfg = vit_config([CUTMIX], head=dict(label_rule=rule))
    cfg['backbone'].update(with_cls_token=False, out_type='featmap')
    cfg['neck'] = dict(type='mmpretrain.GlobalAveragePooling')
    cfg['head']['type'] = 'mmmix.MixLinearClsHead'
    with pytest.raises(ValueError, match='VisionTransformer has no class tok'):
        build(cfg)


@pytest.mark.parametrize(
    'augment', [MIXUP, dict(type='mmpretrain.CutMix', alpha=1.)], ids=name_of)
@pytest.mark.parametrize('rule', [TRANSMIX, PAL, AREA], ids=name_of)
def test_a_rule_that_could_never_apply_is_refused(rule, augment):
    name = rule['type'].split('.')[1]
    with pytest.raises(ValueError, match=f'{name}.*none of.*label_rule=None'):
        ruled(rule, [augment])


def test_none_removes_an_inherited_rule():
    model = ruled(None)
    losses, data = train_losses(model)
    assert model.label_rule is None
    with torch.no_grad():
        logits = model(data['inputs'])
    labels = mixed_labels(data['mixed'], data['mixed'].lam.tolist())
    assert losses['loss_cls'].item() == pytest.approx(
        cross_entropy(logits, labels), rel=1e-5)
    assert len(labels[0]) == NUM_CLASSES


@pytest.mark.parametrize('rule',
                         ['TransMixLabel', 'ProgressiveAttentionLabel'])
def test_the_attention_of_a_model_in_float64(rule):
    mixed = MixedBatch(
        inputs=torch.rand(2, 3, 16, 16),
        labels=torch.eye(2),
        source=torch.tensor([1, 0]),
        lam=torch.full((2, ), 0.5),
        mask=box_masks(torch.tensor([[0, 0, 16, 8]]).expand(2, -1), (16, 16)),
        kind='regions')
    lam = MODELS.build(dict(type=f'mmmix.{rule}', normalize=True))(
        torch.zeros(2, 2).double(),
        mixed,
        class_attention=torch.tensor([[[1., 3.]]]).double().expand(2, -1, -1))
    assert lam.dtype == torch.float32 and lam[0] < 0.5
