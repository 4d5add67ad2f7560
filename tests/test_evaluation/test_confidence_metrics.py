from importlib.util import find_spec

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmpretrain.structures import DataSample

from mmmix.evaluation import detection_aupr
from mmmix.registry import METRICS

SCORES = [  # answers of three classes: 0, 1, 2, 2
    [.6, .3, .1],
    [.2, .5, .3],
    [.1, .2, .7],
    [.11, .1, .79],
]

needs_sklearn = pytest.mark.skipif(
    find_spec('sklearn') is None, reason='scikit-learn is not installed')


def evaluate(metric, scores, labels, **metainfo):
    evaluator = Evaluator(METRICS.build(metric))
    evaluator.dataset_meta = metainfo
    samples = [
        DataSample().set_gt_label(label).set_pred_score(torch.tensor(score))
        for score, label in zip(scores, labels)
    ]
    for start in range(0, len(samples), 3):
        evaluator.process(samples[start:start + 3])
    return evaluator.evaluate(len(samples))


def test_accuracy_among_the_classes_of_the_set():
    labels = [0, 0, 1, 1]
    assert evaluate(
        dict(type='mmmix.SubsetAccuracy'), SCORES, labels, subset=(0, 1)) == {
            'subset/top1': 50
        }  # answers 0, 1, 1 and 0
    assert evaluate(
        dict(type='mmmix.SubsetAccuracy', restrict=False),
        SCORES,
        labels,
        subset=(0, 1)) == {
            'subset/top1': 25
        }
    assert evaluate(dict(type='mmmix.SubsetAccuracy'), SCORES,
                    [0, 1, 2, 0]) == {
                        'subset/top1': 75
                    }


def test_calibration_by_hand():
    labels = [0, 1, 0, 2]  # confidences .6, .5, .7 (wrong), .79
    error = evaluate(
        dict(type='mmmix.CalibrationError', bin_size=2), SCORES, labels)
    # bins (.5, .6): 1 - .55; (.7, .79): .5 - .745
    assert error == {
        'calibration/rms_error':
        pytest.approx(100 * ((.45**2 + .245**2) / 2)**.5)
    }
    area = evaluate(dict(type='mmmix.AURRA'), SCORES, labels)
    assert area == {
        'calibration/aurra':
        pytest.approx(100 * (1 + 1 / 2 + 2 / 3 + 3 / 4) / 4)
    }
    skipped = evaluate(
        dict(type='mmmix.CalibrationError', bin_size=2, skip_last_bin=True),
        SCORES, labels)
    assert skipped['calibration/rms_error'] == pytest.approx(100 *
                                                             (.45**2 / 2)**.5)


@needs_sklearn
def test_detection_by_hand():
    # the least confident is outside, then one inside, then one outside
    scores = [[.4, .3, .3], [.5, .3, .2], [.6, .2, .2], [.9, .1, 0.]]
    result = evaluate(dict(type='mmmix.OODDetection'), scores, [-1, 0, -1, 1])
    assert result == {
        'ood/aupr': pytest.approx(100 * (1 + 2 / 3) / 2),
        'ood/outside': 50
    }


def slow_average_precision(confidence, outside):
    """Sum over distinct thresholds of precision times gain of recall."""
    total, found, area = sum(outside), 0, 0.
    for threshold in sorted(set(confidence)):
        flagged = [o for c, o in zip(confidence, outside) if c <= threshold]
        gain = sum(flagged) - found
        found += gain
        area += gain / total * found / len(flagged)
    return area


@needs_sklearn
@pytest.mark.parametrize('levels', [1, 3, 1000])
def test_aupr_is_the_average_precision(levels):
    generator = torch.Generator().manual_seed(levels)
    confidence = torch.randint(
        1, levels + 1, (60, ), generator=generator) / levels
    outside = torch.rand(60, generator=generator) < .3
    assert detection_aupr(confidence, outside) == pytest.approx(
        slow_average_precision(confidence.tolist(), outside.tolist()))


@needs_sklearn
def test_perfect_and_useless_detection():
    outside = torch.tensor([True, True, False, False, False])
    sure = torch.tensor([.1, .2, .7, .8, .9])
    assert detection_aupr(sure, outside) == 1
    # a tie of all finds as many as there are
    assert detection_aupr(torch.full((5, ), .5), outside) == pytest.approx(.4)


@needs_sklearn
@pytest.mark.parametrize('labels, numbers', [([0, 1], '2 inside and 0'),
                                             ([-1, -1], '0 inside and 2')])
def test_detection_needs_both(labels, numbers):
    with pytest.raises(ValueError, match=numbers):
        evaluate(dict(type='mmmix.OODDetection'), SCORES[:2], labels)


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'sklearn.metrics', None)
    with pytest.raises(ImportError, match='pip install scikit-learn'):
        detection_aupr(torch.rand(2), torch.tensor([True, False]))


def test_labels_that_do_not_fit_the_head():
    with pytest.raises(ValueError, match='counts 1000 classes.*gives 3'):
        evaluate(
            dict(type='mmmix.SubsetAccuracy'),
            SCORES, [0] * 4,
            wnids=tuple(map(str, range(1000))),
            subset=(5, ))
