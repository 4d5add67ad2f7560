"""Ten steps of SMMix against the paper written down once more, slowly."""
import copy

import numpy as np
import pytest
import torch
from helpers import (BOTH_LOSSES, NUM_CLASSES, SMMIX, batch, build,
                     dense_attention, vit_config)
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper

SEED, STEPS, LR, PATCH = 11, 10, 0.2, 8


def best_place(attention, h, w, sign):
    """Eq. 7 by looking at every place; returns the upper left cell."""
    places = [(sign * attention[i:i + h, j:j + w].sum().item(), -i, -j)
              for i in range(attention.size(0) - h + 1)
              for j in range(attention.size(1) - w + 1)]
    _, i, j = max(places)
    return -i, -j


def cross_entropy(logits, target):
    return -(target * logits.log_softmax(-1)).sum()


def reference_loss(model, inputs, labels, delta):
    """Eq. 6-15, image by image."""
    n, grid = len(inputs), inputs.size(-1) // PATCH
    one_hot = torch.eye(NUM_CLASSES)[labels]
    with torch.no_grad():
        model.eval()
        attention = dense_attention(model.backbone, inputs).view(n, grid, grid)
        unmixed = model(inputs).softmax(1)
        model.train()
    h = w = int(delta * grid)
    mixed, boxes = inputs.clone(), []
    for b in range(n):
        a = n - 1 - b
        i_s, j_s = best_place(attention[a], h, w, 1)
        i_t, j_t = best_place(attention[b], h, w, -1)
        mixed[b, :, i_t * PATCH:(i_t + h) * PATCH, j_t * PATCH:(j_t + w) *
              PATCH] = inputs[a, :, i_s * PATCH:(i_s + h) * PATCH,
                              j_s * PATCH:(j_s + w) * PATCH]
        boxes.append((i_t, j_t))
    lam = h * w / grid**2
    output = model.backbone(mixed)[-1]
    classify = model.head.layers.head
    loss = 0.
    for b, (i_t, j_t) in enumerate(boxes):
        a = n - 1 - b
        tokens = output[b, 1:].view(grid, grid, -1)
        inside = [
            tokens[i, j] for i in range(grid) for j in range(grid)
            if i_t <= i < i_t + h and j_t <= j < j_t + w
        ]
        outside = [
            tokens[i, j] for i in range(grid) for j in range(grid)
            if not (i_t <= i < i_t + h and j_t <= j < j_t + w)
        ]
        logits = classify(output[b, 0])
        loss = loss + cross_entropy(logits, lam * one_hot[a] +
                                    (1 - lam) * one_hot[b])
        loss = loss + (cross_entropy(
            classify(sum(inside) / len(inside)), one_hot[a]) + cross_entropy(
                classify(sum(outside) / len(outside)), one_hot[b])) / 2
        target = lam * unmixed[a] + (1 - lam) * unmixed[b]
        loss = loss + (target * (target.log() - logits.log_softmax(-1))).sum()
    return loss / n


def test_ten_steps_equal_the_reference():
    ours = build(vit_config([SMMIX], BOTH_LOSSES)).train()
    slow = copy.deepcopy(ours)
    optimizers = [torch.optim.SGD(m.parameters(), lr=LR) for m in (ours, slow)]
    hub = MessageHub.get_current_instance()
    hub.update_info('seed', SEED)
    start = copy.deepcopy(ours.state_dict())
    for step in range(STEPS):
        hub.update_info('iter', step)
        data = batch()
        inputs = torch.stack(data['inputs'])
        labels = [sample.gt_label.item() for sample in data['data_samples']]
        log = ours.train_step(data, OptimWrapper(optimizers[0]))
        # the one number that a batch-wise SMMix with flipped pairs draws
        draw = np.random.default_rng([SEED, step, 0, 1]).random()
        loss = reference_loss(slow, inputs, labels, 0.25 + draw / 2)
        optimizers[1].zero_grad()
        loss.backward()
        optimizers[1].step()
        assert log['loss'].item() == pytest.approx(loss.item(), rel=1e-4)
    hub.pop_info('seed')
    hub.pop_info('iter')
    for name, value in ours.state_dict().items():
        torch.testing.assert_close(
            value, slow.state_dict()[name], rtol=1e-3, atol=1e-5)
    moved = (start['backbone.pos_embed'] -
             ours.state_dict()['backbone.pos_embed']).abs().max()
    assert moved > 1e-3
