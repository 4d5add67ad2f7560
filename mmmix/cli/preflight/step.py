"""Checks of the model: one batch forward and backward, one evaluated."""
from copy import deepcopy
from typing import Iterator, List, Sized, Tuple

import torch
from mmengine.evaluator import Evaluator
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict, build_optim_wrapper
from mmengine.registry import EVALUATOR, HOOKS
from mmpretrain.evaluation import Accuracy
from mmpretrain.models import ClsHead, LinearClsHead
from torch import nn

from mmmix.engine.custom_hooks import custom_hooks
from mmmix.engine.hooks.ema_guide_hook import EMAGuideHook, ema_guides
from mmmix.models import MixClassifier, MixDataPreprocessor, RandomMixer
from mmmix.registry import class_of, is_of
from .finding import Finding, finding_of
from .mixing import switches
from .run import STEP, Run, is_known
from .schedule import images_in_last_batch

# arguments of metrics that write files
FILES = ('output_dir', 'out_dir', 'outfile_prefix', 'out_file_path',
         'format_only')


def check_parts(run: Run) -> Iterator[Finding]:
    """Losses, class weights and the number of classes fit each other."""
    for name, head in run.model().named_modules():
        classes = getattr(head, 'num_classes', None)
        if not isinstance(classes, int):
            continue
        for key, loss in head.named_children():
            weights = getattr(loss, 'class_weight', None)
            # the softmax of a detector, or of masks, has the background, too
            fitting = {classes, classes + (run.task is not None)}
            if (isinstance(weights, Sized) and len(weights) not in fitting
                    and is_known(type(head)) and is_known(type(loss))):
                yield Finding(
                    f'class_weight has {len(weights)} numbers, but '
                    f'num_classes={classes}: give one for each class.',
                    f'model.{name}.{key}')
            outputs = classes if isinstance(head, ClsHead) else getattr(
                head, 'out_channels', None)
            if (run.task != 'mmdet' and outputs == 1
                    and type(loss).__name__ == 'CrossEntropyLoss'
                    and not loss.use_sigmoid):
                yield Finding(
                    'The softmax of one class is always 1, so its loss is 0 '
                    'and nothing is learned: set use_sigmoid=True in the '
                    'loss, or count the background as a second class '
                    '(num_classes=2).', f'model.{name}.{key}')


def check_input(run: Run, split: str) -> Iterator[Finding]:
    """Images, normalisation, backbone, neck and head fit each other."""
    model, batch = run.model(), run.batch(split)
    images = batch.get('inputs') if isinstance(batch, dict) else None
    if not isinstance(images, (list, torch.Tensor)) or any(
            not isinstance(image, torch.Tensor) or image.ndim != 3
            for image in images):
        return  # several views of each image, a video, or something else
    channels = len(images[0])
    mean = getattr(model.data_preprocessor, 'mean', None)
    if isinstance(mean, torch.Tensor) and mean.numel() not in (
            1, channels) and (channels > 1 or not _takes(run, split)):
        yield Finding(
            f'mean and std have {mean.numel()} values, but the images have '
            f'{channels} channel{"s" * (channels > 1)}: give one value for '
            'each channel.', 'data_preprocessor')
        return
    head = getattr(model, 'head', None)
    wanted = getattr(head, 'in_channels', None)
    if not (isinstance(head, ClsHead) and isinstance(wanted, int)):
        return
    run.looking_at = f'the features of {channels}-channel images'
    model.eval()
    with torch.no_grad():
        images = model.data_preprocessor(deepcopy(batch))['inputs']
        features = model.extract_feat(images[:1])
        try:
            head(features)
            return
        except Exception:  # a step says so, if it is nothing of these
            pass
    while isinstance(features, (list, tuple)):
        features = features[-1]
    width = features.shape[1 if features.ndim == 4 else -1]
    if width != wanted:
        yield Finding(
            f'head.in_channels={wanted}, but the features of backbone and '
            f'neck have {width} channels: set it to {width}.', 'model.head')
    elif features.ndim == 4 and isinstance(model.head, LinearClsHead):
        yield Finding(
            'The head takes a vector, but gets a feature map of '
            f'{tuple(features.shape[1:])}: add '
            "neck=dict(type='GlobalAveragePooling').", 'model.neck')


