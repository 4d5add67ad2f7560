"""No part lets a GPU wait, or needs one to be tested for that."""
import one_step
import pytest
import torch
from stand_in_gpu import GPU, stand_in_gpu, to_cpu


def test_every_registered_part_has_a_case():
    pytest.importorskip('hypothesis')
    from test_fuzz import strategies as known
    used = {
        name
        for cfg in one_step.CASES.values()
        for name in known.names_in(cfg)
    }
    used.add('GeneratorLoss')  # AutoMix's default
    parts = {
        *known.MIXERS, *known.GUIDES, *known.MAPS, *known.RULES, *known.LOSSES
    }
    assert parts <= used, parts - used


@pytest.mark.filterwarnings('ignore:FrozenGuide has no checkpoint')
@pytest.mark.parametrize('name', one_step.CASES)
def test_a_step_lets_no_gpu_wait_and_gives_the_numbers_of_the_cpu(name):
    if name == 'PuzzleMix':
        pytest.importorskip('scipy')
    model = one_step.build(one_step.CASES[name])
    one_step.losses_of(model, one_step.data(seed=1), 0)
    expected, mixed = one_step.losses_of(model, one_step.data(), 1)
    model = one_step.build(one_step.CASES[name])
    with stand_in_gpu() as waits:
        one_step.move(model, GPU)
        one_step.losses_of(model, one_step.data(seed=1), 0)  # guides move
        del waits[:]
        losses, found = one_step.losses_of(model, one_step.data(), 1)
        sum(losses.values()).backward()
        assert len(waits) == (name in one_step.WAIT_ONCE), waits
    for field in ('inputs', 'lam', 'mask', 'source'):
        torch.testing.assert_close(
            to_cpu(getattr(found, field)), getattr(mixed, field))
    assert losses.keys() == expected.keys()
    for key, loss in losses.items():
        torch.testing.assert_close(
            to_cpu(loss), expected[key], check_device=False)


def test_what_waits_is_noticed():
    values = torch.tensor([1., 0., 2.])
    waiting = [
        lambda t: t.to('cpu'), lambda t: t.cpu(), lambda t: t.tolist(),
        lambda t: bool(t.any()), lambda t: t.sum().item(), lambda t: t[t > 0],
        lambda t: t.nonzero(), lambda t: torch.tensor([1.], device=t.device),
        lambda t: values.to(t.device), lambda t: values.to(t),
        lambda t: t.copy_(values), lambda t: t[torch.tensor([0])],
        lambda t: float(t[0])
    ]
    others = [
        lambda t: t[0] + 1, lambda t: t * torch.tensor(2.),
        lambda t: t[t.long()], lambda t: t.masked_fill(t > 0, 1.),
        lambda t: torch.arange(3, device=t.device) + t,
        lambda t: values.to(t.device, non_blocking=True) + t,
        lambda t: t.topk(2)
    ]
    with stand_in_gpu() as waits:
        tensor = values.to(GPU)
        for count, functions in ((1, waiting), (0, others)):
            for function in functions:
                del waits[:]
                function(tensor)
                assert len(waits) == count, waits
        with pytest.raises(RuntimeError, match='two devices'):
            tensor + values
