"""A converted set in memory: what is read, what is refused, and how a benchmark divides it."""

import dataclasses
import re
import types

import numpy as np
import pytest

from data_prep import tfds_layout
from dsta_jax.data import dataset, tfrecord
from dsta_jax.data.dataset import DataSet, track_starts
from dsta_jax.data.records import Record, shard_name
from dsta_jax.datasets.benchmarks import BENCHMARKS
from dsta_jax.errors import UserError

SHREC14, SHREC28, UTD_MHAD = (BENCHMARKS[name] for name in ("shrec14", "shrec28", "utd_mhad"))
LABELS = SHREC28.source.label_names


def hand(number, unseen=()):
    """A recording of 4 + number frames, some of them unseen; the label is its number."""
    frames = np.random.default_rng(number).normal(size=(4 + number, 22, 1, 3)).astype(np.float32)
    frames[list(unseen)] = 0
    return Record(f"hand_{number}", number, number // 3 + 1, number % 2 + 1, 7 + number, frames)


def write_set(directory, name, splits, label_names=LABELS, frame_shape=(22, 1, 3)):
    """Writes a set of one shard a split, without a pool of processes."""
    directory.mkdir(parents=True)
    features = tfds_layout.record_features(label_names, frame_shape)
    described = {}
    for split, records in splits.items():
        payloads = [tfds_layout.to_payload(features, record) for record in records]
        described[split] = ([len(records)], tfrecord.write_file(directory / shard_name(name, split, 0, 1), payloads))
    tfds_layout.write_metadata(
        directory,
        name=name,
        version=directory.name,
        features=features,
        splits=described,
        description="",
        citation="",
        homepage="",
    )


TRAIN = [hand(number) for number in range(6)] + [hand(27, unseen=(0, 1, 9, 30))]
TEST = [hand(number) for number in range(6, 9)]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Holds `shrec17`, seven recordings for training, of which one has unseen frames, and three for testing."""
    directory = tmp_path_factory.mktemp("data")
    write_set(directory / "shrec17" / "1.0.0", "shrec17", {"train": TRAIN, "test": TEST})
    return directory


def error_of(function, *arguments):
    with pytest.raises(UserError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Reading.


def sequences(data_set):
    """The bodies' tracks T x V x C by name; None for a body that has none."""
    return {
        str(name): [None if start < 0 else data_set.frames_FxVxC[start : start + length] for start in start_M]
        for name, start_M, length in zip(data_set.name_N, data_set.start_NxM, data_set.length_N, strict=True)
    }


def test_load(data_dir):
    found = dataset.load(data_dir, SHREC28)
    assert len(found) == 10
    assert found.frames_FxVxC.dtype == np.float32
    assert found.frames_FxVxC.shape == (found.length_N.sum(), 22, 3)
    by_name = {str(name): number for number, name in enumerate(found.name_N)}
    assert len(by_name) == 10
    for split, records in (("train", TRAIN), ("test", TEST)):
        for record in records:
            number = by_name[record.name]
            assert found.label_N[number] == record.label
            columns = {"split": split, "subject": record.subject, "camera": record.camera, "setup": record.setup}
            assert {name: column[number] for name, column in found.columns.items()} == columns


def test_unseen_frames_are_dropped(data_dir):
    found = sequences(dataset.load(data_dir, SHREC28))
    for record in TRAIN + TEST:
        seen = record.frames_TxVxMxC[[frame.any() for frame in record.frames_TxVxMxC]]
        np.testing.assert_array_equal(found[record.name], [seen[:, :, 0]])
    assert len(found["hand_27"][0]) == 31 - 4


def test_a_frame_with_one_coordinate_is_seen(tmp_path):
    record = hand(3, unseen=range(7))
    record.frames_TxVxMxC[4, 21, 0, 2] = -1e-3
    write_set(tmp_path / "shrec17" / "1.0.0", "shrec17", {"train": [record]})
    found = dataset.load(tmp_path, SHREC28)
    np.testing.assert_array_equal(found.frames_FxVxC, record.frames_TxVxMxC[4:5, :, 0])


def three_bodies(number):
    """A recording of 9 frames and three bodies, each seen or not by the number's bits, nobody in frame 2."""
    frames = np.random.default_rng(number).normal(size=(9, 22, 3, 3)).astype(np.float32)
    frames *= [[number >> body & 1] for body in range(3)]
    frames[2] = 0
    frames[:4, :, 0] = 0  # the first body comes late, and its track is as long as the others'
    return dataclasses.replace(hand(number), frames_TxVxMxC=frames)


def test_bodies_that_are_never_seen_take_no_memory(tmp_path):
    benchmark = dataclasses.replace(SHREC28, source=dataclasses.replace(SHREC28.source, bodies=3))
    written = [three_bodies(number) for number in (1, 2, 4, 3, 5, 6, 7)]
    write_set(tmp_path / "shrec17" / "1.0.0", "shrec17", {"train": written}, frame_shape=(22, 3, 3))
    found = dataset.load(tmp_path, benchmark)
    np.testing.assert_array_equal(found.body_NxM, [[r.label >> body & 1 for body in range(3)] for r in written])
    assert found.length_N.tolist() == [5, 8, 8, 8, 8, 8, 8]
    assert len(found.frames_FxVxC) == found.length_N @ found.body_NxM.sum(1)
    for record, tracks in zip(written, sequences(found).values(), strict=True):
        seen = record.frames_TxVxMxC[record.frames_TxVxMxC.any((1, 2, 3))]
        for body, track in enumerate(tracks):
            if track is None:
                assert not record.frames_TxVxMxC[:, :, body].any()
            else:
                np.testing.assert_array_equal(track, seen[:, :, body])


def test_track_starts():
    body_NxM = np.array([[1, 0], [1, 1], [0, 1]], bool)
    assert track_starts(body_NxM, np.array([5, 2, 4])).tolist() == [[0, -1], [5, 7], [-1, 9]]


def test_no_recordings(tmp_path):
    write_set(tmp_path / "shrec17" / "1.0.0", "shrec17", {"train": []})
    assert "holds no recordings; convert the data set again" in error_of(dataset.load, tmp_path, SHREC28)


def test_labels_of_fourteen_gestures(data_dir):
    fine, coarse = dataset.load(data_dir, SHREC28), dataset.load(data_dir, SHREC14)
    np.testing.assert_array_equal(coarse.label_N, fine.label_N // 2)
    assert coarse.label_N.max() == 13 and fine.label_N.max() == 27
    np.testing.assert_array_equal(coarse.name_N, fine.name_N)


def test_nobody_seen(tmp_path):
    write_set(tmp_path / "shrec17" / "1.0.0", "shrec17", {"train": [hand(1), hand(2, unseen=range(6))]})
    message = error_of(dataset.load, tmp_path, SHREC28)
    assert "hand_2" in message and "nobody is seen" in message and "convert the data set again" in message


def test_label_that_the_benchmark_does_not_know(data_dir):
    smaller = dataclasses.replace(SHREC28, name="smaller", class_of_label=tuple(range(8)))
    message = error_of(dataset.load, data_dir, smaller)
    assert "hand_27 has label 27" in message and "benchmark smaller knows labels 0 to 7" in message


@pytest.mark.parametrize("name", sorted(name for name in BENCHMARKS if not BENCHMARKS[name].source.synthetic))
def test_missing_set_names_the_commands_that_make_it(tmp_path, name):
    benchmark = BENCHMARKS[name]
    message = error_of(dataset.load, tmp_path, benchmark)
    assert f"no data set {benchmark.source.name} in {tmp_path}" in message
    for command in benchmark.source.commands(tmp_path):
        assert command in message
    assert "{data_dir}" not in message and str(tmp_path) in message.split("make it with:")[1]


def test_set_of_another_name(tmp_path):
    write_set(tmp_path / "shrec17" / "1.0.0", "synthetic_hands", {"train": [hand(1)], "test": [hand(2)]})
    message = error_of(dataset.load, tmp_path, SHREC14)
    assert message.startswith(f"{tmp_path / 'shrec17' / '1.0.0'}: holds synthetic_hands with 22 joints of 1 bodies")
    assert "benchmark shrec14 needs shrec17 with 22 joints of 1 bodies" in message


@pytest.mark.parametrize("frame_shape", [(20, 1, 3), (22, 2, 3)])
def test_set_of_another_skeleton(tmp_path, frame_shape):
    record = dataclasses.replace(hand(1), frames_TxVxMxC=np.ones((3, *frame_shape), np.float32))
    write_set(tmp_path / "shrec17" / "1.0.0", "shrec17", {"train": [record]}, frame_shape=frame_shape)
    message = error_of(dataset.load, tmp_path, SHREC14)
    joints, bodies, _ = frame_shape
    assert f"holds shrec17 with {joints} joints of {bodies} bodies" in message
    assert "needs shrec17 with 22 joints of 1 bodies" in message


# Selecting.


def in_memory(subjects, splits=None, benchmark=UTD_MHAD):
    """A set without files: a recording of 1 to 4 frames for each entry of `subjects`."""
    subject_N = np.array(subjects)
    count = len(subject_N)
    length_N = np.arange(count) % 4 + 1
    return DataSet(
        benchmark=benchmark,
        fingerprint="",
        frames_FxVxC=np.random.default_rng(0).normal(size=(length_N.sum(), 2, 3)).astype(np.float32),
        start_NxM=track_starts(np.ones((count, 1), bool), length_N),
        length_N=length_N,
        name_N=np.array([f"recording_{i}" for i in range(count)]),
        label_N=np.arange(count) % 3,
        columns={
            "split": np.array(splits or ["train"] * count),
            "subject": subject_N,
            "camera": np.arange(count) % 2 + 1,
            "setup": np.zeros(count, int),
        },
    )


@pytest.mark.parametrize("chosen", [[4, 1], [False, True, False, False, True, True]])
def test_select(chosen):
    whole = in_memory([1, 1, 2, 2, 3, 3])
    part = whole.select(np.array(chosen))
    numbers = [4, 1] if len(chosen) == 2 else [1, 4, 5]
    assert part.name_N.tolist() == [f"recording_{number}" for number in numbers]
    assert part.columns["subject"].tolist() == [number // 2 + 1 for number in numbers]
    assert part.label_N.tolist() == [number % 3 for number in numbers]
    assert part.columns.keys() == whole.columns.keys()
    assert part.frames_FxVxC is whole.frames_FxVxC
    for name, frames in sequences(part).items():
        np.testing.assert_array_equal(frames, sequences(whole)[name])


# Protocols.


def test_official_lists(data_dir):
    train, test = dataset.train_and_test(dataset.load(data_dir, SHREC14))
    assert train.name_N.tolist() == [record.name for record in TRAIN]
    assert test.name_N.tolist() == [record.name for record in TEST]


def test_even_subjects_test():
    data_set = in_memory([1, 2, 3, 4, 5, 6, 7, 8, 1, 2])
    train, test = dataset.train_and_test(data_set)
    assert train.columns["subject"].tolist() == [1, 3, 5, 7, 1]
    assert test.columns["subject"].tolist() == [2, 4, 6, 8, 2]


def test_a_part_may_be_empty():
    train, test = dataset.train_and_test(in_memory([1, 3, 5], ["test"] * 3, SHREC14))
    assert (len(train), len(test)) == (0, 3)


def test_synthetic_recordings_are_made_where_they_are_missing(tmp_path, monkeypatch):
    commands = []

    def pretend(command, check):
        commands.append(command)
        return types.SimpleNamespace(returncode=3)

    monkeypatch.setattr(dataset.subprocess, "run", pretend)
    message = error_of(dataset.load, tmp_path, BENCHMARKS["synthetic14"])
    assert "data_prep.synthetic" in message and "failed with status 3" in message
    assert commands[0][1:3] == ["-m", "data_prep.synthetic"]


def test_other_names_of_the_classes(tmp_path):
    """Permuted names would be evaluated as if nothing was the matter."""
    write_set(tmp_path / "shrec17" / "1.0.0", "shrec17", {"train": [hand(1)]}, (LABELS[1], LABELS[0], *LABELS[2:]))
    message = error_of(dataset.load, tmp_path, SHREC14)
    assert f"class 0 is {LABELS[1]!r} in the set, but {LABELS[0]!r} in benchmark shrec14" in message


def test_joints_that_were_not_seen(tmp_path):
    record = hand(3)
    record.frames_TxVxMxC[2, 4] = np.nan
    write_set(tmp_path / "shrec17" / "1.0.0", "shrec17", {"train": [record]})
    found = dataset.load(tmp_path, SHREC28)
    assert found.unseen and np.isnan(found.frames_FxVxC).sum() == 3


def test_the_fingerprint_is_of_the_records(data_dir, tmp_path):
    assert dataset.load(data_dir, SHREC14).fingerprint == dataset.load(data_dir, SHREC28).fingerprint
    write_set(tmp_path / "shrec17" / "1.0.0", "shrec17", {"train": TRAIN, "test": TEST[:-1]})
    assert dataset.load(tmp_path, SHREC14).fingerprint != dataset.load(data_dir, SHREC14).fingerprint


# Arrays in memory.


def arrays(count=4, frames=5):
    return list(np.random.default_rng(0).normal(size=(count, frames, 22, 3)))


def test_from_arrays():
    data = DataSet.from_arrays(
        arrays(),
        ["b", "a", "b", "c"],
        layout="hand_22",
        split=["train", "train", "test", "test"],
        subjects=[1, 2, 1, 2],
    )
    assert data.benchmark.class_names == ("a", "b", "c") and data.label_N.tolist() == [1, 0, 1, 2]
    assert data.columns["subject"].tolist() == [1, 2, 1, 2]
    assert [part.name_N.tolist() for part in dataset.train_and_test(data)] == [
        ["recording_0", "recording_1"],
        ["recording_2", "recording_3"],
    ]
    wrist_TxC = data.frames_FxVxC[data.start_NxM[:, 0], 0]
    np.testing.assert_allclose(wrist_TxC, 0, atol=1e-6), "normalised by the layout's reference"
    again = DataSet.from_arrays(arrays(), [1, 0, 1, 2], layout="hand_22", subjects=["x", "y", "x", "y"])
    assert again.benchmark.left_out == "subject" and again.fingerprint != data.fingerprint


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": [0, 1]}, "labels: 2 entries, expected one for each of 4 recordings"),
        ({"split": ["train"] * 3}, "split: 3 entries"),
        ({"split": ["train", "test", "train", "val"]}, "split: 'val', expected train or test"),
        ({"split": None}, "needs split or subjects"),
        ({"layout": "hand_21"}, "layout 'hand_21': expected one of hand_22"),
        ({"labels": [0, 1, 2, 3], "classes": ["a", "b", "c"]}, "labels: 3, expected a number below 3"),
        ({"labels": ["a", "b", "x", "a"], "classes": ["a", "b"]}, "labels: 'x', expected"),
        ({"labels": [0, 0.5, 1, 1]}, "labels: expected names, or whole numbers from 0"),
        ({"labels": ["a", 1, "a", 1]}, "labels: expected names, or whole numbers from 0"),
        ({"labels": [None] * 4}, "labels: expected names, or whole numbers from 0"),
        ({"labels": [0] * 4}, "classes: class 0, expected two or more different names"),
        ({"classes": ["a", "b", "a"]}, "classes: a, b, a, expected two or more different names"),
        ({"channels": "zyx"}, "channels 'zyx': expected one of xyz"),
        ({"name": "../x"}, "name '../x': expected letters"),
        ({"frames": [], "labels": [], "split": []}, "frames: no recordings"),
        ({"names": ["a", "b", "c", "b"]}, "names: 'b' is there twice"),
        ({"split": np.array(["train", "test", "train", "val"])}, "split: 'val', expected train or test"),
        ({"layout": "ntu_25"}, "recording_0: 22 joints of 3 coordinates without confidence, expected 25 (ntu_25)"),
    ],
)
def test_arrays_that_do_not_fit(changes, said):
    words = {"frames": arrays(), "labels": [0, 1, 0, 1], "layout": "hand_22", "split": ["train", "test"] * 2, **changes}
    with pytest.raises(UserError, match=re.escape(said)):
        DataSet.from_arrays(**words)


def test_what_is_masked_was_not_seen():
    frames = arrays()
    words = {"labels": [0, 1, 0, 1], "layout": "hand_22", "split": ["train", "test"] * 2}
    mask = np.zeros(frames[0].shape, bool)
    mask[2, 7] = True
    masked = DataSet.from_arrays([np.ma.MaskedArray(one, mask) for one in frames], **words)
    unseen = DataSet.from_arrays([np.where(mask, np.nan, one) for one in frames], **words)
    assert masked.unseen and np.isnan(masked.frames_FxVxC).any()
    np.testing.assert_array_equal(masked.frames_FxVxC, unseen.frames_FxVxC)


def test_recordings_that_stand_still():
    frames = arrays(6, frames=9)
    frames[1][:] = frames[1][0]
    frames[2] = frames[2][:1]
    frames[3][:] = frames[3][0]
    frames[3][6, 4, 1] += 0.5  # one joint, for one frame
    frames[4][:] = frames[4][0]
    frames[4][6, 4] = np.nan  # not to be seen is no movement
    data = DataSet.from_arrays(frames, [0, 1] * 3, layout="hand_22", split=["train", "test"] * 3)
    assert dataset.still(data).tolist() == [False, True, True, False, True, False]


# Holding out.

SUBJECTS = [1] * 5 + [2] * 9 + [5] * 2 + [8] * 7 + [9] * 7


def names(data_set):
    return data_set.name_N.tolist()


@pytest.mark.parametrize("by", ["recording", "subject", "camera"])
@pytest.mark.parametrize("fraction", [0.0, 0.05, 0.25, 0.4])
def test_hold_out(by, fraction):
    whole = in_memory(SUBJECTS)
    train, held = dataset.hold_out(whole, fraction, by, seed=4)
    assert sorted(names(train) + names(held)) == sorted(names(whole))  # none twice, none lost
    again = dataset.hold_out(whole, fraction, by, seed=4)
    assert [names(part) for part in again] == [names(train), names(held)]
    groups = np.arange(len(whole)) if by == "recording" else whole.columns[by]
    largest = np.unique(groups, return_counts=True)[1].max()
    assert fraction * len(whole) <= len(held) < fraction * len(whole) + largest
    if by != "recording":
        assert not set(train.columns[by]) & set(held.columns[by])


def test_hold_out_nothing():
    train, held = dataset.hold_out(in_memory([0] * 4), 0.0, "subject", seed=0)
    assert len(train) == 4 and len(held) == 0


@pytest.mark.parametrize("by", ["recording", "subject"])
def test_the_seed_chooses(by):
    whole = in_memory([number // 2 for number in range(2, 42)])
    held = [tuple(names(dataset.hold_out(whole, 0.2, by, seed)[1])) for seed in range(6)]
    assert {len(chosen) for chosen in held} == {8} and len(set(held)) == 6
    assert len({name for chosen in held for name in chosen}) > 16


@pytest.mark.parametrize("by", ["subject", "setup"])
def test_groups_that_the_set_does_not_tell(by):
    message = error_of(dataset.hold_out, in_memory([0] * 4), 0.25, by, 0)
    assert message.startswith(f"config.data.validation_by={by}: ") and "use 'recording'" in message


def test_nothing_left_to_train_on():
    message = error_of(dataset.hold_out, in_memory([3, 3, 3]), 0.1, "subject", 0)
    assert message.startswith("config.data.validation_fraction=0.1 by subject holds out all 3 recordings")
    assert "there are 1 subjects" in message
