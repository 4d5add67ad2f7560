"""What models look at in pairs of images, unmixed and mixed (SMMix, Fig. 5b
and c; TdAttenMix, Fig. 6; MixPro, Fig. 6)."""
from typing import Dict, List, Sequence, Tuple

import numpy as np
import torch
from mmengine.dataset import BaseDataset

from mmmix.analysis.methods import Method, check_images, class_names
from mmmix.analysis.model_maps import ModelMap
from mmmix.analysis.pairs import Pairs, pair_classes
from mmmix.analysis.trained_model import (TrainedModel, batches, labels_of,
                                          load_batch, to_image)
from mmmix.errors import MmmixError
from mmmix.visualization.contact_sheet import SheetRow
from mmmix.visualization.figure import SOURCE, TARGET, short_name


def look_at_pair(models: Sequence[TrainedModel], maps: ModelMap,
                 method: Method, dataset: BaseDataset, pair: Sequence[int],
                 key: Tuple[int, ...]) -> Tuple[List[SheetRow], List[tuple]]:
    """Mix a pair of images, and let models look at it.

    Args:
        models, maps, method, dataset: Who looks, for what, what mixes, and
            labelled images.
        pair (Sequence[int]): Indices of the target and of the source.
        key (tuple): Seeds the mixing.

    Returns:
        tuple[list[SheetRow], list[tuple]]: Rows of a picture: the source, the
        target, and the mixed image for the label of each, or once where the
        maps do not depend on the label. Rows of a table, one for each model:
        names of source and target, lambda, the model, and its probabilities
        of the source and of the target, each in its own image and in the one
        with the source pasted into the target.

    Raises:
        MmmixError: If the method mixes inside of the network.
    """
    check_images([method])
    inputs, samples = load_batch(models[0], dataset, pair, alike=True)
    pairs = Pairs(inputs, samples, np.array([1, 0]), key)
    mixed = method.mix(pairs)
    labels = dict(
        own=(inputs, pairs.labels),
        source=(mixed.inputs, pairs.source_labels),
        target=(mixed.inputs, pairs.labels))
    with torch.no_grad():
        probabilities = {
            key: [
                trained.model(shown).softmax(1)[torch.arange(2), wanted].cpu()
                for trained in models
            ]
            for key, (shown, wanted) in labels.items()
        }
    shown = labels if maps.requires_labels else dict(
        own=(inputs, None), both=(mixed.inputs, None))
    looked = {
        key: [maps(trained.model, *what) for trained in models]
        for key, what in shown.items()
    }
    images, mixed_images = (
        to_image(models[0], values) for values in (inputs, mixed.inputs))
    mask = mixed.mask_on(inputs.shape[-2:])[0]
    lam = float(mixed.lam[0])
    names = class_names(dataset, pairs.labels.tolist())
    target, source = (short_name(name, 14) for name in names)

    def row(title, colour, image, key, index=0, mask=None):
        captions = [''] * len(models) if key == 'both' else [
            f'p = {p[index]:.2f}' for p in probabilities[key]
        ]
        return SheetRow(title, colour, image, [m[index] for m in looked[key]],
                        captions, mask)

    rows = [
        row(f'source\n{source}', SOURCE, images[1], 'own', 1),
        row(f'target\n{target}', TARGET, images[0], 'own')
    ]
    mixes = dict(
        source=(f'mixed, for\n{source}\n$\\lambda$ = {lam:.2f}', SOURCE),
        target=(f'mixed, for\n{target}\n1 - $\\lambda$ = {1 - lam:.2f}',
                TARGET),
        both=(f'mixed\n$\\lambda$ = {lam:.2f}', 'black'))
    rows += [
        row(*mixes[key], mixed_images[0], key, mask=mask) for key in looked
        if key in mixes
    ]
    table = [(names[1], names[0], lam, trained.name,
              *map(float, (own[1], own[0], as_source[0], as_target[0])))
             for trained, own, as_source, as_target in zip(
                 models, *probabilities.values())]
    return rows, table


@torch.no_grad()
def correct_images(
        models: Sequence[TrainedModel],
        dataset: BaseDataset,
        indices: Sequence[int],
        batch_size: int = 100
) -> Tuple[np.ndarray, np.ndarray, Dict[str, float]]:
    """The images that all models classify correctly, each loaded alike for
    all of them and for :func:`look_at_pair`; for the arguments see
    :func:`~mmmix.analysis.batches`.

    Returns:
        tuple[np.ndarray, np.ndarray, dict[str, float]]: The indices of these
        images, their labels, and the accuracy of each model in percent.

    Raises:
        MmmixError: If there are not two of different classes.
    """
    right, accuracy = [], {}
    for trained in models:
        found = []
        for inputs, samples in batches(
                trained, dataset, indices, batch_size, alike=True):
            labels = labels_of(samples).cpu()
            predicted = trained.model(inputs).argmax(1).cpu()
            found.append(torch.stack((predicted == labels, labels)))
        correct, labels = torch.cat(found, 1)
        right.append(correct.bool())
        accuracy[trained.name] = 100 * float(correct.double().mean())
    right = torch.stack(right).all(0)
    if len(labels[right].unique()) < 2:
        each = ', '.join(f'{name} {percent:.1f} %'
                         for name, percent in accuracy.items())
        raise MmmixError(
            f'Of {len(indices)} images, {int(right.sum())} are classified '
            f'correctly by all models ({each}), and a pair needs two of '
            'different classes: look at more images (--num-images) or at '
            'fewer models.')
    return np.array(indices)[right.numpy()], labels[right].numpy(), accuracy


def choose_pairs(images: np.ndarray, labels: np.ndarray, num: int,
                 seed: int) -> List[Tuple[int, int]]:
    """Targets and sources of different classes, each image once: so many
    pairs of images with indices and labels ``(N,)``, if there are as many."""
    rng = np.random.default_rng(seed)
    source = pair_classes(labels, rng)
    pairs, used = [], set()
    for target in rng.permutation(len(images)):
        pair = {int(target), int(source[target])}
        if labels[target] != labels[source[target]] and not pair & used \
                and len(pairs) < num:
            used |= pair
            pairs.append((int(images[target]), int(images[source[target]])))
    return pairs
