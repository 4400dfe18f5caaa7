"""Batches: pure functions, complete epochs, streams that belong together, and what augmentation keeps."""

import dataclasses

import jax
import numpy as np
import pytest

from dsta_jax.data import batches, sampling, streams
from dsta_jax.data.batches import Sampling
from dsta_jax.data.dataset import DataSet, track_starts
from dsta_jax.datasets.layouts import Layout
from tests.data.test_streams import literal_stream

TREE = Layout("tree", ("root", "trunk", "left", "right", "tip"), (0, 0, 1, 1, 3))
HOW = Sampling(sampled=12, frames=8, slow_interval=1, fast_interval=2, rotation_degrees=0.0, scale=0.0, layout=TREE)
TURNING = dataclasses.replace(HOW, rotation_degrees=30.0)
SCALING = dataclasses.replace(HOW, scale=0.2)
BOTH = dataclasses.replace(HOW, rotation_degrees=30.0, scale=0.2)
LENGTHS = (1, 2, 3, 5, 8, 12, 13, 20, 25, 31, 40)
COUNT = len(LENGTHS)


def data_set(bodies=1, lengths=LENGTHS, channels=3):
    """A class of its own for each sample, so that a batch's labels say which samples it holds.

    Of two bodies, every other sample has one only: the first, or now and then the second.
    """
    count = len(lengths)
    body_NxM = np.ones((count, bodies), bool)
    if bodies == 2:
        body_NxM[::2, 1] = False
        body_NxM[::6] = (False, True)
    random = np.random.default_rng(0)
    shape = (int(body_NxM.sum(1) @ lengths), len(TREE.joints), channels)
    return DataSet(
        benchmark=None,
        fingerprint="",
        frames_FxVxC=random.normal(size=shape).astype(np.float32),
        start_NxM=track_starts(body_NxM, np.array(lengths)),
        length_N=np.array(lengths),
        name_N=np.array([f"sample_{i}" for i in range(count)]),
        label_N=np.arange(count),
        columns={name: np.zeros(count, int) for name in ("subject", "camera", "setup")},
    )


def sequence(made, sample):
    """T x V x M x C of a sample, absent bodies zeros."""
    length = made.length_N[sample]
    none = np.zeros((length, *made.frames_FxVxC.shape[1:]), np.float32)
    tracks = [none if start < 0 else made.frames_FxVxC[start : start + length] for start in made.start_NxM[sample]]
    return np.stack(tracks, axis=2)


def counted_set(lengths=LENGTHS):
    """As `data_set`, with coordinates that tell the sample (y) and the frame (x, and its square in z)."""
    made = data_set(lengths=lengths)
    for number, (start, length) in enumerate(zip(made.start_NxM[:, 0], made.length_N, strict=True)):
        frame_Tx1 = np.arange(length, dtype=np.float32)[:, None]
        made.frames_FxVxC[start : start + length, :, 0] = frame_Tx1
        made.frames_FxVxC[start : start + length, :, 1] = number
        made.frames_FxVxC[start : start + length, :, 2] = frame_Tx1**2
    return made


def assert_same(batch, other):
    jax.tree.map(np.testing.assert_array_equal, batch, other)


def bones(x_RxTxVxC):
    return x_RxTxVxC - x_RxTxVxC[:, :, list(TREE.parents)]


# Training.


@pytest.mark.parametrize("bodies", [1, 2])
def test_shapes_and_types(bodies):
    members = ("spatial_temporal", "fast_temporal", "spatial")
    trained = batches.train_batch(data_set(bodies), members, BOTH, 4, 0, 0)
    tested = next(batches.test_batches(data_set(bodies), members, BOTH, 4))
    for batch in (trained, tested):
        assert batch.x.shape == (3, 4 * bodies, 8, 5, 3) and batch.x.dtype == np.float32
        assert batch.label.shape == (3, 4) and batch.label.dtype == np.int32
        assert batch.real.shape == (3, 4) and batch.real.dtype == np.float32
        assert np.all(batch.real == 1)
        assert np.all(batch.label == batch.label[0])


