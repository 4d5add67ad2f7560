"""Short trainings whose every loss and final weight is on record.

``tests/recorded_training.json`` was made by

    python tests/recorded_training.py

before mixing moved from the data preprocessor into the model; the tests
compare with it, so that no later change of the structure changes a number.
"""
import copy
import hashlib
import json
import tempfile
from pathlib import Path
from types import SimpleNamespace

import torch
from helpers import BOTH_LOSSES, NUM_CLASSES, SMMIX, cnn_config, vit_config
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from mmpretrain.structures import DataSample

from mmmix.engine.hooks import EMAGuideHook
from mmmix.registry import MODELS

RECORD = Path(__file__).with_suffix('.json')
STEPS, BATCH, SEED = 12, 5, 7
MIXUP = dict(type='mmmix.Mixup', alpha=0.8)
MASKMIX = dict(type='mmmix.MaskMix', scale=1, patch_size=8)
TOP_DOWN = dict(type='mmmix.TopDown')
EQUATION_12 = dict(type='mmmix.AreaAttentionLabel', target='replaced')
CONSISTENCY_L1 = dict(type='mmmix.ConsistencyLoss', distance='l1')


def frozen(folder):
    """A frozen CNN, whose weights are in a file."""
    cfg = cnn_config()
    path = Path(folder, 'frozen.pth')
    if not path.exists():
        model = MODELS.build(cfg)
        set_weights(model, 99)
        torch.save(model.state_dict(), path)
    return dict(
        type='mmmix.FrozenGuide', config=dict(model=cfg), checkpoint=str(path))


def configs(folder):
    """Model configs by name.

    Args:
        folder (str): For the weights of frozen guides.
    """
    attentive = dict(
        type='mmmix.AttentiveCutMix', num_cells=5, grid=4, pairing='shuffle')
    return {
        'SMMix + Mixup':
        vit_config([SMMIX, MIXUP], BOTH_LOSSES, probs=[.5, .5]),
        'MixPro':
        vit_config(
            [MASKMIX, MIXUP],
            head=dict(label_rule=dict(
                type='mmmix.ProgressiveAttentionLabel'))),
        'TdAttenMix, ViT, two passes':
        vit_config([dict(SMMIX, pairing='shuffle')],
                   dict(fine=BOTH_LOSSES['fine'], consistency=CONSISTENCY_L1),
                   guide=dict(
                       type='mmmix.SelfGuide',
                       attention_map=dict(TOP_DOWN, form='two_pass')),
                   head=dict(label_rule=dict(EQUATION_12, beta='random'))),
        'TdAttenMix, CNN, cam':
        cnn_config([SMMIX, MIXUP],
                   dict(consistency=CONSISTENCY_L1),
                   probs=[.6, .2],
                   guide=dict(
                       type='mmmix.SelfGuide',
                       attention_map=dict(TOP_DOWN, form='cam')),
                   head=dict(label_rule=EQUATION_12)),
        'Attentive CutMix, frozen':
        vit_config([attentive], guide=frozen(folder)),
        'TransMix labels on MaskMix':
        vit_config(
            [MASKMIX],
            head=dict(
                label_rule=dict(
                    type='mmmix.TransMixLabel', area_weight=.5,
                    normalize=True))),
        'EMA guide':
        vit_config([SMMIX], BOTH_LOSSES, guide=dict(type='mmmix.EMAGuide')),
        'frozen attention, own logits':
        vit_config([SMMIX],
                   BOTH_LOSSES,
                   guide=dict(
                       attention=frozen(folder),
                       logits=dict(type='mmmix.SelfGuide', scale=.5))),
    }


def set_weights(model, seed):
    """The same weights however the model was initialised."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(.1 * torch.randn(weight.shape, generator=generator))
            if weight.ndim == 1:
                weight.add_(.5)


def batch_of(step):
    """Images and labels of a step."""
    generator = torch.Generator().manual_seed(1000 + step)
    images = torch.rand(BATCH, 3, 32, 32, generator=generator)
    labels = torch.randint(0, NUM_CLASSES, (BATCH, ), generator=generator)
    return dict(
        inputs=list(images),
        data_samples=[
            DataSample().set_gt_label(label) for label in labels.tolist()
        ])


def train(cfg):
    """Train a model for some steps.

    Returns:
        dict: ``losses``, a dict for each step; ``weights``, by name a hash,
        the sum and the sum of absolute values.
    """
    torch.manual_seed(0)
    model = MODELS.build(copy.deepcopy(cfg))
    set_weights(model, 1)
    model.train()
    optimizer = OptimWrapper(
        torch.optim.SGD(model.parameters(), lr=.05, momentum=.9))
    hook, runner = None, SimpleNamespace(
        model=model, hooks=[], _train_loop=True)
    guide = (cfg['train_cfg'].get('guide') or {}).get('type')
    if guide == 'mmmix.EMAGuide':
        hook = EMAGuideHook(momentum=.2)
        hook.before_run(runner)
        hook.before_train(runner)
    hub, losses = MessageHub.get_current_instance(), []
    hub.update_info('seed', SEED)
    for step in range(STEPS):
        hub.update_info('iter', step)
        logged = model.train_step(batch_of(step), optimizer)
        losses.append({
            name: float(value.detach())
            for name, value in logged.items()
        })
        if hook is not None:
            hook.after_train_iter(runner)
    hub.pop_info('seed')
    hub.pop_info('iter')
    return dict(
        losses=losses,
        weights={
            name:
            (hashlib.sha256(weight.numpy().tobytes()).hexdigest()[:16],
             float(weight.double().sum()), float(weight.double().abs().sum()))
            for name, weight in model.state_dict().items()
        })


def machine():
    """What the last bit depends on beside the code."""
    cpuinfo = Path('/proc/cpuinfo')
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [
        line.partition(':')[2].strip() for line in lines
        if line.startswith('model name')
    ]
    return [
        torch.__version__,
        torch.backends.cpu.get_cpu_capability(), models[0] if models else ''
    ]


def main():
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        runs = {name: train(cfg) for name, cfg in configs(folder).items()}
    RECORD.write_text(json.dumps(dict(machine=machine(), runs=runs)) + '\n')
    print(f'written: {RECORD}')


if __name__ == '__main__':
    main()
