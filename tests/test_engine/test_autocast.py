import torch
from torch import nn

from mmmix.engine.autocast import AutocastOptimWrapper


def test_autocast_of_a_compiled_step():
    """MMEngine compiles the train step, its contexts included."""
    torch._dynamo.reset()
    model = nn.Linear(3, 2)
    wrapper = AutocastOptimWrapper(torch.optim.SGD(model.parameters(), lr=1.))

    @torch.compile(backend='eager')
    def step(images):
        with wrapper.optim_context(model):
            return model(images)

    assert step(torch.ones(1, 3)).dtype == torch.bfloat16
