"""Batches against the plainest way to say what a batch is: one sample, one stream, frame by frame."""

import dataclasses

import numpy as np
import pytest

from dsta_jax.data import batches, packing, sampling, streams
from tests.data.test_batches import BOTH, COUNT, HOW, data_set, sequence
from tests.data.test_packed_batches import own_rows
from tests.data.test_streams import literal_stream


def plain_row(made, sample, body, stream, how, epoch):
    """T x V x C of one body at the frames of an epoch: one sample, one stream, frame by frame."""
    interval = how.interval(stream)
    whole_TxVxC = literal_stream(sequence(made, sample), stream, interval, how.layout)[:, :, body]
    if how.channels.endswith("c"):
        whole_TxVxC[..., -1] = plain_confidence(sequence(made, sample)[:, :, body, -1], stream, interval, how.layout)
    length = len(whole_TxVxC)
    copies = -(-how.sampled // length)
    words = sampling.random_words(copies * length + 1, 7, sampling.Purpose.FRAMES, epoch, sample)
    order = sorted(range(copies * length), key=lambda ticket: (words[ticket], ticket))
    drawn = sorted(ticket % length for ticket in order[: how.sampled])
    first = int((int(words[-1]) >> 11) * 2.0**-53 * (how.sampled - how.frames + 1))
    return whole_TxVxC[drawn[first : first + how.frames]]


def plain_confidence(score_TxV, stream, interval, layout):
    if stream == "spatial_temporal":
        return score_TxV
    if stream == "spatial":
        return (score_TxV + score_TxV[:, list(layout.parents)]) / 2
    now_TxV = score_TxV[::interval]
    return (now_TxV + np.concatenate([now_TxV[1:], now_TxV[-1:]])) / 2


@pytest.mark.parametrize("channels", ["xyz", "xyc"])
@pytest.mark.parametrize("packed", [True, False])
def test_batches_are_bit_for_bit_the_plain_ones(packed, channels):
    made = data_set(bodies=2)
    how = dataclasses.replace(HOW, channels=channels, slow_interval=3)
    rows = 12 if packed else None
    for step in range(5):
        batch = batches.train_batch(made, streams.STREAMS, how, 6, 7, step, rows)
        for b, sample in enumerate(batch.label[0]):
            epoch = (6 * step + b) // COUNT
            for body in range(2):
                row = own_rows(batch.share[0, b], made.body_NxM[sample])[body] if packed else 2 * b + body
                for member, stream in enumerate(streams.STREAMS):
                    expected = plain_row(made, sample, body, stream, how, epoch)
                    np.testing.assert_array_equal(batch.x[member, row], expected)


def test_a_track_of_another_body_is_never_seen():
    """Frames of the neighbours in memory, and those before and behind all, are poison."""
    made = data_set(bodies=2)
    for sample in range(COUNT):
        own = made.select(np.array([sample]))
        mine_F = np.zeros(len(made.frames_FxVxC), bool)
        for start in own.start_NxM[0][own.body_NxM[0]]:
            mine_F[start : start + own.length_N[0]] = True
        poisoned = dataclasses.replace(own, frames_FxVxC=np.where(mine_F[:, None, None], own.frames_FxVxC, np.nan))
        for rows in (None, 3):
            for batch in (
                batches.train_batch(poisoned, streams.STREAMS, BOTH, 1, 0, 0, rows),
                next(batches.test_batches(poisoned, streams.STREAMS, HOW, 1, rows and packing.RowCounts(rows, rows))),
            ):
                assert np.isfinite(batch.x).all()
