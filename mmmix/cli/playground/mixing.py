"""What the playground computes: choices in, a mixed batch and numbers out."""
import inspect
from dataclasses import dataclass, field, replace
from typing import Any, Dict, FrozenSet, List, Optional, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmmix.analysis.trained_model import to_image
from mmmix.errors import MissingIngredient, MmmixError
from mmmix.models import (AttentionMap, BatchMixer, ClassAttention, Guide,
                          ImageGuide, LabelRule, MixClassifier, RandomMixer)
from mmmix.models.attention import declared_size, find_extractor
from mmmix.models.guides import WORDS, build_guides
from mmmix.models.heads import MixHead
from mmmix.models.requirements import check_requirements, required_of_guides
from mmmix.registry import MODELS, TASK_UTILS, is_of, type_name
from mmmix.structures import Guidance, MixedBatch
from .images import Picture
from .networks import Network

# where backbones without a layer1 have their blocks
BLOCKS = ('layers', 'stages', 'blocks', 'timm_model.blocks',
          'timm_model.stages')
# what of a guidance can be drawn over an image
DRAWABLE = ('attention', 'saliency')


@dataclass(frozen=True)
class Choices:
    """What a user chose.

    Attributes:
        mixer (dict): Config of a mixer.
        attention (dict): Config of an attention map, or of an
            :class:`~mmmix.models.ImageGuide`.
        label_rule (dict, optional): Config of the rule; None is the mixer's
            own lambda.
        seed (int): Seeds the mix.
        own_pairs (bool): Whether the mixer draws which image is pasted into
            which, as in a training; else each gets the one before it.
    """
    mixer: dict
    attention: dict = field(
        default_factory=lambda: dict(type='mmmix.BottomUp'))
    label_rule: Optional[dict] = None
    seed: int = 0
    own_pairs: bool = False

    @property
    def guide(self) -> dict:
        """The guide as a config names it."""
        if is_of(self.attention, TASK_UTILS, ImageGuide):
            return dict(attention=self.attention)
        return dict(type='mmmix.SelfGuide', attention_map=self.attention)


@dataclass
class Played:
    """What became of some pictures.

    Attributes:
        images (Tensor): Unmixed images ``(N, 3, H, W)`` in [0, 1], RGB.
        labels (list[str]): The class name of each.
        known (list[bool]): Whether that is known; else the network says so.
        mixed (MixedBatch): The mix, ``inputs`` in [0, 1], ``lam`` by the label
            rule that was chosen.
        maps (dict[str, Tensor]): Maps of the unmixed images ``(N, h, w)`` by
            what they are, 'attention' or 'saliency'.
        no_map (str): Why there is no attention.
        requires (frozenset[str]): What mixer and chosen rule ask of the guide.
        weights (dict[str, tuple | MmmixError]): By the name of each label
            rule, None for the mixer's own: weights of the source's labels and
            of the target's own, or why it does not apply.
        unmixed_top, mixed_top (list): For each image the likeliest classes,
            each with its probability.
        untrained_module (bool): Whether a module of the mixer's own, which
            would be trained, decides by random weights.
    """
    images: Tensor
    labels: List[str]
    known: List[bool]
    mixed: MixedBatch
    maps: Dict[str, Tensor]
    no_map: str
    requires: FrozenSet[str]
    weights: Dict[Optional[str], Any]
    unmixed_top: List[List[Tuple[str, float]]]
    mixed_top: List[List[Tuple[str, float]]]
    untrained_module: bool = False


class Remembering(Guide):
    """A guide that is asked once about the same images.

    Args:
        guide (Guide): The guide.
        network (Network): Remembers the answers.
        pictures (Sequence[Picture]): What is shown.
        inputs (Tensor): The images that the network sees of them.
        cfg (dict): Config of the guide.
    """

    def __init__(self, guide: Guide, network: Network,
                 pictures: Sequence[Picture], inputs: Tensor, cfg: dict):
        self.guide = guide
        self.gives = guide.gives
        self.network = network
        self.pictures = pictures
        self.inputs = inputs
        self.cfg = cfg

    def check(self, model: nn.Module, requires: FrozenSet[str]) -> None:
        self.guide.check(model, requires)

    def __call__(self,
                 model: nn.Module,
                 images: Tensor,
                 requires: FrozenSet[str],
                 labels: Optional[Tensor] = None,
                 samples: Optional[List[DataSample]] = None) -> Guidance:
        if images is not self.inputs:
            return self.guide(model, images, requires, labels, samples)
        answer = self.network.remember(
            (str(self.cfg), requires), self.pictures,
            lambda: self.guide(model, images, requires, labels, samples))
        return replace(answer)  # whoever got it may add to it