def _takes(run: Run, split: str) -> bool:
    """Whether a model takes the images of a set."""
    model = run.model().eval()
    try:
        with torch.no_grad():
            data = model.data_preprocessor(deepcopy(run.batch(split)))
            model.extract_feat(data['inputs'])
        return True
    except Exception:
        return False


def check_training(run: Run) -> Iterator[Finding]:
    """One batch goes forward and backward with every mixer, and gives a
    gradient."""
    model = run.model()
    if run.mixes_sources('train') or _trains_itself(model):
        return
    model.train()
    _give_average(run, model)
    run.looking_at = 'optim_wrapper'
    wrapper = build_optim_wrapper(model, run.cfg.optim_wrapper)
    if isinstance(wrapper, OptimWrapperDict):
        return  # the model itself says which optimizer takes which step
    told: List[str] = []
    at_a_time = min(STEP, run.batch_size('train'))
    for first in range(0, len(run.samples('train')), at_a_time):
        try:
            size, told = _forward_and_backward(run, model, wrapper, first)
        except FloatingPointError:
            # the weights of a resumed run are others
            yield Finding(
                'The loss is not finite: check mean and std of the '
                'data_preprocessor, and the loss.', 'model', not run.trained)
            return
        if any(
                p.grad is not None and bool(p.grad.any())
                for p in model.parameters()):
            run.looked_at.append(
                f'training: one batch of {size} images forward and '
                f'backward: {"; ".join(told)}')
            return
    # sparse labels may ignore all of some images, but of all that were tried
    yield Finding(
        f'No weight gets a gradient from the losses ({"; ".join(told)}), '
        'so nothing is learned: check the loss, the number of classes, what '
        'is frozen and what is ignored.', 'model')


def _forward_and_backward(run: Run, model: nn.Module, wrapper: OptimWrapper,
                          first: int) -> Tuple[str, List[str]]:
    """Let a model learn from a batch by every mixer; returns how many images
    it had, and the losses.

    Raises:
        FloatingPointError: If their sum is not finite, as MixClassifier does.
    """
    sizes, told = set(), []
    for mixer, least in _mixers_in_turn(run, model):
        batch = run.batch('train', max(STEP, least), first)
        sizes.add(min(max(STEP, least), run.batch_size('train')))
        run.looking_at = f'one batch forward and backward {mixer}'.strip()
        data = model.data_preprocessor(deepcopy(batch), True)
        with wrapper.optim_context(model):
            loss, parts = model.parse_losses(_losses(model, data))
        if not torch.isfinite(loss):
            raise FloatingPointError
        numbers = ', '.join(f'{name} {float(value):.4g}'
                            for name, value in parts.items())
        told.append(f'{mixer} {numbers}'.strip())
        if loss.requires_grad:
            loss.backward()
    return ' or '.join(map(str, sorted(sizes))), told


def _trains_itself(model: nn.Module) -> bool:
    """Whether it has a step of its own."""
    return getattr(type(model), 'train_step', None) != BaseModel.train_step


def _losses(model: nn.Module, data) -> dict:
    """What a model returns in training, as MMEngine's base class calls it."""
    if isinstance(data, dict):
        return model(**data, mode='loss')
    return model(*data, mode='loss')


def _mixers_in_turn(run: Run, model: nn.Module) -> Iterator[Tuple[str, int]]:
    """Let a model mix by each of its mixers, and by none if it may; yields
    what it is set to, and how many images that takes at least."""
    mixing = _mixing(run, model)
    if not mixing:
        yield '', 1
        return
    preprocessor = model.data_preprocessor
    before = preprocessor.batch_augments
    try:
        for mixer in _mixers(mixing):
            preprocessor.batch_augments = RandomMixer(mixer)
            yield f'mixed by {type(mixer).__name__}', getattr(
                mixer, 'smallest_batch', 1)
        if not before or any(sum(one.probs) < 1 - 1e-6 for one in mixing):
            preprocessor.batch_augments = before and RandomMixer(
                before.augments, [0.] * len(before.probs))
            yield 'unmixed', 1
    finally:
        preprocessor.batch_augments = before


