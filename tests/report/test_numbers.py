"""Intervals, calibration and confusions against what is computed by hand."""

import numpy as np
import pytest

from dsta_jax.report import bootstrap, calibration, confusions
from dsta_jax.scores import Scores


def of(score_SxK, label_S, classes=None) -> Scores:
    score_SxK, label_S = np.array(score_SxK, float), np.array(label_S)
    names = tuple(f"class {k}" for k in range(classes or score_SxK.shape[1]))
    return Scores("fused", np.array([f"s{n}" for n in range(len(label_S))]), label_S, score_SxK, names)


def at_random(rng, part, samples=200, classes=4) -> Scores:
    label_S = rng.integers(classes, size=samples)
    answer_S = np.where(rng.random(samples) < part, label_S, (label_S + 1) % classes)
    return of(np.eye(classes)[answer_S], label_S)


def test_intervals_hold_the_true_accuracy_as_often_as_they_say():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(300):
        low, high = bootstrap.intervals(at_random(rng, 0.8))["top1"]
        held.append(low <= 0.8 <= high)
    assert 0.91 <= np.mean(held) <= 0.98


def test_intervals_are_those_of_recordings_that_are_drawn_again():
    rng = np.random.default_rng(1)
    scores = at_random(rng, 0.6, samples=60, classes=7)
    found = bootstrap.intervals(scores)
    drawn = [rng.integers(60, size=60) for _ in range(2000)]
    again = [of(scores.score_SxK[index], scores.label_S[index]).metrics() for index in drawn]
    for name, (low, high) in found.items():
        assert low <= scores.metrics()[name] <= high
        expected = np.quantile([one[name] for one in again], (0.025, 0.975))
        np.testing.assert_allclose((low, high), expected, atol=0.035)


def test_interval_of_what_is_always_right_is_a_point():
    assert bootstrap.intervals(of(np.eye(3), [0, 1, 2]))["top1"] == (1.0, 1.0)


def test_calibration_of_a_made_example():
    # The softmax of (log p, log (1 - p)) is p: three answers of 0.9, two of them right, and one of 0.6, which is wrong.
    probability = np.array([0.9, 0.9, 0.9, 0.6])
    found = calibration.calibrate(of(np.log(np.stack([probability, 1 - probability], 1)), [0, 0, 1, 1]), bins=10)
    assert found.count_B.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 3, 0]
    assert found.probability_B[[5, 8]] == pytest.approx([0.6, 0.9])
    assert found.accuracy_B[[5, 8]] == pytest.approx([0, 2 / 3])
    assert found.error == pytest.approx((1 * 0.6 + 3 * (0.9 - 2 / 3)) / 4)
    assert np.isnan(found.accuracy_B[0])


def test_answers_that_are_sure_and_right_are_calibrated():
    assert calibration.calibrate(of(1000 * np.eye(3), [0, 1, 2])).error == pytest.approx(0)


def test_confusions_of_a_made_example():
    taken = [1, 1, 0, 2, 1, 2, 0]
    score_SxK = np.eye(3)[taken] * np.array([1, 3, 1, 1, 2, 1, 1])[:, None]
    scores = of(score_SxK, [0, 0, 0, 1, 1, 2, 2])
    first, second, third = confusions.worst(scores, 5)
    assert (first.true, first.taken, first.times, first.samples) == (0, 1, 2, 3)
    assert first.wrong == 1, "of two the surer one"
    assert first.like == 4, "recognised, as the other of its class is not"
    assert {(one.true, one.taken, one.times) for one in (second, third)} == {(1, 2, 1), (2, 0, 1)}
    assert len(confusions.worst(scores, 1)) == 1
    np.testing.assert_allclose(confusions.per_class(scores), [1 / 3, 1 / 2, 1 / 2])


def test_confusions_with_a_class_without_recordings_and_with_ties():
    scores = of([[1, 1, 0], [0, 0, 5]], [0, 0])
    pairs = {(one.true, one.taken): one for one in confusions.worst(scores, 5)}
    assert set(pairs) == {(0, 1), (0, 2)}, "a tie counts against the recording's own class"
    assert pairs[0, 1].wrong == 0 and pairs[0, 1].like is None
    assert np.isnan(confusions.per_class(scores)[1:]).all()
    assert confusions.typical(of([[0, 1], [1, 0]], [0, 0])) == 1