def test_pure_function_of_seed_and_step():
    def batch(seed, step):
        return batches.train_batch(data_set(2), streams.STREAMS, BOTH, 4, seed, step)

    forwards = [batch(5, step) for step in range(7)]
    for step in (6, 0, 3, 5, 1, 4, 2):  # as after an interruption, in any order
        assert_same(batch(5, step), forwards[step])
        assert not np.array_equal(batch(6, step).x, forwards[step].x)
    assert len({one.x.tobytes() for one in forwards}) == 7


def test_the_batch_size_does_not_change_what_is_seen():
    """The samples' augmentation and frames hang on epoch and sample, not on the place in a batch."""
    by_four = [batches.train_batch(data_set(), ("spatial",), BOTH, 4, 0, step) for step in range(3)]
    by_twelve = batches.train_batch(data_set(), ("spatial",), BOTH, 12, 0, 0)
    np.testing.assert_allclose(np.concatenate([one.x for one in by_four], 1), by_twelve.x, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(np.concatenate([one.label for one in by_four], 1), by_twelve.label)


@pytest.mark.parametrize("batch_size", [1, 4, COUNT, 2 * COUNT + 3])
def test_each_epoch_sees_each_sample_once(batch_size):
    epochs = 4
    steps = -(-epochs * COUNT // batch_size)
    made = counted_set()
    seen, labels = [], []
    for step in range(steps):
        batch = batches.train_batch(made, ("spatial_temporal",), HOW, batch_size, 3, step)
        labels += batch.label[0].tolist()
        seen += batch.x[0, :, 0, 0, 1].tolist()
        assert np.all(batch.real == 1)
    assert seen == labels  # the sequences are those of the labels
    orders = [tuple(labels[epoch * COUNT : (epoch + 1) * COUNT]) for epoch in range(epochs)]
    for order in orders:
        assert sorted(order) == list(range(COUNT))
    assert len(set(orders)) == epochs


def test_frames_are_drawn_anew_in_each_epoch():
    made = counted_set(lengths=(40,))
    drawn = [
        tuple(batches.train_batch(made, ("spatial_temporal",), HOW, 1, 0, epoch).x[0, 0, :, 0, 0].tolist())
        for epoch in range(10)
    ]
    assert len(set(drawn)) == 10
    for frames in drawn:
        assert list(frames) == sorted(set(frames))


def test_frames_of_equal_samples_differ():
    made = counted_set(lengths=(40, 40, 40))
    x_RxTxVxC = batches.train_batch(made, ("spatial_temporal",), HOW, 3, 0, 0).x[0]
    assert len({tuple(row) for row in x_RxTxVxC[:, :, 0, 0].tolist()}) == 3


@pytest.mark.parametrize("how", [HOW, BOTH], ids=["plain", "augmented"])
@pytest.mark.parametrize("bodies", [1, 2])
def test_bones_belong_to_the_joints(bodies, how):
    for step in range(4):
        joints, found = batches.train_batch(data_set(bodies), ("spatial_temporal", "spatial"), how, 4, 0, step).x
        np.testing.assert_allclose(found, bones(joints), rtol=0, atol=1e-5)
        assert np.abs(found).max() > 1


def test_motion_belongs_to_the_joints():
    """Frame t has x = t and z = t^2: its difference of interval k is (k, 0, 2 k t + k^2), zero at the end."""
    made = counted_set()
    for step in range(6):
        batch = batches.train_batch(made, ("slow_temporal", "spatial_temporal", "fast_temporal"), HOW, 4, 0, step)
        slow, joints, fast = batch.x[:, :, :, 0]
        for b, sample in enumerate(batch.label[0]):
            length = LENGTHS[sample]
            frame_T = joints[b, :, 0]
            goes_on_T = frame_T < length - 1
            expected = np.stack([np.ones(8), np.zeros(8), 2 * frame_T + 1], -1) * goes_on_T[:, None]
            np.testing.assert_array_equal(slow[b], expected)
            # Fast motion has fewer frames, drawn for itself.
            moves_T = fast[b, :, 0] != 0
            np.testing.assert_array_equal(fast[b, moves_T, 0], np.full(moves_T.sum(), 2))
            frame_T = (fast[b, moves_T, 2] - 4) / 4
            assert np.all(frame_T % 2 == 0) and np.all(frame_T >= 0) and np.all(frame_T + 2 < length)
            assert np.all(fast[b, ~moves_T] == 0) and np.all(fast[b, :, 1] == 0)


def test_interval_is_of_the_stream():
    how = dataclasses.replace(HOW, slow_interval=3, fast_interval=4)
    assert [how.interval(stream) for stream in streams.STREAMS] == [1, 1, 3, 4]


# Augmentation.


def with_and_without(how, bodies=1, stream="spatial_temporal", step=0):
    made, members = data_set(bodies), (stream,)
    return (
        batches.train_batch(made, members, how, COUNT, 0, step).x[0].astype(np.float64),
        batches.train_batch(made, members, HOW, COUNT, 0, step).x[0].astype(np.float64),
    )


def bone_lengths(x_RxTxVxC):
    return np.linalg.norm(bones(x_RxTxVxC)[:, :, 1:], axis=-1)


def turns(augmented_RxTxVxC, plain_RxTxVxC):
    """The linear map from the plain to the augmented coordinates of each row, which has to explain them exactly."""
    found = []
    for augmented, plain in zip(augmented_RxTxVxC.reshape(-1, 40, 3), plain_RxTxVxC.reshape(-1, 40, 3), strict=True):
        solution, _, _, _ = np.linalg.lstsq(plain, augmented, rcond=None)
        np.testing.assert_allclose(plain @ solution, augmented, rtol=0, atol=1e-5)
        found.append(solution.T)
    return np.stack(found)


def test_rotation_turns():
    augmented, plain = with_and_without(TURNING)
    np.testing.assert_allclose(bone_lengths(augmented), bone_lengths(plain), rtol=1e-5, atol=1e-6)
    turns_RxCxC = turns(augmented, plain)
    np.testing.assert_allclose(np.linalg.det(turns_RxCxC), np.ones(COUNT), rtol=0, atol=1e-4)  # no mirror images
    np.testing.assert_allclose(
        turns_RxCxC @ turns_RxCxC.swapaxes(1, 2), np.broadcast_to(np.eye(3), (COUNT, 3, 3)), rtol=0, atol=1e-4
    )
    assert np.abs(turns_RxCxC[:, None] - turns_RxCxC[None]).max((2, 3))[~np.eye(COUNT, dtype=bool)].min() > 1e-3


def test_rotation_about_each_axis_is_bounded():
    """z, then y, then x: the angles are those of R = Rz Ry Rx; each is uniform between plus and minus 30 degrees."""
    made = data_set(lengths=(40,))
    angles = []
    for step in range(200):
        augmented, plain = (
            batches.train_batch(made, ("spatial_temporal",), how, 1, 0, step).x[0].astype(np.float64)
            for how in (TURNING, HOW)
        )
        turn = turns(augmented, plain)[0]
        angles.append(
            [
                np.arctan2(turn[2, 1], turn[2, 2]),
                np.arcsin(-turn[2, 0]),
                np.arctan2(turn[1, 0], turn[0, 0]),
            ]
        )
    degrees = np.rad2deg(angles)
    assert np.all(np.abs(degrees) < 30.01)
    assert np.all(degrees.max(0) > 25) and np.all(degrees.min(0) < -25)
    assert np.all(np.abs(degrees.mean(0)) < 5 * 30 / np.sqrt(3 * 200))


def test_scale_scales():
    augmented, plain = with_and_without(SCALING)
    factor_R = bone_lengths(augmented)[:, 0, 0] / bone_lengths(plain)[:, 0, 0]
    np.testing.assert_allclose(augmented, factor_R[:, None, None, None] * plain, rtol=0, atol=1e-5)
    assert np.all((factor_R > 0.8) & (factor_R < 1.2)) and len(set(factor_R.round(4))) == COUNT
    assert factor_R.min() < 0.95 and factor_R.max() > 1.05


def test_augmentation_is_new_in_each_epoch():
    factors = []
    for epoch in range(5):
        augmented, plain = with_and_without(SCALING, step=epoch)
        factors.append(np.sort(bone_lengths(augmented)[:, 0, 0] / bone_lengths(plain)[:, 0, 0]))
    assert len({tuple(row.round(4)) for row in factors}) == 5


def test_one_turn_for_all_of_a_sample():
    """Both bodies, and all streams, are turned alike."""
    for stream in streams.STREAMS:
        augmented, plain = with_and_without(BOTH, bodies=2, stream=stream, step=0)
        joints, plain_joints = with_and_without(BOTH, bodies=2, step=0)
        first_R = np.arange(0, len(joints), 2) + ~plain_joints[::2].any((1, 2, 3))  # the first body, if it is there
        turns_BxCxC = turns(joints[first_R], plain_joints[first_R])
        expected = np.einsum("rtvc,rdc->rtvd", plain, np.repeat(turns_BxCxC, 2, axis=0))
        np.testing.assert_allclose(augmented, expected, rtol=0, atol=1e-4)


def test_zeros_stay_zeros():
    augmented, plain = with_and_without(BOTH, bodies=2)
    absent_R = ~plain.any((1, 2, 3))
    assert absent_R.sum() == len(LENGTHS[::2])
    assert not augmented[absent_R].any() and augmented[~absent_R].any((1, 2, 3)).all()


def test_without_augmentation_the_frames_are_untouched():
    made = data_set(2)
    batch = batches.train_batch(made, ("spatial_temporal",), HOW, COUNT, 0, 0)
    for b, sample in enumerate(batch.label[0]):
        length_1 = np.array([LENGTHS[sample]])
        count = int(sampling.train_words(length_1, 12)[0])
        words = sampling.random_words(count, 0, sampling.Purpose.FRAMES, 0, int(sample))
        frames = sequence(made, sample)[sampling.train_frames(length_1, 12, 8, words[None])[0]]
        np.testing.assert_array_equal(batch.x[0, 2 * b], frames[:, :, 0])
        np.testing.assert_array_equal(batch.x[0, 2 * b + 1], frames[:, :, 1])


# Testing.


@pytest.mark.parametrize("bodies", [1, 2])
@pytest.mark.parametrize("batch_size", [1, 4, COUNT, COUNT + 5])
def test_test_batches(batch_size, bodies):
    """Every sample once and in order, its bodies one after the other, at the frames for testing."""
    made = data_set(bodies)
    found = list(batches.test_batches(made, streams.STREAMS, BOTH, batch_size))
    assert len(found) == -(-COUNT // batch_size)
    sample = 0
    for batch in found:
        assert batch.x.shape == (4, batch_size * bodies, 8, 5, 3)
        assert np.isfinite(batch.x).all()
        assert np.all(batch.real == batch.real[0])
        for b in np.flatnonzero(batch.real[0]):
            assert np.all(batch.label[:, b] == sample)
            for member, stream in enumerate(streams.STREAMS):
                interval = HOW.interval(stream)
                index_T = sampling.test_frames(np.array([-(-LENGTHS[sample] // interval)]), 12, 8)[0]
                expected = literal_stream(sequence(made, sample), stream, interval, TREE)[index_T]
                for m in range(bodies):
                    np.testing.assert_array_equal(batch.x[member, b * bodies + m], expected[:, :, m])
            sample += 1
    assert sample == COUNT
    assert sum(batch.real[0].sum() for batch in found) == COUNT
    last = COUNT - (len(found) - 1) * batch_size
    np.testing.assert_array_equal(found[-1].real[0], np.arange(batch_size) < last)


def test_no_test_batches_of_nothing():
    assert not list(batches.test_batches(data_set().select(np.zeros(COUNT, bool)), ("spatial",), HOW, 4))


def test_batches_of_a_part():
    """A selection of a data set: its own samples only, from their own frames."""
    part = counted_set().select(np.array([7, 2, 10]))
    batch = next(batches.test_batches(part, ("spatial_temporal",), HOW, 3))
    assert batch.label[0].tolist() == batch.x[0, :, 0, 0, 1].tolist() == [7, 2, 10]
    batch = batches.train_batch(part, ("spatial_temporal",), HOW, 3, 0, 0)
    assert sorted(batch.label[0].tolist()) == [2, 7, 10]
    assert batch.label[0].tolist() == batch.x[0, :, 0, 0, 1].tolist()


@pytest.mark.parametrize("channels", ["xy", "xyc", "xyzc"])
def test_augmentation_of_other_channels(channels):
    """In the plane a body turns in the plane, and what was found with some confidence still was."""
    made = data_set(channels=len(channels))
    for stream in streams.STREAMS:
        augmented, plain = (
            batches.train_batch(made, (stream,), dataclasses.replace(how, channels=channels), COUNT, 0, 0).x[0]
            for how in (BOTH, HOW)
        )
        coordinates = 3 if "z" in channels else 2
        np.testing.assert_array_equal(augmented[..., coordinates:], plain[..., coordinates:])
        lengths, plain_lengths = (np.linalg.norm(x[..., :coordinates], axis=-1) for x in (augmented, plain))
        factor_R = lengths.max((1, 2)) / np.maximum(plain_lengths.max((1, 2)), 1e-9)
        np.testing.assert_allclose(lengths, factor_R[:, None, None] * plain_lengths, rtol=1e-4, atol=1e-5)
        moving = plain_lengths.max((1, 2)) > 0
        assert np.all(np.abs(augmented - plain)[moving].max((1, 2, 3)) > 1e-3)


def test_what_was_not_seen_is_zero_in_every_stream():
    """Neither a bone to a joint that was not seen, nor the way there or back, is a number that means something."""
    made = data_set(lengths=(8,))
    unseen, tip = 3, 4  # joint 3, the parent of joint 4, is not seen in frame 5
    made.frames_FxVxC[5, unseen] = np.nan
    how = dataclasses.replace(HOW, sampled=8, fast_interval=1)
    (batch,) = batches.test_batches(dataclasses.replace(made, unseen=True), streams.STREAMS, how, 1)
    (whole,) = batches.test_batches(data_set(lengths=(8,)), streams.STREAMS, how, 1)
    assert np.isfinite(batch.x).all()
    for stream, x_TxVxC, whole_TxVxC in zip(streams.STREAMS, batch.x[:, 0], whole.x[:, 0], strict=True):
        gone = {"spatial_temporal": {(5, unseen)}, "spatial": {(5, unseen), (5, tip)}}
        for frame, joint in np.ndindex(8, 5):
            if (frame, joint) in gone.get(stream, {(4, unseen), (5, unseen)}):
                assert not x_TxVxC[frame, joint].any(), (stream, frame, joint)
            else:
                np.testing.assert_array_equal(x_TxVxC[frame, joint], whole_TxVxC[frame, joint])


def test_augmentation_does_not_spread_what_was_not_seen():
    made = dataclasses.replace(data_set(lengths=(8,)), unseen=True)
    made.frames_FxVxC[:, 2] = np.nan
    batch = batches.train_batch(made, ("spatial_temporal",), BOTH, 1, 0, 0)
    assert np.isfinite(batch.x).all() and not batch.x[..., 2, :].any() and batch.x[..., 3, :].all()
