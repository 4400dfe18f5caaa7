"""TFRecord files: what is read, and every way to damage them."""

import json
import struct

import numpy as np
import pytest

from data_prep import tfds_layout
from dsta_jax.data import records
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


def error_of(directory, split="train") -> str:
    with pytest.raises(UserError) as caught:
        list(records.read_split(directory, split))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_reads_what_was_written(tiny):
    found = list(records.read_split(tiny, "train"))
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
        labels=3,
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
    second = [offset for offset, _ in records.read_payloads(path)][1]
    path.write_bytes(path.read_bytes()[:second])
    assert f"{path}: 1 records, expected 2" in error_of(tiny)


def test_a_record_too_many(tiny):
    path = tiny / SHARD
    extra = raw_recordings.records(1, "extra")[0]
    features = tfds_layout.record_features(("a", "b", "c"), (3, 2, 3))
    payloads = [payload for _, payload in records.read_payloads(path)]
    records.write_shard(path, [*payloads, tfds_layout.to_payload(features, extra)])
    assert f"{path}: 3 records, expected 2" in error_of(tiny)


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
    path = tiny / "features.json"
    path.write_text(path.read_text().replace('"numClasses": "3"', '"numClasses": "2"'))
    assert "label 2, expected 0 to 1" in error_of(tiny)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_frames_that_are_not_finite(tmp_path, value):
    record = raw_recordings.records(1)[0]
    record.frames_TxVxMxC[0, 1, 1, 1] = value
    directory = raw_recordings.write_set(tmp_path / "set", {"train": [[record]]})
    assert "recording_0: NaN or infinity" in error_of(directory)


def test_records_as_they_are(tmp_path):
    odd = raw_recordings.records(3)[2]
    odd.frames_TxVxMxC[0, 1, 1, 1] = np.nan
    directory = raw_recordings.write_set(tmp_path / "set", {"train": [[odd]]})
    path = directory / "features.json"
    path.write_text(path.read_text().replace('"numClasses": "3"', '"numClasses": "2"'))
    with pytest.raises(UserError):
        list(records.read_set(directory))
    ((split, record),) = records.read_set(directory, as_they_are=True)
    assert (split, record.label, np.isnan(record.frames_TxVxMxC).sum()) == ("train", 2, 1)


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
    records.write_shard(tiny / SHARD, [b"hello"])
    assert "record 0 at byte 0: " in error_of(tiny) and "not a tf.train.Example" in error_of(tiny)


def test_an_example_without_a_key(tiny):
    records.write_shard(tiny / SHARD, [b""])
    assert "key 'label' holds 0 values, expected one of type int" in error_of(tiny)


def test_an_unknown_split(tiny):
    assert "no split 'validation', expected one of" in error_of(tiny, "validation")


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


def test_another_file_format(tiny):
    path = tiny / "dataset_info.json"
    path.write_text(path.read_text().replace('"tfrecord"', '"array_record"'))
    assert "file format 'array_record', expected 'tfrecord'" in error_of(tiny)


def test_the_highest_version_is_found(tmp_path):
    for version in ("1.9.0", "1.10.0", "1.10.1.incomplete", "1.2.3", "9.0.0.old", "notes"):
        (tmp_path / "tiny" / version).mkdir(parents=True)
    assert records.find_data_set(tmp_path, "tiny") == tmp_path / "tiny" / "1.10.0"


def test_no_data_set(tmp_path):
    with pytest.raises(UserError, match="no data set tiny in .*found no such directory"):
        records.find_data_set(tmp_path, "tiny")
    (tmp_path / "tiny" / "1.0.0.incomplete").mkdir(parents=True)
    with pytest.raises(UserError, match="found 1.0.0.incomplete"):
        records.find_data_set(tmp_path, "tiny")


def field(number: int, value: bytes | int) -> bytes:
    """A field of a protocol buffer with a number below 16; a length or value below 128."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


def example(*features: tuple[str, bytes]) -> bytes:
    return field(1, b"".join(field(1, field(1, key.encode()) + field(2, feature)) for key, feature in features))


MINUS_ONE = b"\xff" * 9 + b"\x01"
FEATURES = {
    "strings": (field(1, field(1, b"ab") + field(1, b"")), [b"ab", b""]),
    "unpacked": (field(3, field(1, 5) + field(1, 0)), [5, 0]),
    "packed": (field(3, field(1, b"\x05\xac\x02")), [5, 300]),
    "both": (field(3, field(1, 7) + field(1, b"\x05\x06")), [7, 5, 6]),
    "negative": (field(3, field(1, MINUS_ONE)), [-1]),
    "floats": (field(2, field(1, struct.pack("<f", 1.5))), []),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("case", FEATURES)
def test_examples(case):
    feature, expected = FEATURES[case]
    assert records.parse_example(example(("before", field(3, field(1, 1))), ("key", feature))) == {
        "before": [1],
        "key": expected,
    }


def test_unknown_fields_are_passed_over():
    fixed = bytes([9 << 3 | 1]) + b"12345678" + bytes([9 << 3 | 5]) + b"1234"
    assert records.parse_example(fixed + field(7, 1) + example(("key", field(3, field(1, 1))))) == {"key": [1]}


BAD_EXAMPLES = {
    "cut": example(("key", b""))[:-1],
    "group": bytes([1 << 3 | 3]),
    "endless number": b"\x08" + b"\xff" * 11,
    "number for a message": field(1, 5),
    "length beyond the end": bytes([1 << 3 | 2, 100]) + b"abc",
    "key not UTF-8": field(1, field(1, field(1, b"\xff\xfe"))),
}


@pytest.mark.parametrize("case", BAD_EXAMPLES)
def test_bad_examples(case):
    with pytest.raises(ValueError):
        records.parse_example(BAD_EXAMPLES[case])


def test_random_bytes_raise_value_error_only(tiny):
    random = np.random.default_rng(1)
    _, payload = next(records.read_payloads(tiny / SHARD))
    info = records.read_info(tiny)
    refused = 0
    for _ in range(2000):
        damaged = bytearray(payload)
        for position in random.integers(0, 60, size=3):
            damaged[position] = random.integers(256)
        try:
            record = records._to_record(records.parse_example(bytes(damaged)), info)
            assert np.isfinite(record.frames_TxVxMxC).all()
        except ValueError:
            refused += 1
    assert refused > 1000
