"""A real step of each kind of config: a backbone with one set of parts."""
import copy

import pytest
import torch
from config_zoo import (CONFIGS, load, name_of, need_timm, pieces, shrink,
                        without_weights)
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from mmengine.runner import Runner

from mmmix.engine.hooks.ema_guide_hook import ema_guides

# Configs of the same kind differ in widths and numbers; the last stands for
# all of them.
KINDS = {pieces(load(path)): path for path in CONFIGS}


class AddLabelMap(BaseTransform):
    """A label map for the guides that read one."""

    def transform(self, results):
        return dict(
            results,
            label_map=torch.stack(
                [torch.rand(5, 7, 7),
                 torch.randint(10, (5, 7, 7))]),
            crop_box=torch.tensor([0., 0., 1., 1.]))


def small_runner(path, work_dir):
    """The runner of a config, with a small model and three drawn images."""
    cfg = without_weights(load(path), change=shrink)
    need_timm(cfg.model.backbone)
    size = shrink(cfg.model)
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.update(batch_size=3, num_workers=0, persistent_workers=False)
        loader.dataset = dict(
            type='mmmix.SyntheticObjects',
            num_images=3,
            size=size,
            serialize_data=False,
            pipeline=[
                dict(type=AddLabelMap),
                dict(
                    type='PackInputs',
                    algorithm_keys=('label_map', 'crop_box'))
            ])
    cfg.work_dir = str(work_dir)
    cfg.experiment_name = path.stem
    cfg.log_level = 'ERROR'
    # the runner prints the config; to format it takes longer than the rest
    return Runner.from_cfg(Config(cfg.to_dict(), format_python_code=False))


@pytest.mark.parametrize('path', KINDS.values(), ids=name_of)
@pytest.mark.filterwarnings('ignore:FrozenGuide has no checkpoint')
def test_it_validates_and_takes_a_step_with_each_mixer(path, tmp_path):
    runner = small_runner(path, tmp_path)
    assert 'accuracy/top1' in runner.val()

    model, batch = runner.model, next(iter(runner.train_dataloader))
    with torch.no_grad():
        for p in model.parameters():  # none is zero, or scales by 1e-5
            p += 0.1 * torch.randn_like(p)
    for guide in ema_guides(model):  # a hook would
        guide.average = copy.deepcopy(model)
    optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.message_hub.update_info('max_iters', 10)
    settings = runner.cfg.optim_wrapper
    decays = {
        group['weight_decay']
        for group in optim_wrapper.optimizer.param_groups
    }
    spared = {0} if 'norm_decay_mult' in settings.get('paramwise_cfg',
                                                      ()) else set()
    assert decays == {settings.optimizer.weight_decay} | spared

    choice = model.data_preprocessor.batch_augments
    mixers = [*choice.augments] if choice else []
    if not choice or sum(choice.probs) < 1:
        mixers.append(None)
    for mixer in mixers:
        if choice:
            choice.probs = [float(m is mixer) for m in choice.augments]
        model.train()
        before = {n: p.clone() for n, p in model.named_parameters()}
        logged = model.train_step(batch, optim_wrapper)
        assert all(torch.isfinite(value) for value in logged.values())
        expected = {'loss', 'loss_cls'}
        kind = getattr(mixer, 'kind', 'unmixed')
        expected |= {
            f'loss_{name}'
            for name, loss in getattr(model.head, 'mix_losses', {}).items()
            if kind in loss.kinds
        }
        if getattr(mixer, 'module', None) is not None:
            expected.add('loss_generator')
        assert set(logged) == expected
        for name, p in model.named_parameters():
            # what is added to all numbers of a softmax has no gradient
            if not (name.startswith(
                ('head.mix_losses', 'head.label_rule', 'mixers'))
                    or name.endswith('proj_l.bias')):
                assert not torch.equal(p, before[name]), f'{name} stayed'
