from typing import Callable, Dict, FrozenSet, Optional, Tuple, Union

import numpy as np
import torch
from mmengine.dist import broadcast_object_list, get_rank
from mmengine.logging import MessageHub
from mmpretrain.models import ClsDataPreprocessor
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmmix.errors import MissingIngredient, MmmixError
from mmmix.functional import resize_mask
from mmmix.registry import MODELS, TASK_UTILS, build_as
from mmmix.structures import Guidance, MixedBatch

from ..attention import find_extractor
from ..batch_augments import BatchMixer, RandomMixer
from ..batch_augments.base import check_batch
from ..guides import Guide
from ..label_rules import LabelRule
from ..losses import MixLoss


@MODELS.register_module()
class MixDataPreprocessor(ClsDataPreprocessor):
    """MMPretrain's preprocessor, with guided mixing.

    In training its answer has two more keys: ``mixed``, a
    :class:`~mmmix.structures.MixedBatch` (None where a plain batch augment of
    MMPretrain mixed, which cannot say what it did), and ``guidance``, a
    :class:`~mmmix.structures.Guidance` or None. Without mixing it is its
    parent.

    Randomness is derived anew in every iteration: from (seed, iteration) for
    the choice of the mixer, which is thus the same on all ranks, and from
    (seed, iteration, rank) for the rest. Both numbers are read from MMEngine's
    message hub, so a resumed run mixes as an uninterrupted one.

    Args:
        batch_augments (dict, optional): ``augments`` and ``probs`` as in
            MMPretrain, and ``guide``, by default
            ``dict(type='mmmix.SelfGuide')``.
            :class:`~mmmix.models.MixClassifier` fills it from ``train_cfg``.
        *args, **kwargs: Of ``mmpretrain.ClsDataPreprocessor``.

    Raises:
        ValueError: On labels outside their range, or if labels are missing.
    """

    def __init__(self, *args, batch_augments: Optional[dict] = None, **kwargs):
        super().__init__(*args, **kwargs)
        self._non_blocking = True  # of the images' way to the GPU
        self.choice: Optional[RandomMixer] = None
        if batch_augments:
            batch_augments = dict(batch_augments)
            guide = batch_augments.pop('guide',
                                       None) or dict(type='mmmix.SelfGuide')
            self.guide = build_as(Guide, TASK_UTILS, guide, 'guide')
            self.choice = RandomMixer(**batch_augments)
            self.to_onehot = True
            self._needs: Dict[object, FrozenSet[str]] = {
                mixer: getattr(mixer, 'needs', frozenset())
                for mixer in (*self.choice.augments, None)
            }
            self._last_iteration, self._repeats = None, 0
            self._own_seed = self._shared_seed = None
            self._draw_label_params: Optional[Callable] = None

    def bind(self,
             student: nn.Module,
             losses: Dict[str, MixLoss],
             label_rule: Optional[LabelRule] = None) -> None:
        """Tell the guide which model is trained, and what will be asked.

        Args:
            student (nn.Module): The classifier that owns this preprocessor.
            losses (Dict[str, MixLoss]): The mix losses of its head by name.
            label_rule (LabelRule, optional): The label rule of its head.

        Raises:
            ValueError: If a mixer, a loss or the rule wants what the guide
                cannot give, a loss or the rule applies to none of the mixers,
                or a mixer does not fit the backbone's patches.
        """
        if self.choice is None:
            return
        for name, loss in losses.items():
            self._check_applies(
                loss, f"mix loss '{name}' ({type(loss).__name__}, batches="
                f"'{loss.batches}')", f'mix_losses=dict({name}=None)')
        wishes = list(losses.values())
        self._draw_label_params = None
        if label_rule is not None:
            self._check_applies(label_rule,
                                f'label rule {type(label_rule).__name__}',
                                'label_rule=None')
            wishes.append(label_rule)
            self._draw_label_params = label_rule.sample
        patch = _patch(student.backbone)
        for mixer in self._needs:
            self._needs[mixer] = self._needs[mixer].union(
                *(wish.needs for wish in wishes if _applies(wish, mixer)))
            if isinstance(mixer, BatchMixer):
                mixer.check_patch(patch)
        wanted = frozenset().union(*self._needs.values())
        if wanted:
            self.guide.bind(student)
            self.guide.check(wanted)

    def _check_applies(self, wish: Union[MixLoss, LabelRule], what: str,
                       without: str) -> None:
        if any(_applies(wish, mixer) for mixer in self._needs):
            return
        mixers = [
            type(mixer).__module__.split('.')[0] + '.' + type(mixer).__name__
            for mixer in self.choice.augments
        ]
        raise MissingIngredient(
            'regions',
            f'The {what} applies to none of the mixers {mixers}: a blend has '
            "no regions, and MMPretrain's own mixers do not say what they "
            'mixed. Add a mixer of mmmix that cuts and pastes, or remove it: '
            f'{without}.')

    def forward(self, data: dict, training: bool = False) -> dict:
        """Normalise and stack; in training, mix.

        Args:
            data (dict): What the data loader gave.
            training (bool): Whether to mix.

        Returns:
            dict: ``inputs`` and ``data_samples``, and in training ``mixed``
            and ``guidance``.
        """
        if not training:
            return super().forward(data, training)
        self._check_labels(data)
        if self.choice is None:
            return super().forward(data, training)
        return self._mixed(data)

    # guide and mixer run eagerly: their hooks would not fire in a compiled
    # graph, and random permutations break it
    @torch.compiler.disable
    def _mixed(self, data: dict) -> dict:
        data = super().forward(data, training=True)
        inputs, samples = data['inputs'], data['data_samples']
        scores = torch.stack([sample.gt_score for sample in samples])
        check_batch(inputs, scores)

        choice_rng, rng = self._generators()
        mixer = self.choice.pick(choice_rng)
        mixed, guidance = None, None
        if mixer is None or isinstance(mixer, BatchMixer):
            mixed, guidance = self.mix(inputs, scores, mixer, rng)
            inputs, scores = mixed.inputs, mixed.mixed_labels()
        else:
            inputs, scores = mixer(inputs, scores)
        for sample, score in zip(samples, scores):
            sample.set_gt_score(score)
        return dict(
            inputs=inputs,
            data_samples=samples,
            mixed=mixed,
            guidance=guidance)

    def wanted(self, mixer: Optional[BatchMixer]) -> FrozenSet[str]:
        """What the guide is asked when one of the mixers mixes: 'attention',
        'scores', both or nothing.

        Args:
            mixer (BatchMixer, optional): One of ``choice.augments``; None
                mixes nothing.
        """
        return self._needs[mixer]

    def mix(
        self,
        inputs: Tensor,
        scores: Tensor,
        mixer: Optional[BatchMixer],
        rng: np.random.Generator,
        source: Optional[np.ndarray] = None,
        attention: Optional[Tensor] = None
    ) -> Tuple[MixedBatch, Optional[Guidance]]:
        """Mix a batch by one of the mixers as a training does.

        Args:
            inputs (Tensor): Normalised images ``(N, C, H, W)``.
            scores (Tensor): One-hot or soft labels ``(N, num_classes)``.
            mixer (BatchMixer, optional): One of ``choice.augments``; None
                mixes nothing.
            rng (np.random.Generator): The only source of randomness.
            source (np.ndarray, optional): ``(N,)`` index of the image to
                paste into each, instead of the mixer's own draw.
            attention (Tensor, optional): Maps ``(N, h, w)`` to take instead
                of the guide's; they are averaged onto its grid.

        Returns:
            tuple: What was mixed, with the mixer's own lambda, and what the
            guide answered, if anybody wanted to know.
        """
        wanted = self.wanted(mixer)
        guidance = self.guide(inputs, wanted, scores) if wanted else None
        if mixer is None:
            return MixedBatch.unmixed(inputs, scores), guidance
        if attention is not None and 'attention' in wanted:
            grid = guidance.attention.shape[1:]
            guidance.attention = resize_mask(
                attention.to(guidance.attention), grid)
        params = mixer.sample(rng, inputs.size(0), inputs.shape[-2:])
        if source is not None:
            params['source'] = source
        mixed = mixer.mix(inputs, scores, params, guidance)
        if self._draw_label_params is not None:
            # as tensors: compiled code takes another number as it is
            mixed.label_params = {
                name: torch.tensor(value)
                for name, value in self._draw_label_params(rng).items()
            }
        return mixed, guidance

    def _generators(self):
        """One generator that all ranks share, and one of this rank alone."""
        hub = MessageHub.get_current_instance()
        iteration = hub.get_info('iter', 0)
        seed = hub.get_info('seed', None)
        if seed is None:
            seed = torch.initial_seed()
        if seed != self._own_seed:
            # once a run: MMEngine can give every rank a seed of its own
            shared = [seed]
            broadcast_object_list(shared)
            self._own_seed, self._shared_seed = seed, shared[0]
        # calls without a running trainer all see the same iteration
        self._repeats = (
            self._repeats + 1 if iteration == self._last_iteration else 0)
        self._last_iteration = iteration
        key = [self._shared_seed, iteration, self._repeats]
        return (np.random.default_rng(key),
                np.random.default_rng([*key, 1 + get_rank()]))

    @torch.compiler.disable
    def _check_labels(self, data: dict) -> None:
        """Labels are still on the CPU here: looking at them stops no GPU."""
        samples = data.get('data_samples')
        if not samples or not all('gt_label' in sample or 'gt_score' in sample
                                  for sample in samples):
            raise MmmixError(
                'Training needs a label for each image, but some data samples '
                'have neither `gt_label` nor `gt_score`: check that the '
                'training pipeline ends with PackInputs and the data set is '
                'labelled.')
        if self.num_classes is None:
            return
        last = self.num_classes - 1
        labels = [s.gt_label for s in samples if 'gt_label' in s]
        if labels and not _all_within(torch.cat(labels), 0, last):
            label, where = next(
                (s.gt_label.tolist(), _where(s)) for s in samples
                if 'gt_label' in s and not _all_within(s.gt_label, 0, last))
            raise MmmixError(
                f'Label {label} of {where} is outside 0..{last}: set '
                'num_classes in the head and the data_preprocessor to the '
                'number of classes of the data set.')
        for sample in samples:
            if 'gt_score' in sample and not (
                    sample.gt_score.numel() == self.num_classes
                    and _all_within(sample.gt_score, 0, float('inf'))):
                raise MmmixError(
                    f'The scores {sample.gt_score.tolist()} of '
                    f'{_where(sample)} must be {self.num_classes} numbers '
                    '(num_classes), none of them negative.')


def _applies(wish: Union[MixLoss, LabelRule],
             mixer: Optional[Callable]) -> bool:
    """Whether a loss or rule applies to what a mixer makes of a batch."""
    if mixer is None:
        return wish.applies(regions=False, mixed=False)
    # MMPretrain's own mixers do not say what they mixed
    return isinstance(mixer, BatchMixer) and wish.applies(
        mixer.regions, mixed=True)


def _patch(backbone: nn.Module) -> Optional[Tuple[int, int]]:
    """Height and width of the backbone's patches, None if not known."""
    try:
        return find_extractor(backbone).patch
    except ValueError:  # a mixer without guidance works with any backbone
        return None


def _all_within(values: Tensor, low: float, high: float) -> bool:
    return not values.numel() or bool((values.min() >= low)
                                      & (values.max() <= high))


def _where(sample: DataSample) -> str:
    return sample.get('img_path', 'an image without a path')
