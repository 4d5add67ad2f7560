"""Which mixer goes with which label rule, mix loss and guide.

Builds combinations with a small ViT and a small CNN and trains one step: every
mixer x label rule x mix loss, guided by the model itself, and every mixer x
guide, without other parts and with those that ask guides the most. What reads
label maps is crossed with the mixers alone, guided by the model or by stored
maps.
A combination is refused only for a missing ingredient, which the table names:
M, a mask of one source; R, regions that belong to one image each; T, patch
tokens; C, class attention.
With --write the table in the page is replaced.

Example:
    python .dev_scripts/cross_table.py --write docs/combinations.md
"""
import itertools
import warnings

import torch
from generated import page_to_write, publish
from mmpretrain.structures import DataSample

import mmmix  # noqa: F401
from mmmix.engine.hooks.ema_guide_hook import ema_guides
from mmmix.errors import MissingIngredient
from mmmix.registry import MODELS

NAME = 'cross table'
CLASSES = 4
SIZE = 32
LETTERS = {'mask': 'M', 'regions': 'R', 'tokens': 'T', 'class_attention': 'C'}

# the module of each network that a mixer mixes inside
SITES = dict(ViT='patch_embed', CNN='layer1')

MIXERS = dict(
    Mixup=dict(type='mmmix.Mixup'),
    CutMix=dict(type='mmmix.CutMix'),
    FMix=dict(type='mmmix.FMix'),
    SmoothMix=dict(type='mmmix.SmoothMix'),
    GridMixup=dict(type='mmmix.GridMixup'),
    SaliencyMix=dict(type='mmmix.SaliencyMix'),
    ResizeMix=dict(type='mmmix.ResizeMix'),
    AttentiveCutMix=dict(type='mmmix.AttentiveCutMix', num_cells=3, grid=4),
    AutoMix=dict(type='mmmix.AutoMix'),
    MaskMix=dict(type='mmmix.MaskMix', scale=1, patch_size=8),
    ReLabel=dict(type='mmmix.ReLabel', mixer=dict(type='mmmix.CutMix')),
    PuzzleMix=dict(type='mmmix.PuzzleMix', grids=(2, 4)),
    ManifoldMix=dict(type='mmmix.ManifoldMix', sites=['of the network']),
    MixToken=dict(type='mmmix.MixToken', sites=['of the network']),
    CoMixup=dict(type='mmmix.CoMixup'),
    SMMix=dict(type='mmmix.SMMix', delta=0.5))
MAPS = 'label_maps'
RULES = {
    'area': None,
    'TransMix': dict(type='mmmix.TransMixLabel'),
    'PAL': dict(type='mmmix.ProgressiveAttentionLabel'),
    'area-attention': dict(type='mmmix.AreaAttentionLabel'),
    'TokenMix': dict(type='mmmix.TokenMixLabel'),
    'TokenMix, label maps': dict(type='mmmix.TokenMixLabel', maps=MAPS),
}
FINE = dict(type='mmmix.FineGrainedLoss')
# a blend can be held to consistency, if it is asked to
CONSISTENCY = dict(type='mmmix.ConsistencyLoss', batches='mixed')
DENSE = dict(type='mmmix.DenseLabelLoss')
LOSSES = {
    'none': {},
    'fine-grained': dict(fine=FINE),
    'dense': dict(dense=DENSE),
    'dense, label maps': dict(dense=dict(DENSE, target=MAPS)),
    'consistency': dict(consistency=CONSISTENCY),
    'both': dict(fine=FINE, consistency=CONSISTENCY),
    'unmixed': dict(unmixed=dict(type='mmmix.UnmixedLoss')),
}

VIT = dict(
    backbone=dict(
        type='mmpretrain.VisionTransformer',
        arch=dict(
            embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=16),
        img_size=SIZE,
        patch_size=8,
        out_type='raw'),
    head=dict(type='mmmix.MixVisionTransformerClsHead', in_channels=16))
CNN = dict(
    backbone=dict(
        type='mmpretrain.ResNet_CIFAR',
        depth=18,
        stem_channels=8,
        base_channels=8),
    neck=dict(type='mmpretrain.GlobalAveragePooling'),
    head=dict(type='mmmix.MixLinearClsHead', in_channels=64))
BACKBONES = dict(ViT=VIT, CNN=CNN)
AXES = ('mixer', 'rule', 'losses', 'guide')
PLAIN = dict(rule='area', losses='none', guide='self')
# rule and losses that ask the guides: for attention and logits, or label maps
ASKING = ('area-attention', 'consistency')
READING = ('TokenMix, label maps', 'dense, label maps')
STORED = 'stored maps + self'


def model_config(backbone, mixer=None, rule=None, losses=None, guide=None):
    """Config of a small model that crosses the given parts."""
    parts = BACKBONES[backbone]
    head = dict(
        parts['head'],
        num_classes=CLASSES,
        loss=dict(type='mmpretrain.CrossEntropyLoss', use_soft=True),
        label_rule=rule,
        mix_losses=losses)
    if mixer and 'sites' in mixer:
        mixer = dict(mixer, sites=[SITES[backbone]])
    train_cfg = mixer and dict(augments=[mixer], guide=guide)
    return dict(
        type='mmmix.MixClassifier',
        **dict(parts, head=head),
        train_cfg=train_cfg)


