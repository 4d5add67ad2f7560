"""Run in each of two processes: some steps with every label rule, and with a
mixer that learns."""
import copy
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from mmengine.logging import MessageHub
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper

sys.path.append(str(Path(__file__).parents[1]))
from helpers import batch, build, vit_config  # noqa: E402

STEPS = 4
RULES = dict(
    transmix=dict(type='mmmix.TransMixLabel'),
    learnable=dict(
        type='mmmix.ProgressiveAttentionLabel', progress='learnable'),
    random_beta=dict(type='mmmix.AreaAttentionLabel', beta='random'))
SMMIX = dict(type='mmmix.SMMix', pairing='shuffle')


def steps(mixer, rule=None):
    """Notes of each step: mixer, what the rule drew, and the new weights."""
    torch.manual_seed(0)
    model = build(
        vit_config([mixer, dict(type='mmmix.Mixup', alpha=0.8)],
                   head=dict(label_rule=rule)))
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    wrapped, notes = MMDistributedDataParallel(model, device_ids=None), []
    model.data_preprocessor.register_mix_hook(
        lambda mixed, guidance: notes.append(
            dict(
                mixer=mixed.mixer,
                # what the label rule draws next, if it does
                drawn=copy.deepcopy(mixed.rng).random())))
    torch.manual_seed(dist.get_rank())  # images of its own
    for step in range(STEPS):
        MessageHub.get_current_instance().update_info('iter', step)
        wrapped.train_step(batch(), optimizer)
        notes[-1]['weights'] = {
            name: weight.detach().clone()
            for name, weight in model.named_parameters()
        }
    return notes


if __name__ == '__main__':
    torch.set_num_threads(1)
    dist.init_process_group('gloo')
    MessageHub.get_current_instance().update_info('seed', 2)
    notes = {name: steps(SMMIX, rule) for name, rule in RULES.items()}
    notes['automix'] = steps(dict(type='mmmix.AutoMix'))
    torch.save(notes, f'{sys.argv[1]}/rank{dist.get_rank()}.pt')
    dist.destroy_process_group()
