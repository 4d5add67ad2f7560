"""One training step of every backbone family in bfloat16 and float16."""
import pytest
import torch
from families import FAMILIES, TRANSFORMERS, each
from helpers import BOTH_LOSSES, SMMIX, batch, build, train_losses, vit_config
from mmengine.optim import AmpOptimWrapper

from mmmix.engine.autocast import AutocastOptimWrapper

WITH_TOKENS = {family.values[0] for family in TRANSFORMERS}


def family_model(family):
    """A model that guides itself, with all losses that its family allows, on
    the GPU; and its data."""
    if family == 'vit':
        return build(vit_config([SMMIX], BOTH_LOSSES)).cuda(), batch()
    losses = dict(BOTH_LOSSES)
    if family not in WITH_TOKENS:
        losses.pop('fine')
    # the map of the small ResNet has two cells
    smmix = dict(SMMIX, grid=4)
    cfg = FAMILIES[family].config([smmix], mix_losses=losses)
    return build(cfg).cuda(), batch(5, FAMILIES[family].size)


every_family = pytest.mark.parametrize('family', each('vit', *FAMILIES))


@every_family
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_losses_are_finite_and_in_float32(family, dtype):
    model, data = family_model(family)
    with torch.autocast('cuda', dtype):
        losses, seen = train_losses(model, data)
    assert all(loss.dtype == torch.float32 for loss in losses.values())
    assert all(loss.isfinite() for loss in losses.values())
    assert seen['guidance'].attention.dtype == torch.float32
    assert seen['mixed'].lam.dtype == torch.float32
    assert seen['mixed'].inputs.dtype == torch.float32


@every_family
@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
def test_a_step_trains(family, dtype):
    model, data = family_model(family)
    optimizer = torch.optim.SGD(model.train().parameters(), lr=0.05)
    if dtype == 'bfloat16':
        wrapper = AutocastOptimWrapper(optimizer)
    else:  # a scale at which no gradient of these models overflows
        wrapper = AmpOptimWrapper(
            loss_scale=16., dtype=dtype, optimizer=optimizer)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    logs = model.train_step(data, wrapper)
    assert all(torch.isfinite(value) for value in logs.values())
    changed = [
        name for name, p in model.named_parameters()
        if not torch.equal(p, before[name])
    ]
    assert len(changed) > 0.8 * len(before)
    assert all(p.isfinite().all() for p in model.parameters())
