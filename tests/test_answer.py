"""What the networks say of a recording."""

import numpy as np
import pytest

from dsta_jax.answer import Answer

NAMES = ("wave", "point", "stop")


def test_mixed_is_between_its_parts():
    rng = np.random.default_rng(0)
    one, other = (Answer(NAMES, rng.normal(size=3), {"spatial": Answer(NAMES, rng.normal(size=3))}) for _ in range(2))
    for weight in (0.0, 0.25, 1.0):
        mixed = one.mixed(other, weight)
        np.testing.assert_allclose(mixed.score_K, (1 - weight) * one.score_K + weight * other.score_K)
        scores = (one.streams["spatial"].score_K, other.streams["spatial"].score_K)
        np.testing.assert_allclose(mixed.streams["spatial"].score_K, (1 - weight) * scores[0] + weight * scores[1])


def test_top_and_probability():
    answer = Answer(NAMES, np.log([0.2, 0.5, 0.3]))
    assert answer.label == "point" and answer.probability == pytest.approx(0.5)
    assert answer.top(2) == [("point", pytest.approx(0.5)), ("stop", pytest.approx(0.3))]
    assert repr(answer) == "Answer('point', 0.500)"