def attention_names() -> List[str]:
    """The registered attention maps, and the guide by the pixels."""
    return [
        name for name, kind in TASK_UTILS.module_dict.items()
        if issubclass(kind, (AttentionMap, ImageGuide))
    ]


def label_rule_names() -> List[str]:
    """The registered label rules."""
    return [
        name for name, kind in MODELS.module_dict.items()
        if issubclass(kind, LabelRule)
    ]


def fitting(network: Network, kind: type) -> Dict[str, Any]:
    """Arguments of a mixer whose defaults are those of other networks: the
    side of its patches, how many of them a cell has, and modules that it
    has."""
    names = inspect.signature(kind).parameters
    backbone = network.trained.model.backbone
    found: Dict[str, Any] = {}
    if 'patch_size' in names and declared_size(backbone):
        grid = find_extractor(backbone).grid(network.size)
        found['patch_size'] = network.size[0] // grid[0]
        # a cell of all patches would mix nothing
        if 'scale' in names and names['scale'].default >= max(grid):
            found['scale'] = max(1, max(grid) // 2)
    if 'sites' in names:
        modules = dict(backbone.named_modules())
        default = names['sites'].default
        if any(site != 'input' and site not in modules for site in default):
            deep = next((f'{name}.{len(modules[name]) // 2}'
                         for name in BLOCKS if name in modules), '')
            found['sites'] = [s for s in default if s == 'input'
                              ] + [deep] * bool(deep)
    return found


def play(network: Network, pictures: Sequence[Picture],
         choices: Choices) -> Played:
    """Mix pictures as a training of a network would that guides itself.

    Args:
        network (Network): Guides, and classifies the mix.
        pictures (Sequence[Picture]): At least two; each is pasted into the
            next.
        choices (Choices): What else was chosen.

    Raises:
        MmmixError: If the parts do not go together, or an argument is out of
            its range.
    """
    # of modules that mixers make
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(choices.seed)
        return _play(network, pictures, choices)


def _play(network: Network, pictures: Sequence[Picture],
          choices: Choices) -> Played:
    model = network.trained.model
    inputs, logits = network.show(pictures)
    known = [network.class_of(picture) for picture in pictures]
    classes = torch.tensor([
        top if own is None else own
        for own, top in zip(known,
                            logits.argmax(1).tolist())
    ])
    labels = F.one_hot(classes, logits.size(1)).float()
    mixer = assemble(model, choices, network, pictures)
    requires = required_of_guides(model.head, mixer)
    mixed, guidance = model.data_preprocessor.mix_by(
        model, mixer, inputs, labels, np.random.default_rng((choices.seed, )),
        partners(mixer, len(pictures), choices))
    guidance = guidance or Guidance()
    no_map = _add_attention(guidance, model, inputs, labels)
    logits_of_mix, class_attention = _see(model, mixed)
    weights = lambdas(model, mixed, guidance, choices, logits_of_mix,
                      class_attention)
    chosen = choices.label_rule and type_name(choices.label_rule)
    if isinstance(weights[chosen], MmmixError):
        raise weights[chosen]
    lam, own_lam = weights[chosen]
    shown = mixed.inputs if mixed.site is None else mixed.paste(inputs)
    return Played(
        images=to_image(network.trained, inputs),
        labels=[network.classes[i] for i in classes.tolist()],
        known=[own is not None for own in known],
        mixed=replace(
            mixed,
            inputs=to_image(network.trained, shown),
            lam=lam,
            own_lam=own_lam),
        maps={
            word: getattr(guidance, word)
            for word in DRAWABLE if getattr(guidance, word) is not None
        },
        no_map=no_map,
        requires=requires,
        weights=weights,
        unmixed_top=_likeliest(network, logits),
        mixed_top=_likeliest(network, logits_of_mix),
        untrained_module=mixer.module is not None)


def assemble(model: MixClassifier, choices: Choices, network: Network,
             pictures: Sequence[Picture]) -> BatchMixer:
    """Put mixer, guide and label rule into a model, as building it would.

    Raises:
        MmmixError: If they do not go together with it.
    """
    preprocessor = model.data_preprocessor
    preprocessor.batch_augments = RandomMixer([choices.mixer])
    guides = build_guides(choices.guide)
    inputs, _ = network.show(pictures)
    remembering = {
        guide: Remembering(guide, network, pictures, inputs, choices.guide)
        for guide in {*guides.values()}
    }
    preprocessor.guides = {
        word: remembering[guide]
        for word, guide in guides.items()
    }
    mixer, = preprocessor.batch_augments.augments
    _set_rule(model, choices.label_rule)
    preprocessor.prepare_mixers(model)
    return mixer


def partners(mixer: BatchMixer, number: int,
             choices: Choices) -> Optional[np.ndarray]:
    """The source of each image: the one before it; None where the mixer
    chooses."""
    if choices.own_pairs or mixer.kind in ('several', 'unmixed'):
        return None
    return np.roll(np.arange(number), 1)


def _set_rule(model: MixClassifier, rule: Optional[dict]) -> None:
    if isinstance(model.head, MixHead):
        model.head.label_rule = MODELS.build(rule) if rule else None
    elif rule:
        raise MmmixError(
            'A label rule needs a head of mmmix, not a '
            f"{type(model.head).__name__}: choose the mixer's own lambda.")


def _add_attention(guidance: Guidance, model: MixClassifier, inputs: Tensor,
                   labels: Tensor) -> str:
    """Ask for an attention map where the mixer does not: to be looked at, and
    for label rules. Returns why there is none."""
    if guidance.attention is not None:
        return ''
    guide = model.data_preprocessor.guides['attention']
    required = frozenset({'attention'})
    try:
        guide.check(model, required)
    except MmmixError as error:
        return str(error)
    guidance.attention = guide(model, inputs, required, labels).attention
    return ''


def _see(model: MixClassifier,
         mixed: MixedBatch) -> Tuple[Tensor, Optional[Tensor]]:
    """Logits and, where the backbone has it, class attention of the mix."""
    with model.sites.mixing(mixed):
        if has_class_attention(model):
            attention, features = ClassAttention()(model, mixed.inputs)
        else:
            attention, features = None, model.backbone(mixed.inputs)
    if model.with_neck:
        features = model.neck(features)
    return model.head(features), attention


def has_class_attention(model: MixClassifier) -> bool:
    """Whether a class token of its backbone attends to the patches."""
    try:
        find_extractor(model.backbone).check_class_attention()
    except MmmixError:
        return False
    return True


def lambdas(model: MixClassifier, mixed: MixedBatch, guidance: Guidance,
            choices: Choices, logits: Tensor,
            class_attention: Optional[Tensor]) -> Dict[Optional[str], Any]:
    """The weights by every label rule: the chosen one as it was chosen, the
    others with their defaults; see :attr:`Played.weights`."""
    found: Dict[Optional[str], Any] = {None: (mixed.lam, mixed.own_lam)}
    chosen = choices.label_rule or {}
    for name in label_rule_names():
        rule = dict(type=f'mmmix.{name}')
        if name == type_name(chosen):
            rule = chosen
        try:
            _set_rule(model, rule)
            check_requirements(model)
            for word in model.head.label_rule.requires & {*WORDS}:
                if getattr(guidance, word) is None:
                    guide = model.data_preprocessor.guides[word]
                    value = guide(model, mixed.originals, frozenset({word}),
                                  mixed.labels)
                    setattr(guidance, word, getattr(value, word))
            by_rule = model.head.relabel(logits, mixed, guidance,
                                         class_attention)
            if mixed.kind not in model.head.label_rule.kinds:
                raise MissingIngredient(
                    'mask', f'{name} leaves a batch of the kind '
                    f'{mixed.kind!r} as it is.')
            found[name] = by_rule.lam, by_rule.own_lam
        except MmmixError as error:
            found[name] = error
    _set_rule(model, None)
    return found


def _likeliest(network: Network,
               logits: Tensor) -> List[List[Tuple[str, float]]]:
    values, places = logits.softmax(1).topk(min(5, logits.size(1)))
    return [[(network.classes[place], value) for place, value in zip(*row)]
            for row in zip(places.tolist(), values.tolist())]
