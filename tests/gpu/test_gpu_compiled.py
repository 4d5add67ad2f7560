"""A training step of every family, compiled by Inductor as MMEngine would."""
import copy

import pytest
import torch
from mmengine.optim import OptimWrapper
from test_gpu_precision import every_family, family_model

from mmmix.analysis.training_cost import Training
from mmmix.cli import build_model, load_config

pytestmark = pytest.mark.slow  # up to a minute each


def without_dropping(model):
    """Drop path and dropout draw other numbers in compiled code."""
    for module in model.modules():
        for name in ('drop_prob', 'p'):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.)
    return model


@every_family
def test_compiled_training_is_as_without(family):
    torch.compiler.reset()
    plain, data = family_model(family)
    plain = without_dropping(plain).train()
    compiled = copy.deepcopy(plain)
    compiled.train_step = torch.compile(compiled.train_step)
    for _ in range(2):
        logs = [
            model.train_step(
                copy.deepcopy(data),
                OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.01)))
            for model in (plain, compiled)
        ]
        assert logs[0].keys() == logs[1].keys()
        for name, value in logs[0].items():
            torch.testing.assert_close(
                logs[1][name], value, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_cuda_graphs(precision):
    torch.compiler.reset()
    cfg = load_config('smmix/vit-xs_smmix_1xb64-10e_synthetic.py')
    training = Training(
        build_model(cfg).cuda(), cfg, 8, (32, 32), precision, True)
    training.use_cuda_graphs()
    before = [p.detach().clone() for p in training.model.parameters()]
    for _ in range(4):
        training.step()
    assert all(p.isfinite().all() for p in training.model.parameters())
    assert any(not torch.equal(p, was)
               for p, was in zip(training.model.parameters(), before))
