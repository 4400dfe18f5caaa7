"""Frames in a file: the same data set as in memory, made once, and never of other records."""

import dataclasses
import multiprocessing

import numpy as np
import pytest

from dsta_jax.data import dataset, frames_file, records
from dsta_jax.errors import UserError
from tests.data.test_dataset import SHREC14, SHREC28, TEST, TRAIN, hand, write_set


@pytest.fixture
def directory(tmp_path):
    """A converted set, with a joint that was not seen, and frames without anybody."""
    unseen = dataclasses.replace(hand(3), name="unseen")
    unseen.frames_TxVxMxC[2, 4] = np.nan
    directory = tmp_path / "data" / "shrec17" / "1.0.0"
    write_set(directory, "shrec17", {"train": [*TRAIN, unseen], "test": TEST})
    return directory


def assert_same(found, expected):
    assert found.benchmark == expected.benchmark and found.fingerprint == expected.fingerprint
    assert found.unseen == expected.unseen and found.columns.keys() == expected.columns.keys()
    for key in ("frames_FxVxC", "start_NxM", "length_N", "name_N", "label_N"):
        np.testing.assert_array_equal(getattr(found, key), getattr(expected, key))
    for key, column in expected.columns.items():
        np.testing.assert_array_equal(found.columns[key], column)


@pytest.mark.parametrize("benchmark", [SHREC14, SHREC28])
def test_the_same_as_in_memory_and_read_once(directory, tmp_path, monkeypatch, benchmark):
    expected = dataset.load(tmp_path / "data", benchmark)
    assert expected.unseen
    assert_same(frames_file.load(tmp_path / "kept", directory, benchmark), expected)
    monkeypatch.setattr(records, "read_set", None)
    again = frames_file.load(tmp_path / "kept", directory, benchmark)
    assert_same(again, expected)
    assert isinstance(again.frames_FxVxC.base, np.memmap) and not again.frames_FxVxC.flags.writeable
    assert_same(again.select(np.array([2, 0])), expected.select(np.array([2, 0])))


def test_other_records_have_a_file_of_their_own(directory, tmp_path):
    before = frames_file.load(tmp_path / "kept", directory, SHREC28)
    other = tmp_path / "other" / "1.0.0"
    write_set(other, "shrec17", {"train": [*TRAIN[:-1], hand(25)], "test": TEST})
    found = frames_file.load(tmp_path / "kept", other, SHREC28)
    assert found.fingerprint != before.fingerprint
    assert len(list((tmp_path / "kept").glob("*.frames"))) == 2


def test_a_file_that_was_changed_is_refused(directory, tmp_path):
    frames_file.load(tmp_path, directory, SHREC28)
    (path,) = tmp_path.glob("*.frames")
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"is not what was written, its checksum is wrong; delete .*made again"):
        frames_file.load(tmp_path, directory, SHREC28)
    path.write_bytes(content[:-5])
    with pytest.raises(UserError, match=r"delete .*made again"):
        frames_file.load(tmp_path, directory, SHREC28)


def test_killed_while_it_is_made(directory, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(frames_file, "complete_file", None)  # As a kill after the frames, before the facts.
        with pytest.raises(TypeError):
            frames_file.load(tmp_path / "kept", directory, SHREC28)
    assert_same(frames_file.load(tmp_path / "kept", directory, SHREC28), dataset.load(tmp_path / "data", SHREC28))


def _fingerprint(arguments):
    return frames_file.load(*arguments, SHREC28).fingerprint


def test_processes_that_ask_at_once(directory, tmp_path):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        found = pool.map(_fingerprint, [(tmp_path / "kept", directory)] * 6)
    assert set(found) == {dataset.load(tmp_path / "data", SHREC28).fingerprint}
    assert sorted(path.suffix for path in (tmp_path / "kept").iterdir()) == [".frames", ".lock", ".npz"]
