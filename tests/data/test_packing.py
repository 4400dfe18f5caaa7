"""Which numbers of rows a training is compiled for."""

import numpy as np
import pytest

from dsta_jax.data import packing
from dsta_jax.data.packing import RowCounts


@pytest.mark.parametrize(
    ("body_BxM", "needed"),
    [([[1, 0], [1, 0]], 3), ([[1, 1], [1, 0]], 4), ([[1, 1], [1, 1]], 4), ([[0, 0], [0, 0]], 1), ([[0, 1]], 2)],
)
def test_rows_needed(body_BxM, needed):
    assert packing.rows_needed(np.array(body_BxM, bool)) == needed


def rows_taken(counts, needed_S):
    return sum(counts.of(needed) for needed in needed_S)


def test_the_two_numbers_take_the_fewest_rows():
    needed_S = np.random.default_rng(0).binomial(64, 0.2, 1000) + 65
    counts = packing.choose(needed_S, 128, 1)
    assert counts.most == needed_S.max() > counts.usual
    others = (RowCounts(usual, counts.most) for usual in range(needed_S.min(), counts.most + 1))
    assert rows_taken(counts, needed_S) == min(rows_taken(other, needed_S) for other in others)
    assert all(counts.of(needed) >= needed for needed in needed_S)


@pytest.mark.parametrize("multiple", [4, 8])
def test_devices_divide_the_rows(multiple):
    counts = packing.choose(np.array([65, 70, 70, 71, 90]), 128, multiple)
    assert counts.usual % multiple == counts.most % multiple == 0
    assert counts.usual >= 71 and counts.most >= 90


def test_one_number_where_all_batches_are_alike():
    assert packing.choose(np.array([65, 65, 65]), 128, 1) == RowCounts(65, 65)


def test_not_worth_it():
    assert packing.choose(np.array([128, 127, 128]), 128, 1) is None
    assert packing.choose(np.array([32, 32]), 32, 1) is None
