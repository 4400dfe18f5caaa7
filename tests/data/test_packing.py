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
    body_BxM = np.array(body_BxM, bool)
    assert packing.rows_needed(body_BxM[None]).tolist() == [needed]
    assert packing.rows_needed(body_BxM[None], absent_row=False).tolist() == [body_BxM.sum()]


def test_rows_needed_by_several_batches():
    body_SxBxM = np.random.default_rng(0).random((50, 3, 2)) < 0.8
    for absent_row in (True, False):
        one_by_one = [packing.rows_needed(body_BxM[None], absent_row)[0] for body_BxM in body_SxBxM]
        assert packing.rows_needed(body_SxBxM, absent_row).tolist() == one_by_one


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


BODIES = np.array([[1, 0], [1, 1], [0, 1]], bool)


def test_every_body_has_its_row():
    rows = packing.every_body(BODIES)
    assert rows.sample_R.tolist() == [0, 0, 1, 1, 2, 2] and rows.share_BxR is None
    assert rows.body_R.tolist() == [0, -1, 0, 1, -1, 1]


def test_packed_rows():
    rows = packing.pack(BODIES, 6)
    assert rows.sample_R[:4].tolist() == [0, 1, 1, 2] and rows.body_R.tolist() == [0, 0, 1, 1, -1, -1]
    expected = [[0.5, 0, 0, 0, 0.5, 0], [0, 0.5, 0.5, 0, 0, 0], [0, 0, 0, 0.5, 0.5, 0]]
    assert rows.share_BxR.tolist() == expected and rows.share_BxR.dtype == np.float32


def test_packed_rows_without_one_of_the_absent():
    rows = packing.pack(BODIES, 4, absent_row=False)
    assert rows.body_R.tolist() == [0, 0, 1, 1]
    assert rows.share_BxR.tolist() == [[0.5, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0, 0.5]]


@pytest.mark.parametrize(("absent_row", "needed"), [(True, 5), (False, 4)])
def test_too_few_rows(absent_row, needed):
    with pytest.raises(ValueError, match=f"the bodies of the batch need {needed} rows, there are {needed - 1}"):
        packing.pack(BODIES, needed - 1, absent_row)
