"""Methods whose training step is timed: mixers, label rules and guides on the
network of one config."""
import copy
from typing import Dict, Optional, Sequence, Tuple

from mmengine.config import Config

from mmmix.cli.methods import choose_mixers, config_mixers
from mmmix.registry import BATCH_AUGMENTS

IMAGE_MAP = 'SaliencyMix, map of the image'
# what is timed in a step beside the mixers: the mixer, the label rule and the
# guide, where they are not the config's
METHODS: Dict[str, Tuple[str, Optional[str], Optional[dict]]] = {
    IMAGE_MAP: ('SaliencyMix', None, dict(type='mmmix.ImageGuide')),
    'TransMix': ('CutMix', 'TransMixLabel', None),
    'CutMix + PAL': ('CutMix', 'ProgressiveAttentionLabel', None),
    'MixPro': ('MaskMix', 'ProgressiveAttentionLabel', None),
    'SMMix, guide at half size': ('SMMix', None, dict(scale=0.5)),
    'TdAttenMix': ('SMMix', 'AreaAttentionLabel',
                   dict(attention_map=dict(type='mmmix.TopDown'))),
    'TdAttenMix, one pass':
    ('SMMix', 'AreaAttentionLabel',
     dict(attention_map=dict(type='mmmix.TopDown', form='one_pass'))),
    'AttentiveCutMix, ResNet-50':
    ('AttentiveCutMix', None,
     dict(
         type='mmmix.FrozenGuide',
         config='mmpretrain::resnet/resnet50_8xb32_in1k.py',
         input_size=224)),
    'ManifoldMix, two blocks':
    ('ManifoldMix+sites=[input,layers.0,layers.1]', None, None),
}


def step_config(cfg: Config, mixer: dict, label_rule: Optional[str],
                guide: Optional[dict]) -> Config:
    """A config whose every step mixes by one mixer.

    One that cuts and pastes and is the config's own keeps the mix losses; the
    others train with the classification loss alone.

    Args:
        cfg (Config): With model and optimizer; not changed.
        mixer (dict): Config of the mixer.
        label_rule (str, optional): Name of one; by default the config's.
        guide (dict, optional): Config of a guide, by default of the model
            itself; None is that of the config.
    """
    variant = copy.deepcopy(cfg)
    model = variant.model
    model.train_cfg = dict(
        model.get('train_cfg') or {}, augments=[mixer], probs=[1.])
    if guide:
        model.train_cfg.guide = dict({'type': 'mmmix.SelfGuide'}, **guide)
    if label_rule:
        model.head.label_rule = dict(type=f'mmmix.{label_rule}')
    kind = BATCH_AUGMENTS.build(dict(mixer)).kind
    if mixer not in config_mixers(cfg).values() or kind != 'regions':
        model.head.pop('mix_losses', None)
    return variant


def step_configs(cfg: Config, mixers: Dict[str, dict],
                 methods: Sequence[str]) -> Dict[str, Config]:
    """Configs by name: of each mixer, then of some of :data:`METHODS`.

    Args:
        cfg (Config): With model and optimizer.
        mixers (dict[str, dict]): Their configs by name.
        methods (Sequence[str]): Names.
    """
    recipes = {name: (name, None, None) for name in mixers}
    recipes.update({name: METHODS[name] for name in methods})
    return {
        name:
        step_config(cfg,
                    mixers.get(mixer) or choose_mixers(cfg, [mixer])[mixer],
                    *others)
        for name, (mixer, *others) in recipes.items()
    }


def unmixed_config(cfg: Config) -> Config:
    """A config that mixes nothing."""
    variant = copy.deepcopy(cfg)
    variant.model.train_cfg = None
    for name in ('mix_losses', 'label_rule'):
        variant.model.head.pop(name, None)
    return variant
