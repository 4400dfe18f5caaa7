"""Batches whose rows are not every body of every sample: absent bodies share a row, a process makes its own ones."""

import dataclasses

import numpy as np
import pytest

from dsta_jax.data import batches, packing, streams
from tests.data.test_batches import BOTH, COUNT, HOW, data_set


def own_rows(share_R, body_M):
    """The row of each of a sample's bodies; absent ones have the last of its rows."""
    own = np.flatnonzero(share_R)
    return np.where(body_M, own[np.cumsum(body_M) - 1], own[-1])


def bodies_of(batch, made):
    """N x B x T x V x M x C, from rows that bodies may share."""
    own_BxM = [
        own_rows(share_R, made.body_NxM[label]) for share_R, label in zip(batch.share[0], batch.label[0], strict=True)
    ]
    return np.moveaxis(batch.x[:, np.stack(own_BxM)], 2, 4)


def test_packed_rows_are_the_same_bodies():
    members = ("spatial_temporal", "fast_temporal")
    made = data_set(bodies=2)
    needed_S = batches.train_rows(made, 4, seed=0, steps=9)
    assert needed_S.min() >= 4 + 1 and needed_S.max() <= 8
    for step, needed in enumerate(needed_S.tolist()):
        dense = batches.train_batch(made, members, BOTH, 4, 0, step)
        for rows in (needed, needed + 2):
            packed = batches.train_batch(made, members, BOTH, 4, 0, step, rows)
            assert packed.x.shape[1] == rows
            np.testing.assert_array_equal(packed.share.sum(2), np.ones((2, 4)))
            x_NxBxTxVxMxC = np.moveaxis(dense.x.reshape(2, 4, 2, *dense.x.shape[2:]), 2, 4)
            np.testing.assert_array_equal(bodies_of(packed, made), x_NxBxTxVxMxC)
            np.testing.assert_array_equal(packed.label, dense.label)
            assert not packed.x[:, packed.share[0].sum(0) == 0].any()  # rows that count for nothing
        with pytest.raises(ValueError, match=f"need {needed} rows, there are {needed - 1}"):
            batches.train_batch(made, members, BOTH, 4, 0, step, needed - 1)


def test_packed_rows_of_a_test():
    made = data_set(bodies=2)
    needed_S = batches.test_rows(made, 4)
    counts = packing.RowCounts(usual=int(needed_S.min()), most=8)
    for packed, dense, needed in zip(
        batches.test_batches(made, ("spatial",), HOW, 4, counts),
        batches.test_batches(made, ("spatial",), HOW, 4),
        needed_S,
        strict=True,
    ):
        assert packed.x.shape[1] == (counts.usual if needed <= counts.usual else 8)
        x_NxBxTxVxMxC = np.moveaxis(dense.x.reshape(1, 4, 2, *dense.x.shape[2:]), 2, 4)
        np.testing.assert_array_equal(bodies_of(packed, made), x_NxBxTxVxMxC)
        np.testing.assert_array_equal(packed.real, dense.real)


def test_absent_bodies_without_a_row():
    made = data_set(bodies=2)
    needed_S = batches.test_rows(made, 4, absent_row=False)
    counts = packing.RowCounts(usual=int(needed_S.min()), most=8)
    with_row = batches.test_batches(made, streams.STREAMS, HOW, 4, packing.RowCounts(8, 8))
    without = batches.test_batches(made, streams.STREAMS, HOW, 4, counts, absent_row=False)
    for batch, other, needed, sample in zip(without, with_row, needed_S, range(0, COUNT, 4), strict=True):
        there_Bx2 = made.body_NxM[np.minimum(sample + np.arange(4), COUNT - 1)]
        assert needed == there_Bx2.sum() and batch.x.shape[1] == counts.of(needed)
        np.testing.assert_array_equal(batch.share.sum(2), np.broadcast_to(there_Bx2.sum(1) / 2, (4, 4)))
        np.testing.assert_array_equal(batch.x[:, :needed], other.x[:, :needed])
        np.testing.assert_array_equal(batch.share[..., :needed], other.share[..., :needed])
        assert not batch.x[:, needed:].any() and not batch.share[..., needed:].any()


@pytest.mark.parametrize("rows", [None, 9])
def test_own_rows_are_those_of_the_whole(rows):
    """What a process makes for its own devices is its part of what one process would make."""
    made = data_set(2)
    turned = dataclasses.replace(BOTH, rotation_degrees=20.0, scale=0.1)
    for step in range(3):
        whole = batches.train_batch(made, streams.STREAMS, turned, 4, 5, step, rows)
        for own in (slice(0, 3), slice(3, 6), slice(6, 7)):
            part = batches.train_batch(made, streams.STREAMS[1:3], turned, 4, 5, step, rows, own)
            np.testing.assert_array_equal(part.x, whole.x[1:3, own])
            np.testing.assert_array_equal(part.label, whole.label[1:3])
    for whole, part in zip(
        batches.test_batches(made, streams.STREAMS, BOTH, 4),
        batches.test_batches(made, streams.STREAMS, BOTH, 4, own=lambda count: slice(count // 2, count)),
        strict=True,
    ):
        np.testing.assert_array_equal(part.x, whole.x[:, 4:])
