"""Run in each of two processes: some steps that mix inside of the network."""
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from mmengine.logging import MessageHub
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper

sys.path.append(str(Path(__file__).parents[1]))
from helpers import batch, build, cnn_config  # noqa: E402

STEPS = 6
LR = 0.1
FIELDS = ('inputs', 'labels', 'source', 'lam', 'mask', 'kind', 'site')


def new_model():
    """The same in both processes; one of the sites runs again in the backward
    pass."""
    torch.manual_seed(0)
    cfg = cnn_config([
        dict(
            type='mmmix.ManifoldMix',
            sites=['input', 'layer1', 'layer2.0.conv2'])
    ])
    cfg['backbone']['with_cp'] = True
    return build(cfg)


def weights_of(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def steps():
    """What each step mixed, and the weights before and after it."""
    model = new_model()
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), lr=LR))
    wrapped, notes = MMDistributedDataParallel(model, device_ids=None), []
    model.data_preprocessor.register_mix_hook(
        lambda mixed, guidance: notes.append(
            {name: getattr(mixed, name)
             for name in FIELDS}))
    torch.manual_seed(dist.get_rank())  # images of its own
    for step in range(STEPS):
        MessageHub.get_current_instance().update_info('iter', step)
        before = weights_of(model)
        wrapped.train_step(batch(), optimizer)
        notes[-1].update(before=before, after=weights_of(model))
    return notes


if __name__ == '__main__':
    torch.set_num_threads(1)
    dist.init_process_group('gloo')
    MessageHub.get_current_instance().update_info('seed', 1)
    torch.save(steps(), f'{sys.argv[1]}/rank{dist.get_rank()}.pt')
    dist.destroy_process_group()
