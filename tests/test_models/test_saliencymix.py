"""SaliencyMix, and the guide that looks at the pixels alone."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import (BOTH_LOSSES, batch, build, cnn_config, train_losses,
                     vit_config)

from mmmix.errors import MissingIngredient
from mmmix.functional import (area_lambda, fine_grained_saliency, grey_levels,
                              spectral_residual_saliency)
from mmmix.registry import BATCH_AUGMENTS, TASK_UTILS
from mmmix.structures import Guidance

SIZE = (24, 40)
FORMS = [
    dict(type='mmmix.SaliencyMix'),
    dict(type='mmmix.SaliencyMix', alpha=0.2),
    dict(type='mmmix.SaliencyMix', per_image=False),
]
IMAGE_GUIDE = dict(attention=dict(type='mmmix.ImageGuide'))
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def run(cfg, seed=0, n=5, grid=SIZE, dtype=torch.float32):
    mixer = BATCH_AUGMENTS.build(cfg)
    inputs = torch.rand(n, 3, *SIZE).to(dtype)
    labels = F.one_hot(torch.arange(n) % 4, 4)
    attention = torch.rand(n, *grid)
    params = mixer.sample(np.random.default_rng(seed), n, SIZE)
    mixed = mixer.mix(inputs, labels, params, Guidance(attention))
    return mixed, inputs, attention, params


def reference(inputs, attention, params, per_image):
    """Image by image, pixel by pixel."""
    height, width = inputs.shape[-2:]
    mixed, lams = inputs.clone(), []
    for i, j in enumerate(params['source']):
        own = attention[j if per_image else params['source'][0]]
        half = params['half'][i if per_image else 0]
        peak = np.unravel_index(own.numpy().argmax(), own.shape)
        centre = [
            int((at + 0.5) * side / cells)
            for at, side, cells in zip(peak, (height, width), own.shape)
        ]
        pasted = 0
        for y in range(height):
            for x in range(width):
                if centre[0] - half[0] <= y < centre[0] + half[0] \
                        and centre[1] - half[1] <= x < centre[1] + half[1]:
                    mixed[i, :, y, x] = inputs[j, :, y, x]
                    pasted += 1
        lams.append(pasted / (height * width))
    return mixed, lams


@pytest.mark.parametrize('cfg', FORMS)
@pytest.mark.parametrize('n', [1, 2, 5])
@pytest.mark.parametrize('grid', [SIZE, (3, 5), (7, 7)])
def test_boxes_pixel_by_pixel(cfg, n, grid):
    for seed in range(3):
        mixed, inputs, attention, params = run(cfg, seed, n, grid)
        expected, lams = reference(inputs, attention, params,
                                   cfg.get('per_image', True))
        assert torch.equal(mixed.inputs, expected)
        assert mixed.lam.tolist() == pytest.approx(lams)
        torch.testing.assert_close(mixed.lam, area_lambda(mixed.mask))
        assert torch.equal(mixed.source_boxes, mixed.target_boxes)
        assert mixed.kind == 'regions'


def test_shares_are_uniform_and_there_is_one_for_each_image():
    mixer = BATCH_AUGMENTS.build(FORMS[0])
    half = mixer.sample(np.random.default_rng(0), 4000, (200, 100))['half']
    share = (half[:, 0] * 2 / 200)**2
    assert np.quantile(share, [.25, .5, .75]) == pytest.approx([.25, .5, .75],
                                                               abs=.04)
    assert (half[:, 1] == half[:, 0] // 2).all()
    shared = BATCH_AUGMENTS.build(FORMS[2]).sample(
        np.random.default_rng(0), 7, SIZE)
    assert shared['half'].shape == (1, 2)


def test_no_box_and_the_largest():
    """A share of 1 covers at least a quarter, of 0 nothing."""
    mixer = BATCH_AUGMENTS.build(FORMS[0])
    inputs, labels = torch.rand(3, 3, *SIZE), torch.eye(3)
    for half, low, high in (([0, 0], 0, 0), ([12, 20], 1 / 4, 1)):
        params = dict(source=np.array([1, 2, 0]), half=np.array([half]))
        attention = torch.zeros(3, *SIZE)
        attention[1, 12, 20] = 1  # the others have theirs in the corner
        mixed = mixer.mix(inputs, labels, params, Guidance(attention))
        assert mixed.lam.tolist() == [high, low, low]


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_other_precisions(dtype):
    mixed, inputs, attention, params = run(FORMS[0], dtype=dtype)
    expected, _ = reference(inputs, attention, params, True)
    assert torch.equal(mixed.inputs, expected)
    assert mixed.lam.dtype == torch.float32


def test_what_is_missing_is_named():
    mixer = BATCH_AUGMENTS.build(FORMS[0])
    params = mixer.sample(np.random.default_rng(0), 2, SIZE)
    with pytest.raises(ValueError, match='SaliencyMix requires the attention'):
        mixer.mix(torch.rand(2, 3, *SIZE), torch.eye(2), params)
    with pytest.raises(ValueError, match='MixDataPreprocessor'):
        mixer(torch.rand(2, 3, *SIZE), torch.eye(2))
    with pytest.raises(ValueError, match='`alpha`'):
        BATCH_AUGMENTS.build(dict(FORMS[0], alpha=0))


# the guide


def photographs(n=3, size=(48, 40)):
    """8-bit images with smooth colours."""
    small = torch.rand(n, 3, 6, 5) * 255
    images = F.interpolate(small, size, mode='bicubic', antialias=True)
    return images.round().clamp(0, 255).to(torch.uint8)


def ask(model, images, saliency='fine_grained'):
    guide = TASK_UTILS.build(dict(type='mmmix.ImageGuide', saliency=saliency))
    data = model.data_preprocessor(dict(inputs=[*images]), training=False)
    guidance = guide(model, data['inputs'], frozenset({'attention'}))
    assert guidance.logits is None
    return guidance.attention


@pytest.mark.parametrize('saliency', ['fine_grained', 'spectral'])
@pytest.mark.parametrize('channels', ['rgb', 'bgr'])
def test_the_guide_sees_the_pixels(saliency, channels):
    """Whatever the normalisation and the order of the channels."""
    function = dict(
        fine_grained=fine_grained_saliency,
        spectral=spectral_residual_saliency)[saliency]
    images = photographs()  # as the files are loaded, in BGR
    expected = function(grey_levels(images, 'bgr'))
    preprocessor = dict(
        mean=MEAN, std=STD, to_rgb=channels == 'rgb', channels=channels)
    model = build(vit_config([FORMS[0]], data_preprocessor=preprocessor))
    maps = ask(model, images, saliency)
    assert maps.dtype == torch.float32 and (maps >= 0).all()
    torch.testing.assert_close(maps, expected, rtol=1e-4, atol=1e-4)


def test_the_guide_sees_pixels_that_are_not_normalised():
    images = photographs()
    model = build(vit_config([FORMS[0]]))
    expected = fine_grained_saliency(grey_levels(images, 'rgb'))
    assert torch.equal(ask(model, images), expected)


def test_the_guide_under_autocast_is_exact():
    model = build(vit_config([FORMS[0]]))
    images = photographs()
    for saliency in ('fine_grained', 'spectral'):
        expected = ask(model, images, saliency)
        with torch.autocast('cpu', torch.bfloat16):
            assert torch.equal(ask(model, images, saliency), expected)


def test_grey_images():
    images = photographs()[:, :1]
    guide = TASK_UTILS.build(dict(type='mmmix.ImageGuide'))
    model = build(vit_config([FORMS[0]]))
    maps = guide(model, images.float(), frozenset({'attention'})).attention
    assert torch.equal(maps, fine_grained_saliency(images[:, 0]))


def test_an_unknown_map():
    with pytest.raises(ValueError, match="`saliency`.*'deep'"):
        TASK_UTILS.build(dict(type='mmmix.ImageGuide', saliency='deep'))


# in a model


@pytest.mark.parametrize('cfg', FORMS)
@pytest.mark.parametrize('config', [vit_config, cnn_config])
@pytest.mark.parametrize('guide',
                         [None, IMAGE_GUIDE, IMAGE_GUIDE['attention']])
@pytest.mark.parametrize('n', [1, 5])
def test_a_training_step(cfg, config, guide, n):
    model = build(config([cfg], guide=guide))
    losses, data = train_losses(model, batch(n))
    losses['loss_cls'].backward()
    assert data['mixed'].mixer == 'SaliencyMix'
    grid = (4, 4) if guide is None else (32, 32)
    assert data['guidance'].attention.shape == (n, *grid)
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_boxes_are_where_the_guide_says():
    """Each image has one bright pixel; boxes contain those of the sources."""
    model = build(vit_config([FORMS[0]], guide=IMAGE_GUIDE, probs=[1.]))
    data = batch(8)
    peaks = torch.randint(14, 18, (8, 2))
    for image, (y, x) in zip(data['inputs'], peaks.tolist()):
        image[:] = 0
        image[:, y, x] = 255
    _, seen = train_losses(model, data)
    mixed = seen['mixed']
    y1, x1, y2, x2 = mixed.target_boxes.unbind(1)
    y, x = peaks[mixed.source].unbind(1)
    some = mixed.lam > 0
    assert some.sum() > 4
    assert (y1 + y2 == 2 * y)[some & (y1 > 0) & (y2 < 32)].all()
    assert (x1 + x2 == 2 * x)[some & (x1 > 0) & (x2 < 32)].all()


def test_every_part_beside_it():
    """A label rule takes the map too, losses their logits elsewhere."""
    head = dict(label_rule=dict(type='mmmix.AreaAttentionLabel'))
    model = build(
        vit_config([FORMS[0]], BOTH_LOSSES, guide=IMAGE_GUIDE, head=head))
    losses, _ = train_losses(model)
    assert set(losses) == {'loss_cls', 'loss_fine', 'loss_consistency'}
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_the_guide_has_no_logits():
    consistency = dict(consistency=dict(type='mmmix.ConsistencyLoss'))
    with pytest.raises(
            MissingIngredient,
            match=r"'logits'.*ImageGuide gives 'attention' only"):
        build(
            vit_config([FORMS[0]], consistency,
                       guide=IMAGE_GUIDE['attention']))
