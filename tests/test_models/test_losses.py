"""Mix losses against loops over images, tokens and classes in float64."""
import math

import pytest
import torch
import torch.nn.functional as F

from mmmix.functional import box_masks
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch

N, C, K = 4, 6, 3


class Head(torch.nn.Module):
    """A linear classifier."""
    in_channels, num_classes = C, K

    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(C, K)

    def classify(self, features):
        return self.fc(features)


def mixed_batch(boxes=None, grid=(4, 4)):
    boxes = torch.tensor([[0, 0, 2, 3], [1, 1, 4, 4], [2, 0, 3, 1],
                          [0, 0, 4, 4]]) if boxes is None else boxes
    mask = box_masks(boxes, grid)
    return MixedBatch(
        inputs=torch.rand(N, 3, 8, 8),
        labels=F.one_hot(torch.tensor([0, 1, 2, 1]), K),
        source=torch.tensor([3, 2, 1, 0]),
        lam=mask.mean((1, 2)),
        mask=mask,
        kind='regions',
        mixer='SMMix')


def log_softmax(row):
    top = max(row)
    total = math.log(sum(math.exp(v - top) for v in row)) + top
    return [v - total for v in row]


def softmax(row):
    return [math.exp(v) for v in log_softmax(row)]


@pytest.mark.parametrize('smooth', [0., 0.1])
def test_fine_grained_loss_of_equations_10_to_13(smooth):
    head, mixed = Head(), mixed_batch()
    tokens = torch.randn(N, C, 4, 4)
    loss = MODELS.build(
        dict(type='mmmix.FineGrainedLoss', label_smooth=smooth))
    actual = loss(head, torch.zeros(N, K), mixed, None, tokens)

    weight, bias = head.fc.weight.double(), head.fc.bias.double()
    expected = 0.
    for n in range(N):
        for region, owner in ((1, mixed.source[n].item()), (0, n)):
            cells = [(i, j) for i in range(4) for j in range(4)
                     if mixed.mask[n, i, j] == region]
            if not cells:
                continue  # a region without tokens adds no loss
            mean = sum(tokens[n, :, i, j].double()
                       for i, j in cells) / len(cells)
            log_probs = log_softmax((weight @ mean + bias).tolist())
            target = mixed.labels[owner].tolist()
            expected -= sum(
                ((1 - smooth) * target[k] + smooth / K) * log_probs[k]
                for k in range(K)) / 2 / N
    assert actual.item() == pytest.approx(expected, rel=1e-5)


def test_fine_grained_loss_weighs_tokens_by_the_share_of_their_area():
    """A mask on pixels and tokens on a coarser grid."""
    head = Head()
    mixed = mixed_batch(torch.tensor([[1, 1, 5, 6]]).expand(N, 4), grid=(8, 8))
    tokens = torch.randn(N, C, 2, 2)
    loss = MODELS.build(dict(type='mmmix.FineGrainedLoss'))
    share = torch.tensor([[9 / 16, 6 / 16], [3 / 16, 2 / 16]])
    expected = 0.
    for weight, owner in ((share, mixed.source), (1 - share, torch.arange(N))):
        mean = (tokens * weight).sum((2, 3)) / weight.sum()
        target = mixed.labels[owner].argmax(1)
        expected += F.cross_entropy(head.fc(mean), target) / 2
    torch.testing.assert_close(
        loss(head, torch.zeros(N, K), mixed, None, tokens), expected)


@pytest.mark.parametrize('whole', [False, True])
def test_unmixed_and_replaced_images_have_one_finite_loss(whole):
    head = Head()
    boxes = torch.tensor([[0, 0, 4, 4] if whole else [0, 0, 0, 2]])
    mixed = mixed_batch(boxes.expand(N, 4))
    tokens = torch.randn(N, C, 4, 4, requires_grad=True)
    loss = MODELS.build(dict(type='mmmix.FineGrainedLoss'))(head,
                                                            torch.zeros(N, K),
                                                            mixed, None,
                                                            tokens)
    owner = mixed.source if whole else torch.arange(N)
    expected = F.cross_entropy(
        head.fc(tokens.mean((2, 3))), mixed.labels[owner].argmax(1)) / 2
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert torch.isfinite(tokens.grad).all()


@pytest.mark.parametrize('fine,coarse', [(16, 14), (8, 10), (12, 15)])
def test_empty_region_adds_nothing_also_after_rounding(fine, coarse):
    """Grids that do not divide each other."""
    head = Head()
    mixed = mixed_batch(
        torch.tensor([[0, 0, fine, fine]]).expand(N, 4), (fine, fine))
    tokens = torch.randn(N, C, coarse, coarse)
    loss = MODELS.build(dict(type='mmmix.FineGrainedLoss'))
    labels = mixed.labels[mixed.source].argmax(1)
    expected = F.cross_entropy(head.fc(tokens.mean((2, 3))), labels) / 2
    torch.testing.assert_close(
        loss(head, torch.zeros(N, K), mixed, None, tokens), expected)


@pytest.mark.parametrize('mix', ['probabilities', 'logits'])
@pytest.mark.parametrize('distance', ['kl', 'l1'])
def test_consistency_loss_of_equation_14(distance, mix):
    mixed, logits = mixed_batch(), torch.randn(N, K)
    logits = torch.randn(N, K)
    loss = MODELS.build(
        dict(type='mmmix.ConsistencyLoss', distance=distance, mix=mix))
    actual = loss(None, logits, mixed, Guidance(logits=logits))

    expected = 0.
    for n in range(N):
        lam, a = mixed.lam[n].item(), mixed.source[n].item()
        prediction = softmax(logits[n].tolist())
        of_a, of_b = logits[a].tolist(), logits[n].tolist()
        if mix == 'probabilities':
            of_a, of_b = softmax(of_a), softmax(of_b)
        target = [lam * u + (1 - lam) * v for u, v in zip(of_a, of_b)]
        if mix == 'logits':
            target = softmax(target)
        for p, t in zip(prediction, target):
            expected += (t * math.log(t / p)
                         if distance == 'kl' else abs(p - t)) / N
    assert actual.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize('name', ['FineGrainedLoss', 'ConsistencyLoss'])
def test_weight_and_float32_under_autocast(name):
    mixed, logits = mixed_batch(), torch.randn(N, K)
    args = (Head(), logits, mixed, Guidance(logits=torch.randn(N, K)),
            torch.randn(N, C, 4, 4))
    one = MODELS.build(dict(type=f'mmmix.{name}'))(*args)
    three = MODELS.build(dict(type=f'mmmix.{name}', loss_weight=3.))(*args)
    torch.testing.assert_close(three, 3 * one)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(
            MODELS.build(dict(type=f'mmmix.{name}'))(*args), one)


@pytest.mark.parametrize(
    'cfg,message',
    [(dict(type='ConsistencyLoss', distance='l2'), "not 'l2'"),
     (dict(type='ConsistencyLoss', mix='labels'), "not 'labels'"),
     (dict(type='ConsistencyLoss', batches='some'), "not 'some'"),
     (dict(type='FineGrainedLoss', label_smooth=1.), 'not 1.0')])
def test_bad_options_are_refused(cfg, message):
    cfg['type'] = 'mmmix.' + cfg['type']
    with pytest.raises(ValueError, match=message):
        MODELS.build(cfg)
