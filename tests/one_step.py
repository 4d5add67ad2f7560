"""One training step of every registered part, on any device.

A case is a config of :mod:`cross_table`; a new part is one entry of it, and a
test says which parts no case has.
"""
import copy

import cross_table
import torch
from mmengine.logging import MessageHub
from mmpretrain.structures import DataSample

from mmmix.engine.hooks.ema_guide_hook import ema_guides
from mmmix.registry import MODELS

CLASSES, SIZE, IMAGES = cross_table.CLASSES, cross_table.SIZE, 5

# the mixers that let a GPU wait, once in each step, for what is computed on
# the CPU; their pages say so
WAIT_ONCE = {
    'PuzzleMix': "the minimum cut is SciPy's",
    'CoMixup': 'the cells are shared by dynamic programming in NumPy'
}


def _guided(guide, backbone='ViT'):
    """Of both words that a guide can be asked for by parts of these names."""
    return cross_table.model_config(backbone, cross_table.MIXERS['SMMix'],
                                    cross_table.RULES['area-attention'],
                                    cross_table.LOSSES['consistency'], guide)


def _cases():
    parts, plain = cross_table, cross_table.model_config
    cutmix = parts.MIXERS['CutMix']
    cases = {name: plain('ViT', mixer) for name, mixer in parts.MIXERS.items()}
    cases['AtSite'] = plain(
        'ViT',
        dict(
            type='mmmix.AtSite',
            mixer=dict(type='mmmix.FMix', grid=None),
            sites=['of the network']))
    cases.update({
        f'label: {name}': plain('ViT', cutmix, rule)
        for name, rule in parts.RULES.items() if rule
    })
    cases.update({
        f'loss: {name}': plain('ViT', cutmix, losses=losses)
        for name, losses in parts.LOSSES.items() if losses
    })
    cases.update({
        f'guide: {name}': _guided(guide)
        for name, guide in parts.guides('ViT').items()
    })
    cases.update({
        f'guide: {name}, CNN':
        _guided(parts.guides('CNN')[name], 'CNN')
        for name in ('self', 'self, top-down')
    })
    cases['guide: stored maps'] = plain(
        'ViT',
        dict(type='mmmix.ReLabel', mixer=cutmix),
        dict(type='mmmix.TokenMixLabel', maps='label_maps'),
        dict(dense=dict(type='mmmix.DenseLabelLoss', target='label_maps')),
        guide=dict(type='mmmix.LabelMapGuide'))
    own = dict(type='mmmix.SelfGuide')
    for name in ('BottomUp', 'ClassAttention'):
        cases[f'map: {name}'] = _guided(
            dict(own, attention_map=dict(type=f'mmmix.{name}')))
    cases['guide: spectral'] = _guided(
        dict(
            own, attention=dict(type='mmmix.ImageGuide', saliency='spectral')))
    # one that knows other classes, of images of another size and scale
    frozen = parts.guides('ViT')['frozen']['config']['model']
    other = dict(
        model=dict(frozen, head=dict(frozen['head'], num_classes=9)),
        data_preprocessor=dict(mean=[100.] * 3, std=[50.] * 3))
    cases['guide: frozen, other classes'] = dict(
        _guided(
            dict(
                type='mmmix.FrozenGuide',
                config=other,
                classes=[8, 3, 0, 5],
                input_size=SIZE)),
        data_preprocessor=dict(mean=[120.] * 3, std=[60.] * 3, to_rgb=True))
    cases['map: TopDown, one pass'] = _guided(
        dict(own, attention_map=dict(type='mmmix.TopDown', form='one_pass')))
    cases['map: AbSViTTopDown'] = dict(
        _guided(dict(own, attention_map=dict(type='mmmix.AbSViTTopDown'))),
        backbone=dict(
            {
                key: value
                for key, value in parts.VIT['backbone'].items()
                if key != 'out_type'
            },
            type='mmmix.AbSViT'))
    smooth = copy.deepcopy(cases['SMMix'])
    smooth['head']['loss'] = dict(
        type='mmpretrain.LabelSmoothLoss',
        label_smooth_val=0.1,
        mode='original')
    cases['label smoothing'] = smooth
    return cases


CASES = _cases()


def build(cfg):
    """The model of a case, in training mode, with the average that a hook
    would keep."""
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    with torch.no_grad():
        for parameter in model.parameters():  # none is zero
            parameter.add_(0.1 * torch.randn_like(parameter))
    for guide in ema_guides(model):
        guide.average = copy.deepcopy(model)
    return model.train()


def move(model, device):
    """Bring a model and its averages to a device."""
    model.to(device)
    for guide in ema_guides(model):
        guide.average.to(device)
    return model


def data(size=(SIZE, SIZE), seed=0):
    """What a data loader gives: images, labels and stored label maps."""
    generator = torch.Generator().manual_seed(seed)
    return dict(
        inputs=[
            torch.rand(3, *size, generator=generator) for _ in range(IMAGES)
        ],
        data_samples=[
            DataSample(
                label_map=torch.rand(CLASSES, 4, 4, generator=generator),
                crop_box=torch.tensor([0., 0.1, 0.9, 1.]),
                flip_direction='horizontal' if i % 2 else None).set_gt_label(
                    i % CLASSES) for i in range(IMAGES)
        ])


def losses_of(model, batch, iteration):
    """The losses of a step, and what it mixed; it draws by its number."""
    MessageHub.get_current_instance().update_info('iter', iteration)
    seen = []
    handle = model.data_preprocessor.register_mix_hook(
        lambda mixed, guidance: seen.append(mixed))
    try:
        losses = model(
            **model.data_preprocessor(batch, training=True), mode='loss')
    finally:
        handle.remove()
    return losses, seen[0]
