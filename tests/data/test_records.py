"""Converted sets: what is read, and every way to damage them."""

import hashlib
import json
import os
import shutil

import numpy as np
import pytest

from data_prep import tfds_layout
from dsta_jax.data import records, tfrecord
from dsta_jax.errors import UserError
from tests import raw_recordings

SHARD = "tiny-train.tfrecord-00001-of-00002"


@pytest.fixture
def tiny(tmp_path):
    """A set of two splits: train of two shards with 3 and 2 records, test of one with 2."""
    train = raw_recordings.records(5)
    return raw_recordings.write_set(
        tmp_path / "tiny" / "1.0.0",
        {"train": [train[:3], train[3:]], "test": [raw_recordings.records(2, "another")]},
    )


def error_of(directory) -> str:
    with pytest.raises(UserError) as caught:
        list(records.read_set(directory))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_reads_what_was_written(tiny):
    found = [record for split, record in records.read_set(tiny) if split == "train"]
    assert len(found) == 5
    for record, expected in zip(found, raw_recordings.records(5), strict=True):
        for field in ("name", "label", "subject", "camera", "setup"):
            assert getattr(record, field) == getattr(expected, field)
        assert record.frames_TxVxMxC.dtype == np.float32
        np.testing.assert_array_equal(record.frames_TxVxMxC, expected.frames_TxVxMxC)


def test_info(tiny):
    assert records.read_info(tiny) == records.DataSetInfo(
        name="tiny",
        version="1.0.0",
        split_lengths={"train": (3, 2), "test": (2,)},
        label_names=("a", "b", "c"),
        joints=3,
        bodies=2,
        channels=3,
    )


def test_reads_the_whole_set(tiny):
    found = [(split, record.name) for split, record in records.read_set(tiny)]
    assert sorted(found) == sorted(
        [("train", f"recording_{i}") for i in range(5)] + [("test", f"another_{i}") for i in range(2)]
    )


