import math

import numpy as np
import pytest
import torch

from mmmix.evaluation.calibration import (calibration_bins,
                                          confident_prediction,
                                          response_rate_accuracy,
                                          rms_calibration_error)


def tensors(confidence, correct):
    return torch.tensor(confidence), torch.tensor(correct, dtype=torch.bool)


def slow_rms(confidence, correct, size, skip_last=False):
    """The definition, image by image; no ties."""
    images = sorted(zip(confidence.tolist(), correct.tolist()))
    bins = [[]]
    for i, image in enumerate(images):
        left = len(images) - i
        if len(bins[-1]) == size and left >= size:
            bins.append([])
        bins[-1].append(image)
    total = 0.
    for members in bins[:-1] if skip_last else bins:
        confident = sum(c for c, _ in members) / len(members)
        right = sum(r for _, r in members) / len(members)
        total += len(members) / len(images) * (right - confident)**2
    return math.sqrt(total)


def slow_aurra(confidence, correct):
    """The definition, response rate by response rate; no ties."""
    images = sorted(zip(confidence.tolist(), correct.tolist()), reverse=True)
    curve = []
    for answered in range(1, len(images) + 1):
        right = 0
        for _, is_right in images[:answered]:
            right += is_right
        curve.append(right / answered)
    return sum(curve) / len(curve)


@pytest.fixture(params=[1, 7, 99, 100, 199, 200, 437])
def images(request):
    generator = torch.Generator().manual_seed(request.param)
    confidence = torch.rand(request.param, generator=generator).double()
    correct = torch.rand(request.param, generator=generator) < confidence
    return confidence, correct


@pytest.mark.parametrize('size', [1, 10, 100])
def test_rms_error_follows_its_definition(images, size):
    expected = slow_rms(*images, size)
    assert rms_calibration_error(*images, size) == pytest.approx(expected)
    if len(images[0]) >= 2 * size:
        expected = slow_rms(*images, size, skip_last=True)
        assert rms_calibration_error(
            *images, size, skip_last_bin=True) == pytest.approx(expected)


def test_aurra_follows_its_definition(images):
    curve = response_rate_accuracy(*images)
    assert float(curve.mean()) == pytest.approx(slow_aurra(*images))
    assert float(curve[-1]) == pytest.approx(float(images[1].double().mean()))


def test_by_hand():
    confidence, correct = tensors([.9, .2, .6, .5], [1, 0, 0, 1])
    # .9 right, .6 wrong, .5 right, .2 wrong: 1, 1/2, 2/3, 1/2
    assert response_rate_accuracy(confidence, correct).tolist() == (
        pytest.approx([1, 1 / 2, 2 / 3, 1 / 2]))
    count, mean, accuracy = calibration_bins(confidence, correct, 2)
    assert count.tolist() == [2, 2]
    assert mean.tolist() == pytest.approx([.35, .75])
    assert accuracy.tolist() == [.5, .5]
    assert rms_calibration_error(confidence, correct, 2) == pytest.approx(
        math.sqrt((.15**2 + .25**2) / 2))
    assert rms_calibration_error(
        confidence, correct, 2,
        skip_last_bin=True) == pytest.approx(math.sqrt(.15**2 / 2))


def test_the_last_bin_takes_the_remainder():
    confidence = torch.linspace(0, 1, 299)
    count, _, _ = calibration_bins(confidence, confidence > .5)
    assert count.tolist() == [100, 199]
    count, _, _ = calibration_bins(confidence[:37], confidence[:37] > .5)
    assert count.tolist() == [37]


@pytest.mark.parametrize('right, error', [(True, .3), (False, .7)])
def test_all_right_and_all_wrong(right, error):
    confidence, correct = torch.full((250, ), .7), torch.full((250, ), right)
    assert rms_calibration_error(confidence, correct) == pytest.approx(error)
    curve = response_rate_accuracy(confidence, correct)
    assert (curve == right).all() and len(curve) == 250


def test_one_image():
    assert rms_calibration_error(*tensors([.25], [1])) == pytest.approx(.75)
    assert response_rate_accuracy(*tensors([.25], [0])).tolist() == [0]


def test_ties_do_not_depend_on_the_order():
    # of the tied images half are right, at whatever place
    for order in ([1, 0, 0], [0, 1, 0]):
        confidence, correct = tensors([.5, .5, .2], order)
        assert response_rate_accuracy(confidence, correct).tolist() == (
            pytest.approx([.5, .5, 1 / 3]))
        assert rms_calibration_error(confidence, correct,
                                     1) == pytest.approx(math.sqrt(.2**2 / 3))


def test_ties_are_the_mean_over_all_orders():
    confidence = torch.tensor([.9] + 3 * [.5] + [.1]).double()
    correct = torch.tensor([True, True, False, False, True])
    curves = []
    for right in range(3):
        middle = [i == right for i in range(3)]
        ordered = np.array([True, *middle, True], dtype=float)
        curves.append(np.cumsum(ordered) / np.arange(1, 6))
    assert response_rate_accuracy(confidence, correct).tolist() == (
        pytest.approx(np.mean(curves, 0).tolist()))


@pytest.mark.parametrize('subset', [None, [2, 0, 5], [3]])
def test_confidence_is_the_softmax_of_the_subset(subset):
    generator = torch.Generator().manual_seed(0)
    logits = 5 * torch.randn(40, 6, generator=generator).double()
    confidence, answer = confident_prediction(logits.softmax(1), subset)
    classes = subset or list(range(6))
    for row, sure, best in zip(logits.tolist(), confidence, answer):
        powers = {c: math.exp(row[c]) for c in classes}
        expected = max(powers, key=powers.get)
        assert int(best) == expected
        assert float(sure) == pytest.approx(powers[expected] /
                                            sum(powers.values()))


def test_scores_that_vanish_in_the_subset():
    scores = torch.tensor([[1., 0., 0.]])
    confidence, answer = confident_prediction(scores, [1, 2])
    assert confidence.tolist() == [.5] and answer.tolist() == [1]


@pytest.mark.parametrize('subset', [[], [0, 3], [-1]])
def test_subset_that_does_not_fit(subset):
    with pytest.raises(ValueError, match='between 0 and 2.*3 columns'):
        confident_prediction(torch.rand(2, 3), subset)


def test_probabilities_that_are_not_finite():
    broken = torch.tensor([[.5, .5, 0.], [float('nan')] * 3])
    for subset in (None, [1, 2]):
        with pytest.raises(ValueError, match='of 1 of 2 images are not fin'):
            confident_prediction(broken, subset)


def test_bad_input():
    with pytest.raises(ValueError, match='no images'):
        rms_calibration_error(torch.zeros(0), torch.zeros(0))
    with pytest.raises(ValueError, match=r'\(3,\) and \(2,\)'):
        response_rate_accuracy(torch.zeros(3), torch.zeros(2))
    with pytest.raises(ValueError, match='between 0.0 and 7.0'):
        response_rate_accuracy(torch.tensor([0., 7]), torch.zeros(2))
    with pytest.raises(ValueError, match='bin_size'):
        rms_calibration_error(torch.zeros(3), torch.zeros(3), 0)
    with pytest.raises(ValueError, match='at least 200 images, not 150'):
        rms_calibration_error(
            torch.zeros(150), torch.zeros(150), skip_last_bin=True)