def _mixing(run: Run, model: nn.Module) -> List[RandomMixer]:
    """What a model mixes by, and what hooks switch to."""
    if not isinstance(model.data_preprocessor, MixDataPreprocessor):
        return []
    chosen = [
        model.data_preprocessor.batch_augments,
        *(RandomMixer(**augments) for _, augments in switches(run))
    ]
    return [one for one in chosen if one]


def _mixers(mixing: List[RandomMixer]) -> list:
    return [
        mixer for one in mixing for mixer, prob in zip(one.augments, one.probs)
        if prob > 0
    ]


def check_last_batch(run: Run) -> Iterator[Finding]:
    """A last batch that is smaller suits the mixers, and one of a single image
    the model."""
    images = images_in_last_batch(run, 'train')
    if images is None or run.mixes_sources('train') or _trains_itself(
            run.model()):
        return
    model, loader = run.model(), run.loader('train')
    for mixer in _mixers(_mixing(run, model)):
        least = getattr(mixer, 'smallest_batch', 1)
        if images < least:
            yield Finding(
                'The last batch of an epoch has '
                f'{"one image" if images == 1 else f"{images} images"}, but '
                f'{type(mixer).__name__} mixes at least {least}: set '
                'drop_last=True, or another batch_size.', 'train_dataloader')
            return
    if images > 1 or run.synchronised:
        return
    run.looking_at = 'a batch of one image'
    model.train()
    if isinstance(model, MixClassifier):  # its mixers take a single image
        model.data_preprocessor.batch_augments = None
    try:
        with torch.no_grad():
            data = model.data_preprocessor(
                loader.collate_fn(run.samples('train')[:1]), True)
            _losses(model, data)
    except Exception as error:
        cause = finding_of(error, '').what
        yield Finding(
            'The last batch of an epoch has one image, with which the model '
            f'cannot be trained ({cause}): set drop_last=True, or another '
            'batch_size.', 'train_dataloader')


def check_evaluation(run: Run, split: str) -> Iterator[Finding]:
    """One batch goes through the evaluator."""
    cfg = run.cfg.get(f'{split}_evaluator')
    if not cfg:
        return
    where = f'{split}_evaluator'
    model, batch = run.model(), run.batch(split)
    if isinstance(cfg, dict) and 'metrics' in cfg and class_of(
            cfg, EVALUATOR) not in (None, Evaluator):
        return
    evaluator = Evaluator(_without_files(cfg))
    evaluator.dataset_meta = run.metainfo(split)
    run.looking_at = f'a prediction for images of the {split} set'
    model.eval()
    with torch.no_grad():
        samples = [
            sample.to_dict() if hasattr(sample, 'to_dict') else sample
            for sample in model.val_step(batch)
        ]
    names = []
    for metric in evaluator.metrics:
        name = type(metric).__name__
        names.append(name)
        run.looking_at = f'{where}: {name}'
        topk = metric.topk if isinstance(metric, Accuracy) else ()
        classes = getattr(getattr(model, 'head', None), 'num_classes', None)
        if topk and isinstance(classes, int) and max(topk) > classes:
            yield Finding(
                f'{name}(topk={topk}) needs at least {max(topk)} '
                f'classes, but the head has num_classes={classes}: set '
                f'topk=(1, ) for instance.', where)
            continue
        try:
            metric.process(batch, samples)
        except KeyError as error:
            has = ', '.join(samples[0]) if samples else 'nothing'
            yield Finding(
                f'{name} reads {error} of each image, but the images of the '
                f'{split} set only have {has}: use a metric that does not '
                'need it, or add it to the annotations.', where)
            continue
        try:
            metric.compute_metrics(metric.results)
        except Exception:
            pass  # too few images for this metric
    run.looked_at.append(f'{split}: {len(samples)} images evaluated by '
                         f'{", ".join(names)}')


def _give_average(run: Run, model: nn.Module) -> None:
    """Let the model stand for its average, where a hook will give one."""
    if any(is_of(hook, HOOKS, EMAGuideHook) for hook in custom_hooks(run.cfg)):
        for guide in ema_guides(model):
            guide.average = model


def _without_files(cfg) -> List[dict]:
    """The metrics that write no file."""
    cfg = cfg.get('metrics', cfg) if isinstance(cfg, dict) else cfg
    cfg = cfg if isinstance(cfg, (list, tuple)) else [cfg]
    return [
        metric for metric in cfg if not any(metric.get(key) for key in FILES)
    ]
