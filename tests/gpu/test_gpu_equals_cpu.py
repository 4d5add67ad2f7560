"""The numbers of a GPU are those of the CPU, up to rounding."""
import copy

import one_step
import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper


def both(name):
    """The same model on the CPU and on the GPU."""
    model = one_step.build(one_step.CASES[name])
    other = one_step.build(one_step.CASES[name])
    return model, one_step.move(other, 'cuda')


def assert_mostly_close(found, expected):
    """A place may differ where rounding chose between two."""
    differs = (found.cpu().float() - expected.float()).abs() > 1e-3
    assert differs.float().mean() <= 0.01


@pytest.mark.filterwarnings('ignore:FrozenGuide has no checkpoint')
@pytest.mark.parametrize('name', one_step.CASES)
def test_mix_and_losses(name):
    if name == 'PuzzleMix':
        pytest.importorskip('scipy')
    (expected, on_cpu), (losses, on_gpu) = (
        one_step.losses_of(model, one_step.data(), 1) for model in both(name))
    assert on_gpu.inputs.is_cuda and on_gpu.kind == on_cpu.kind
    assert torch.equal(on_gpu.source.cpu(), on_cpu.source)
    for field in ('inputs', 'mask'):
        assert_mostly_close(getattr(on_gpu, field), getattr(on_cpu, field))
    torch.testing.assert_close(
        on_gpu.lam.cpu(), on_cpu.lam, rtol=1e-2, atol=1e-2)
    assert losses.keys() == expected.keys()
    for key, loss in losses.items():
        assert loss.is_cuda
        torch.testing.assert_close(
            loss.cpu(), expected[key], rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize('name', ['SMMix', 'label: TransMix', 'MaskMix'])
def test_whole_training_steps(name):
    """Preprocessor, mixing, backward pass and optimizer."""
    logs, weights = [], []
    for model in both(name):
        wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.05))
        for iteration in range(3):
            MessageHub.get_current_instance().update_info('iter', iteration)
            logs.append(
                model.train_step(one_step.data(seed=iteration), wrapper))
        weights.append(copy.deepcopy(model).cpu().state_dict())
    for on_cpu, on_gpu in zip(logs[:3], logs[3:]):
        for key, value in on_cpu.items():
            torch.testing.assert_close(
                on_gpu[key].cpu(), value, rtol=1e-2, atol=1e-3)
    for key, value in weights[0].items():
        torch.testing.assert_close(
            weights[1][key], value, rtol=1e-2, atol=1e-3)