def guides(backbone):
    """Guides by name, all with a map that looks at the label."""
    label = dict(type='mmmix.TopDown')
    own = dict(type='mmmix.SelfGuide')
    stored = dict(type='mmmix.LabelMapGuide')
    frozen = dict(
        type='mmmix.FrozenGuide', config=dict(model=model_config(backbone)))
    return {
        'self': own,
        'self, top-down': dict(own, attention_map=label),
        'EMA': dict(type='mmmix.EMAGuide', attention_map=label),
        'frozen': dict(frozen, attention_map=label),
        'frozen + self': dict(own, attention=frozen),
        'image + self': dict(own, attention=dict(type='mmmix.ImageGuide')),
        STORED: dict(stored, saliency=own, features=own, classifier=own),
    }


def crossed(rule, losses, guide):
    """Whether every mixer is crossed with these."""
    parts = (rule, losses)
    plain = (PLAIN['rule'], PLAIN['losses'])
    if guide == PLAIN['guide']:
        return rule == plain[0] or losses == plain[1] or not any(
            part in READING for part in parts)
    return parts in (plain, READING if guide == STORED else ASKING)


def combinations(backbone):
    """Names and parts of the combinations, as dicts of pairs."""
    choices = (MIXERS, RULES, LOSSES, guides(backbone))
    for names in itertools.product(*choices):
        if crossed(*names[1:]):
            yield {
                axis: (name, choice[name])
                for axis, choice, name in zip(AXES, choices, names)
            }


def train_one_step(backbone, combination):
    """Build and train a combination for one step.

    Returns:
        str: '', or the letter of the ingredient that is missing.
    """
    parts = {axis: part for axis, (_, part) in combination.items()}
    torch.manual_seed(0)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', 'FrozenGuide has no checkpoint')
            model = MODELS.build(model_config(backbone, **parts))
    except MissingIngredient as error:
        return LETTERS[error.ingredient]
    for guide in ema_guides(model):
        guide.average = MODELS.build(model_config(backbone))
    model.train()
    data = dict(
        inputs=[torch.rand(3, SIZE, SIZE) for _ in range(3)],
        data_samples=[
            DataSample(
                label_map=torch.rand(CLASSES, 4, 4),
                crop_box=torch.tensor([0., 0., 1., 1.])).set_gt_label(i)
            for i in range(3)
        ])
    data = model.data_preprocessor(data, training=True)
    losses = model(**data, mode='loss')
    expected = {'loss_cls', *(f'loss_{name}' for name in parts['losses'])}
    if len(model.mixers):  # one that learns brings its own loss
        expected.add('loss_generator')
    if set(losses) != expected:
        raise RuntimeError(f'{combination} gave {[*losses]}.')
    sum(losses.values()).backward()
    for name, parameter in model.named_parameters():
        if parameter.grad is None or not parameter.grad.isfinite().all():
            raise RuntimeError(f'{combination} does not train {name}.')
    return ''


def outcomes(backbone):
    """Train the combinations.

    Returns:
        dict[tuple[str, ...], str]: By the names of mixer, rule, losses and
        guide: '' where it trained, or the letter of what is missing.
    """
    return {
        tuple(name for name, _ in combination.values()):
        train_one_step(backbone, combination)
        for combination in combinations(backbone)
    }


def cell(results, **names):
    """A tick or a letter for these names, with all else plain."""
    return results[tuple({**PLAIN, **names}[axis] for axis in AXES)] or '✓'


def table(results_of):
    """The table in Markdown, from the outcomes of each backbone."""
    columns = [('rule', name) for name in RULES]
    columns += [('losses', name) for name in LOSSES]
    columns += [('guide', name) for name in guides('ViT')]
    titles = dict(rule='label', losses='loss', guide='guide')
    lines = [
        '| | ' + ' | '.join(f'{titles[axis]}: {name}'
                            for axis, name in columns) + ' |',
        '|:--|' + ':-:|' * len(columns),
    ]
    for backbone, results in results_of.items():
        for mixer in MIXERS:
            cells = [
                cell(results, mixer=mixer, **{axis: name})
                for axis, name in columns
            ]
            lines.append(f'| {mixer}, {backbone} | ' + ' | '.join(cells) +
                         ' |')
    count = sum(len(results) for results in results_of.values())
    trained = sum(letter == '' for results in results_of.values()
                  for letter in results.values())
    lines += [
        '',
        'Every mixer was combined with every label rule and loss, and with '
        f'every guide: of {count} combinations {trained} train a step, the '
        'others are refused when the model is built.',
    ]
    return '\n'.join(lines)


def main():
    page = page_to_write(__doc__)
    publish(page, NAME, table({name: outcomes(name) for name in BACKBONES}))


if __name__ == '__main__':
    main()