def test_every_flipped_bit_is_found(tiny):
    path = tiny / SHARD
    whole = path.read_bytes()
    for position in np.random.default_rng(0).integers(0, 8 * len(whole), size=200).tolist() + list(range(96)):
        flipped = bytearray(whole)
        flipped[position // 8] ^= 1 << position % 8
        path.write_bytes(flipped)
        message = error_of(tiny)
        assert message.startswith(f"{path}: record at byte ") and "convert the data set again" in message


def test_every_cut_is_found(tiny):
    path = tiny / SHARD
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert error_of(tiny).startswith(f"{path}: ")


def test_a_file_cut_between_two_records(tiny):
    path = tiny / SHARD
    second = [payload.offset for payload in tfrecord.read_file(path)][1]
    path.write_bytes(path.read_bytes()[:second])
    assert f"{path}: 1 records, expected 2" in error_of(tiny)


def test_a_record_too_many(tiny):
    path = tiny / SHARD
    extra = raw_recordings.records(1, "extra")[0]
    features = tfds_layout.record_features(("a", "b", "c"), (3, 2, 3))
    payloads = [payload.content for payload in tfrecord.read_file(path)]
    tfrecord.write_file(path, [*payloads, tfds_layout.to_payload(features, extra)])
    assert f"{path}: 3 records, expected 2" in error_of(tiny)


@pytest.fixture
def another(tmp_path):
    """The same recordings and shards as in `tiny`, with another coordinate in each."""
    train = raw_recordings.records(5)
    for record in train:
        record.frames_TxVxMxC[0, 0, 0, 0] += 1
    return raw_recordings.write_set(
        tmp_path / "another" / "1.0.0",
        {"train": [train[:3], train[3:]], "test": [raw_recordings.records(2, "another")]},
    )


def test_a_shard_of_another_conversion(tiny, another):
    shutil.copy(another / SHARD, tiny / SHARD)
    assert f"{tiny / SHARD}: not the shard that was written with the others; convert" in error_of(tiny)


def test_swapped_shards(tmp_path):
    shards = [raw_recordings.records(2), raw_recordings.records(2, "another")]
    directory = raw_recordings.write_set(tmp_path / "set", {"train": shards})
    one, two = sorted(directory.glob("*.tfrecord-*"))
    one.rename(tmp_path / "kept")
    two.rename(one)
    (tmp_path / "kept").rename(two)
    assert f"{one}: not the shard that was written with the others" in error_of(directory)


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"])
def test_a_set_whose_checksums_are_missing(tiny, content):
    path = tiny / "checksums.json"
    path.unlink() if content is None else path.write_text(content)
    assert error_of(tiny).endswith("; convert the data set again with --overwrite")


@pytest.mark.parametrize("count", range(1, 8))
@pytest.mark.parametrize("there", [True, False])
def test_a_set_that_is_replaced_while_it_is_read(tiny, another, count, there):
    """After any number of its seven records, by another set or, for a moment, by none."""
    found = records.read_set(tiny)
    for _ in range(count):
        next(found)
    tiny.rename(tiny.with_name("1.0.0.old"))
    if there:
        another.rename(tiny)
    with pytest.raises(UserError, match="1.0.0: was replaced while it was read; give the same command again"):
        list(found)


def test_a_missing_shard(tiny):
    (tiny / SHARD).unlink()
    assert f"{tiny / SHARD}: cannot be opened (No such file or directory)" in error_of(tiny)


def test_another_shape(tiny):
    path = tiny / "features.json"
    features = json.loads(path.read_text())
    features["featuresDict"]["features"]["frames"]["tensor"]["shape"]["dimensions"] = ["-1", "5", "2", "3"]
    path.write_text(json.dumps(features))
    assert "record 0 at byte 0: recording_0: frames of 72 bytes, expected a multiple of 120" in error_of(tiny)


def test_a_label_too_large(tiny):
    fewer_labels(tiny)
    assert "label 2, expected 0 to 1" in error_of(tiny)


def fewer_labels(directory):
    path = directory / "features.json"
    path.write_text(path.read_text().replace('"numClasses": "3"', '"numClasses": "2"'))
    (directory / "label.labels.txt").write_text("a\nb\n")


@pytest.mark.parametrize("names", ["a\nb\n", None])
def test_names_of_labels_that_are_missing(tiny, names):
    path = tiny / "label.labels.txt"
    path.unlink() if names is None else path.write_text(names)
    assert "2 names, but 3 labels" in error_of(tiny) or "not a readable text file" in error_of(tiny)


def test_the_digest_is_of_the_records_alone(tiny, tmp_path):
    def digest(directory):
        found = hashlib.blake2b(digest_size=16)
        list(records.read_set(directory, digest=found))
        return found.hexdigest()

    train = raw_recordings.records(5)
    again = raw_recordings.write_set(
        tmp_path / "again" / "1.0.0", {"train": [train], "test": [raw_recordings.records(2, "another")]}
    )
    assert digest(again) == digest(tiny), "however they are divided into shards"
    train[3].frames_TxVxMxC[0, 0, 0, 0] += 1
    other = raw_recordings.write_set(
        tmp_path / "other" / "1.0.0", {"train": [train], "test": [raw_recordings.records(2, "another")]}
    )
    assert digest(other) != digest(tiny)


def test_a_joint_that_was_not_seen_is_nan(tmp_path):
    record = raw_recordings.records(1)[0]
    record.frames_TxVxMxC[0, 1, 1] = np.nan
    directory = raw_recordings.write_set(tmp_path / "set", {"train": [[record]]})
    ((_, found),) = records.read_set(directory)
    np.testing.assert_array_equal(found.frames_TxVxMxC, record.frames_TxVxMxC)


@pytest.mark.parametrize(("value", "said"), [(np.nan, "NaN in some channels"), (np.inf, "infinity in the frames")])
def test_frames_that_are_not_as_they_must_be(tmp_path, value, said):
    record = raw_recordings.records(1)[0]
    record.frames_TxVxMxC[0, 1, 1, 1] = value
    directory = raw_recordings.write_set(tmp_path / "set", {"train": [[record]]})
    assert f"recording_0: {said}" in error_of(directory)


def test_records_as_they_are(tmp_path):
    odd = raw_recordings.records(3)[2]
    odd.frames_TxVxMxC[0, 1, 1, 1] = np.inf
    directory = raw_recordings.write_set(tmp_path / "set", {"train": [[odd]]})
    fewer_labels(directory)
    with pytest.raises(UserError):
        list(records.read_set(directory))
    ((split, record),) = records.read_set(directory, as_they_are=True)
    assert (split, record.label, np.isinf(record.frames_TxVxMxC).sum()) == ("train", 2, 1)


def test_no_frames(tmp_path):
    record = raw_recordings.records(1)[0]
    empty = records.Record(record.name, 0, 1, 1, 1, record.frames_TxVxMxC[:0])
    directory = raw_recordings.write_set(tmp_path / "set", {"train": [[empty]]})
    assert "frames of 0 bytes" in error_of(directory)


def test_a_name_twice_in_a_split_and_in_two_splits(tmp_path):
    record = raw_recordings.records(1)[0]
    directory = raw_recordings.write_set(tmp_path / "split", {"train": [[record], [record]]})
    assert "the name 'recording_0' is taken by" in error_of(directory)
    directory = raw_recordings.write_set(tmp_path / "set", {"train": [[record]], "test": [[record]]})
    with pytest.raises(UserError, match="the name 'recording_0' is taken by"):
        list(records.read_set(directory))


def test_a_payload_that_is_no_example(tiny):
    tfrecord.write_file(tiny / SHARD, [b"hello"])
    assert "record 0 at byte 0: " in error_of(tiny) and "not a tf.train.Example" in error_of(tiny)


def test_an_example_without_a_key(tiny):
    tfrecord.write_file(tiny / SHARD, [b""])
    assert "key 'label' holds 0 values of its type, expected one" in error_of(tiny)


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
@pytest.mark.parametrize("damage", ["missing", "cut", "another"])
def test_bad_metadata(tiny, name, damage):
    path = tiny / name
    text = path.read_text()
    path.unlink()
    if damage != "missing":
        path.write_text(text[:40] if damage == "cut" else "[]")
    expected = {
        "missing": "no such file",
        "cut": "not readable as JSON",
        "another": "does not describe skeleton records",
    }
    assert expected[damage] in error_of(tiny)


BAD_METADATA = {
    "bodies": (
        "features.json",
        '"-1", "3", "2", "3"',
        '"-1", "3", "1000000000", "3"',
        "expected joints, bodies and",
    ),
    "no bodies": ("features.json", '"-1", "3", "2", "3"', '"-1", "3", "0", "3"', "frames of shape [3, 0, 3], expected"),
    "labels": ("features.json", '"numClasses": "3"', '"numClasses": "100000000"', "100000000 labels, expected at most"),
    "records": ("dataset_info.json", '"shardLengths": ["', '"shardLengths": ["-', "a shard of fewer than no records"),
    "a path": ("dataset_info.json", '"name": "tiny"', '"name": "../tiny"', "'../tiny' as a name, expected letters"),
    "a surrogate": (
        "dataset_info.json",
        '"name": "test"',
        '"name": "\\ud800"',
        "'\\ud800' as a name, expected",
    ),
}


@pytest.mark.parametrize("case", BAD_METADATA)
def test_metadata_that_claim_too_much(tiny, case):
    name, found, claimed, message = BAD_METADATA[case]
    text = json.dumps(json.loads((tiny / name).read_text()))
    assert found in text
    (tiny / name).write_text(text.replace(found, claimed))
    assert message in error_of(tiny)


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json", "label.labels.txt", SHARD])
def test_pipes(tiny, name):
    (tiny / name).unlink()
    os.mkfifo(tiny / name)
    assert error_of(tiny) == f"{tiny / name}: a pipe or a device, expected a regular file"


def test_another_file_format(tiny):
    path = tiny / "dataset_info.json"
    path.write_text(path.read_text().replace('"tfrecord"', '"array_record"'))
    assert "file format 'array_record', expected 'tfrecord'" in error_of(tiny)


def test_the_highest_version_is_found(tmp_path):
    for version in ("1.9.0", "1.10.0", "1.10.1.incomplete", "1.2.3", "9.0.0.old", "notes"):
        (tmp_path / "tiny" / version).mkdir(parents=True)
    assert records.find_data_set(tmp_path, "tiny") == tmp_path / "tiny" / "1.10.0"


def test_a_directory_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match=r"cannot be read \(File name too long\)"):
        records.find_data_set(tmp_path / ("a" * 300), "tiny")


def test_no_data_set(tmp_path):
    with pytest.raises(UserError, match="no data set tiny in .*found no such directory"):
        records.find_data_set(tmp_path, "tiny")
    (tmp_path / "tiny" / "1.0.0.incomplete").mkdir(parents=True)
    with pytest.raises(UserError, match="found 1.0.0.incomplete"):
        records.find_data_set(tmp_path, "tiny")


def test_random_bytes_are_one_line_or_a_record(tiny):
    random = np.random.default_rng(1)
    payload = next(tfrecord.read_file(tiny / SHARD)).content
    info = records.read_info(tiny)
    refused = 0
    for _ in range(2000):
        damaged = bytearray(payload)
        for position in random.integers(0, 60, size=3):
            damaged[position] = random.integers(256)
        try:
            record = records._to_record("place", bytes(damaged), info, as_they_are=False)
            assert not np.isinf(record.frames_TxVxMxC).any()
        except UserError as error:
            assert str(error).startswith("place: ")
            refused += 1
    assert refused > 1000
