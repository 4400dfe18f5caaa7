"""The four streams against loops over whole sequences, and against the authors' preprocessing."""

import numpy as np
import pytest

from dsta_jax.data import streams
from dsta_jax.datasets.layouts import HAND_22, LAYOUTS, NTU_25, Layout

LENGTHS = (1, 2, 5, 8)
CHOICES = [
    ("spatial_temporal", 1),
    ("spatial", 1),
    ("slow_temporal", 1),
    ("slow_temporal", 2),
    ("fast_temporal", 2),
    ("fast_temporal", 3),
]


def sequences(layout=NTU_25, lengths=LENGTHS):
    """Sequences F x V x C one after the other, with where each begins and its frames."""
    random = np.random.default_rng(0)
    frames = random.normal(size=(sum(lengths), len(layout.joints), 3)).astype(np.float32)
    return frames, np.cumsum([0, *lengths[:-1]]), np.array(lengths)


def literal_stream(x_TxV, stream, interval, layout):
    """A stream of a whole sequence, whatever follows frames and joints, as Sec. 3.6 describes it."""
    if stream == "spatial_temporal":
        return x_TxV
    if stream == "spatial":
        result = np.zeros_like(x_TxV)
        for joint, parent in enumerate(layout.parents):
            result[:, joint] = x_TxV[:, joint] - x_TxV[:, parent]
        return result
    taken = x_TxV[::interval]
    result = np.zeros_like(taken)
    for i in range(len(taken) - 1):
        result[i] = taken[i + 1] - taken[i]
    return result


def whole_stream(x_TxVxC, stream, interval, layout):
    """`sampled_stream` of all frames of one sequence in order."""
    index_T = np.arange(streams.stream_length(len(x_TxVxC), interval))
    lengths = np.array([len(x_TxVxC)])
    return streams.sampled_stream(x_TxVxC, np.array([0]), lengths, index_T[None], stream, interval, layout)[0]


def test_names():
    assert streams.STREAMS == ("spatial_temporal", "spatial", "slow_temporal", "fast_temporal")


def test_stream_length():
    for length in range(1, 40):
        for interval in (1, 2, 3):
            assert streams.stream_length(length, interval) == len(range(length)[::interval])
    np.testing.assert_array_equal(streams.stream_length(np.array([1, 4, 5]), 2), [1, 2, 3])


@pytest.mark.parametrize("length", [20, 47, 97, 150, 233])
def test_authors_streams(load_golden, length):
    golden = load_golden("hand_preprocessing")
    x_TxVxC = np.ascontiguousarray(golden[f"T{length}/normalized_CTVM"][..., 0].transpose(1, 2, 0))
    for stream, interval, key in (
        ("spatial", 1, "spatial_CTVM"),
        ("slow_temporal", 1, "temporal_interval1_CTVM"),
        ("fast_temporal", 2, "temporal_interval2_CTVM"),
    ):
        found = whole_stream(x_TxVxC, stream, interval, HAND_22)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, golden[f"T{length}/{key}"][..., 0].transpose(1, 2, 0), key)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("stream, interval", CHOICES)
def test_whole_stream(stream, interval, layout):
    frames, starts, lengths = sequences(layout)
    for start, length in zip(starts, lengths, strict=True):
        x_TxVxC = frames[start : start + length]
        expected = literal_stream(x_TxVxC, stream, interval, layout)
        np.testing.assert_array_equal(whole_stream(x_TxVxC, stream, interval, layout), expected)


@pytest.mark.parametrize("stream, interval", CHOICES)
def test_sampled_frames_of_packed_sequences(stream, interval):
    """Frames in any order, some twice, and never one of the next sequence."""
    frames, starts, lengths = sequences()
    chosen = np.array([3, 0, 2, 3, 1])
    random = np.random.default_rng(1)
    index_RxT = np.stack(
        [
            np.append(random.integers(0, stop, size=6), stop - 1)
            for stop in streams.stream_length(lengths[chosen], interval)
        ]
    )
    where = (starts[chosen], lengths[chosen], index_RxT)
    found = streams.sampled_stream(frames, *where, stream, interval, layout=NTU_25)
    assert found.shape == (5, 7, 25, 3) and found.dtype == np.float32
    given = np.full_like(found, np.nan)
    assert streams.sampled_stream(frames, *where, stream, interval, layout=NTU_25, out=given) is given
    np.testing.assert_array_equal(given, found)
    for row, sample, index_T in zip(found, chosen, index_RxT, strict=True):
        whole = literal_stream(frames[starts[sample] : starts[sample] + lengths[sample]], stream, interval, NTU_25)
        np.testing.assert_array_equal(row, whole[index_T])


def test_the_root_has_no_bone():
    frames, _, _ = sequences()
    found = whole_stream(frames, "spatial", 1, NTU_25)
    moving = np.abs(found).max((0, 2)) > 0
    np.testing.assert_array_equal(np.flatnonzero(~moving), [NTU_25.root])


@pytest.mark.parametrize("length", range(1, 8))
@pytest.mark.parametrize("interval", [1, 2, 3])
def test_the_last_difference_is_zero(length, interval):
    frames, _, _ = sequences(lengths=(length,))
    found = whole_stream(frames, "fast_temporal", interval, NTU_25)
    moving = np.abs(found).max((1, 2)) > 0
    np.testing.assert_array_equal(moving, np.arange(len(found)) < len(found) - 1)


@pytest.mark.parametrize("stream, interval", CHOICES)
def test_the_order_of_joints(stream, interval):
    """Joints in another order, with the layout in the same order, give the stream in that order."""
    frames, _, _ = sequences()
    order = np.random.default_rng(2).permutation(25)
    number = np.argsort(order)
    parents = tuple(int(number[NTU_25.parents[joint]]) for joint in order)
    other = Layout("other", tuple(NTU_25.joints[joint] for joint in order), parents)
    found = whole_stream(frames[:, order], stream, interval, other)
    np.testing.assert_array_equal(found, whole_stream(frames, stream, interval, NTU_25)[:, order])


@pytest.mark.parametrize("stream, interval", CHOICES)
def test_a_confidence_is_the_mean_of_the_two_ends(stream, interval):
    frames, _, _ = sequences(lengths=(8,))
    found = streams.sampled_stream(
        frames, np.array([0]), np.array([8]), np.array([[0, 1]]), stream, interval, NTU_25, confidence=True
    )[0]
    np.testing.assert_array_equal(found[..., :2], whole_stream(frames, stream, interval, NTU_25)[:2, ..., :2])
    score_2xV = frames[[0, interval], :, 2]
    other_2xV = {
        "spatial_temporal": score_2xV,
        "spatial": score_2xV[:, list(NTU_25.parents)],
    }.get(stream, frames[[interval, 2 * interval], :, 2])
    np.testing.assert_array_equal(found[:, :, 2], (score_2xV + other_2xV) / 2)
