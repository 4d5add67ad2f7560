from collections import OrderedDict
from typing import Callable, Dict, FrozenSet, List, Optional, Tuple

import numpy as np
import torch
from mmpretrain.models import ClsDataPreprocessor, RandomBatchAugment
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmmix.errors import MmmixError, check_name
from mmmix.functional import copy_to, resize_mask
from mmmix.private import copy_without_waiting
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch
from ..batch_augments import BatchMixer, RandomMixer
from ..batch_augments.base import check_batch
from ..channels import CHANNELS
from ..guides import ask_guides, build_guides
from ..requirements import check_requirements, required_of_guides
from .generators import StepGenerators

MIXING_KEYS = ('augments', 'probs', 'guide')


@MODELS.register_module()
class MixDataPreprocessor(ClsDataPreprocessor):
    """MMPretrain's data preprocessor, with mixers, guides and randomness.

    It normalises, checks the labels and makes them one-hot. It mixes when the
    model, which a guide may require, calls :meth:`mix`. Without batch
    augments it behaves as its parent, except that labels are checked.

    Args:
        batch_augments (dict, optional): ``augments`` and ``probs`` as in
            MMPretrain, and ``guide``, see
            :func:`~mmmix.models.guides.build_guides`.
            :class:`~mmmix.models.MixClassifier` fills it from ``train_cfg``.
        channels (str): The order in which the model sees the channels of
            images, 'rgb' or 'bgr'; mean and std are in this order. It changes
            nothing for the model: a guide that sees another order gets it,
            and pictures are drawn by it. Defaults to 'rgb'.
        args, kwargs: Of ``mmpretrain.ClsDataPreprocessor``.

    Attributes:
        batch_augments (RandomMixer, optional): Picks a mixer in each step.
        guides (dict[str, Guide]): The guide for each word that can be
            required from one.
        model_mixes (bool): Whether the model calls :meth:`mix`.
            :class:`~mmmix.models.MixClassifier` sets it.

    Raises:
        MmmixError: If ``batch_augments`` has another key, or, in training, on
            labels that are missing or out of range, and if there are batch
            augments but the model does not mix.
    """

    _batch_augments: Optional[RandomMixer] = None
    _prepared: Tuple[Callable, ...] = ()  # augments that suit the model
    _has_new = False
    model_mixes: bool = False

    def __init__(self,
                 *args,
                 batch_augments: Optional[dict] = None,
                 channels: str = 'rgb',
                 **kwargs):
        super().__init__(*args, **kwargs)
        check_name('channels', channels, CHANNELS)
        self.channels = channels
        copy_without_waiting(self)
        self.generators = StepGenerators()
        self._mix_hooks: Dict[int, Callable] = OrderedDict()
        check_mixing_keys(batch_augments, 'batch_augments')
        cfg = dict(batch_augments or {})
        self.guides = build_guides(cfg.pop('guide', None))
        if cfg:
            self.batch_augments = RandomMixer(**cfg)
        self._has_new = False  # the model prepares these when it is built

    @property
    def batch_augments(self) -> Optional[RandomMixer]:
        return self._batch_augments

    @batch_augments.setter
    def batch_augments(self, augments) -> None:
        """MMPretrain's ``SwitchRecipeHook`` sets its own kind, or None to
        switch mixing off: batches are then as those that no mixer was picked
        for. New ones are checked and prepared before they first mix."""
        if isinstance(augments, RandomBatchAugment):
            augments = RandomMixer(augments.augments, augments.probs)
        elif augments is None and self._batch_augments is not None:
            augments = RandomMixer(None, 0.)
        self._batch_augments = augments
        if augments is not None:
            self.to_onehot = True
            self._has_new = any(
                augment is not None and all(augment is not known
                                            for known in self._prepared)
                for augment in augments.augments)

    def prepare_mixers(self, model: nn.Module) -> None:
        """Check that the mixers suit a model, and let them make what depends
        on it.

        The model does this when it is built, and :meth:`mix` when mixers were
        exchanged since.

        Args:
            model (nn.Module): The classifier that this is a part of.

        Raises:
            MmmixError: If a part of the model lacks what it requires, or a
                mixer does not suit it.
        """
        check_requirements(model)
        mixing = self.batch_augments
        augments = () if mixing is None else tuple(mixing.augments)
        for mixer in augments:
            if isinstance(mixer, BatchMixer):
                mixer.prepare(model)
        self._prepared, self._has_new = augments, False

    # labels are read as Python numbers, which a compiled graph cannot do
    @torch.compiler.disable
    def forward(self, data: dict, training: bool = False) -> dict:
        """Normalise and stack, without mixing.

        Args:
            data (dict): A batch from the data loader.
            training (bool): Whether every image must have a valid label.

        Returns:
            dict: ``inputs`` and ``data_samples``.
        """
        samples = data.get('data_samples')
        if training:
            self._check_model_mixes()
            check_labels(samples, self.num_classes)
        if samples and self.device.type != 'cpu':
            _copy_labels(samples, self.device)
        # the parent would call `batch_augments` in training
        return super().forward(data, training=False)

    def _check_model_mixes(self) -> None:
        mixers = self.batch_augments
        if mixers is not None and any(mixers.probs) and not self.model_mixes:
            names = [type(augment).__name__ for augment in mixers.augments]
            raise MmmixError(
                f'A MixDataPreprocessor has {", ".join(names)} to mix with, '
                'but mixes when the model asks it to, which this one does '
                "not: set type='mmmix.MixClassifier' of the model. A class of "
                'your own that calls `data_preprocessor.mix` sets '
                '`data_preprocessor.model_mixes = True`.')

    # guide and mixer run eagerly: their hooks would not fire in a compiled
    # graph, and random permutations break it
    @torch.compiler.disable
    def mix(
        self,
        model: nn.Module,
        inputs: Tensor,
        labels: Tensor,
        samples: Optional[List[DataSample]] = None
    ) -> Tuple[MixedBatch, Optional[Guidance]]:
        """Mix the batch of a training step by a randomly picked mixer.

        Args:
            model (nn.Module): The model under training.
            inputs (Tensor): Normalised images ``(N, C, H, W)``.
            labels (Tensor): One-hot or soft labels ``(N, num_classes)``.
            samples (list[DataSample], optional): See :meth:`mix_by`.

        Returns:
            tuple: See :meth:`mix_by`.

        Raises:
            MmmixError: If shapes do not fit, or a mixer that a hook switched
                to does not suit the model.
        """
        check_batch(inputs, labels)
        if self._has_new:
            self.prepare_mixers(model)
        shared_rng, rng = self.generators()
        augment = self.batch_augments.pick(shared_rng)
        mixed, guidance = self.mix_by(
            model, augment, inputs, labels, rng, samples=samples)
        for hook in self._mix_hooks.values():
            hook(mixed, guidance)
        return mixed, guidance

    @torch.no_grad()
    def mix_by(
        self,
        model: nn.Module,
        augment: Optional[Callable],
        inputs: Tensor,
        labels: Tensor,
        rng: np.random.Generator,
        source: Optional[np.ndarray] = None,
        attention: Optional[Tensor] = None,
        samples: Optional[List[DataSample]] = None
    ) -> Tuple[MixedBatch, Optional[Guidance]]:
        """Mix a batch by a given batch augment, as training does.

        Args:
            model (nn.Module): The model that is passed to the guides.
            augment (Callable, optional): One of ``batch_augments.augments``.
                None mixes nothing. One of MMPretrain's does not tell what it
                mixed: what it returns counts as unmixed, with soft labels.
            inputs (Tensor): Normalised images ``(N, C, H, W)``.
            labels (Tensor): One-hot or soft labels ``(N, num_classes)``.
            rng (np.random.Generator): The only source of randomness.
            source (np.ndarray, optional): ``(N,)`` index of the image to
                paste into each, instead of the mixer's own draw.
            attention (Tensor, optional): Maps ``(N, h, w)`` to use instead of
                the guide's; they are averaged onto its grid.
            samples (list[DataSample], optional): The data samples of the
                batch, for a guide that reads them.

        Returns:
            tuple[MixedBatch, Guidance | None]: The mixed batch, with the
            mixer's own lambda, and what the guides returned, or None if
            nothing was required from them.
        """
        mixer = augment if isinstance(augment, BatchMixer) else None
        if augment is not None and mixer is None:
            inputs, labels = augment(inputs, labels)
        requires = self.requires(model, augment)
        guidance = ask_guides(self.guides, model, inputs, requires, labels,
                              samples)
        if mixer is None:
            name = None if augment is None else type(augment).__name__
            return MixedBatch.unmixed(inputs, labels, name), guidance
        if attention is not None and 'attention' in requires:
            grid = guidance.attention.shape[1:]
            guidance.attention = resize_mask(
                attention.to(guidance.attention), grid)
        params = mixer.sample_for(model, rng, inputs)
        if source is not None and mixer.kind == 'several':
            raise MmmixError(
                f'{type(mixer).__name__} chooses itself of which images it '
                'makes each, so that no partner can be given: choose a mixer '
                'of two images, such as mmmix.PuzzleMix.')
        if source is not None:
            params['source'] = source
        mixed = mixer.mix(inputs, labels, params, guidance)
        mixed.rng = rng
        mixed.originals = inputs
        return mixed, guidance

    def requires(self, model: nn.Module,
                 augment: Optional[Callable]) -> FrozenSet[str]:
        """What is required from the guides when a batch augment mixes: names
        of fields of :class:`Guidance`."""
        return required_of_guides(model.head, augment)

    def register_mix_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(mixed, guidance)`` after each :meth:`mix`.

        Returns:
            RemovableHandle: Its ``remove()`` unregisters the hook.
        """
        handle = RemovableHandle(self._mix_hooks)
        self._mix_hooks[handle.id] = hook
        return handle


def check_mixing_keys(cfg: Optional[dict], name: str) -> None:
    """Check that a config that says what is mixed has no other key.

    Args:
        cfg (dict, optional): None and an empty one mix nothing.
        name (str): What the config calls it, for the error message.

    Raises:
        MmmixError: If it is not a dict, has another key or no mixers.
    """
    if not cfg:
        return
    if not isinstance(cfg, dict):
        raise MmmixError(f'`{name}` must be dict(augments=[...], probs=[...]),'
                         f' not a {type(cfg).__name__}.')
    unknown = [key for key in cfg if key not in MIXING_KEYS]
    if unknown or 'augments' not in cfg:
        has = f'has {", ".join(unknown)}' if unknown else 'lacks `augments`'
        raise MmmixError(
            f'`{name}` {has}: its keys are `augments` (mixers), `probs` '
            '(their probabilities) and `guide`.')


def check_labels(samples: Optional[List[DataSample]],
                 num_classes: Optional[int]) -> None:
    """Check that every data sample has a label, and that it is in range.

    Labels are on the CPU here, so reading them does not block a GPU.

    Args:
        samples (List[DataSample], optional): The samples of a batch.
        num_classes (int, optional): None does not check the range.

    Raises:
        MmmixError: With the label and the path of the image.
    """
    if not samples or not all('gt_label' in sample or 'gt_score' in sample
                              for sample in samples):
        raise MmmixError(
            'Training requires a label for each image, but some data samples '
            'have neither `gt_label` nor `gt_score`: check that the '
            'training pipeline ends with PackInputs and the data set is '
            'labelled.')
    if num_classes is None:
        return
    last = num_classes - 1
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
                sample.gt_score.numel() == num_classes
                and _all_within(sample.gt_score, 0, float('inf'))):
            raise MmmixError(f'The soft label {sample.gt_score.tolist()} of '
                             f'{_where(sample)} must be {num_classes} numbers '
                             '(num_classes), none of them negative.')


def _copy_labels(samples: List[DataSample], device: torch.device) -> None:
    """Bring the labels of a batch to a GPU in one copy, which nobody waits
    for, as one would for those of the parent."""
    for name in ('gt_label', 'gt_score'):
        values = [s.get(name) for s in samples if isinstance(s, DataSample)]
        if len(values) < len(samples) or any(v is None for v in values):
            continue
        copies = copy_to(torch.cat(values), device)
        for sample, copy in zip(samples, copies.split([*map(len, values)])):
            sample.set_field(copy, name)


def _all_within(values: Tensor, low: float, high: float) -> bool:
    return not values.numel() or bool((values.min() >= low)
                                      & (values.max() <= high))


def _where(sample: DataSample) -> str:
    return sample.get('img_path', 'an image without a path')
