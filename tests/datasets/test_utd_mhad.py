"""UTD-MHAD's files: what is read, and what every bad one says."""

import struct

import numpy as np
import pytest
import scipy.io

from dsta_jax.datasets import utd_mhad
from dsta_jax.datasets.layouts import UTD_MHAD_20
from dsta_jax.datasets.recording import Entry
from dsta_jax.errors import UserError
from tests.raw_recordings import write_utd_mhad


def read(path):
    return utd_mhad.read(Entry(path.stem, path, 0)).frames_TxVxMxC


def test_names_labels_and_subjects(tmp_path):
    write_utd_mhad(tmp_path, ["a27_s8_t4", "a1_s2_t3"])
    (tmp_path / "Skeleton_joint_order.txt").write_text("1. head;")
    found = [(one.name, one.label, one.subject) for one in utd_mhad.find(tmp_path).entries.values()]
    assert found == [("a1_s2_t3", 0, 2), ("a27_s8_t4", 26, 8)]


@pytest.mark.parametrize("name", ["a1_s1", "a0_s1_t1", "action1", "a1_s1_t1_"])
def test_a_misnamed_file(tmp_path, name):
    write_utd_mhad(tmp_path, [name])
    with pytest.raises(UserError, match=f"'{name}_skeleton.mat', expected aA_sS_tT_skeleton.mat"):
        utd_mhad.find(tmp_path)


def test_unknown_action(tmp_path):
    write_utd_mhad(tmp_path, ["a28_s1_t1"])
    with pytest.raises(UserError, match="action 28 in the file name, expected 1 to 27"):
        utd_mhad.find(tmp_path)


def test_an_empty_directory(tmp_path):
    with pytest.raises(UserError, match=r"no recordings, expected files \*_skeleton.mat .0 are there"):
        utd_mhad.find(tmp_path)


def test_the_published_recordings(shared):
    found = utd_mhad.find(shared / "data" / "utd_mhad").entries.values()
    assert len(found) == 861 and {one.label for one in found} == set(range(27))


def test_reads_what_was_written(tmp_path):
    frames_TxVxC = write_utd_mhad(tmp_path, ["a1_s1_t1"])["a1_s1_t1"]
    found_TxVxMxC = read(tmp_path / "a1_s1_t1_skeleton.mat")
    np.testing.assert_array_equal(found_TxVxMxC[:, :, 0], frames_TxVxC)


def test_more_frames_than_anybody_has(tmp_path):
    path = tmp_path / "a1_s1_t1_skeleton.mat"
    scipy.io.savemat(path, {"d_skel": np.zeros((20, 3, 1)), "other": np.zeros(5)})
    whole = path.read_bytes()
    claim, claims = (struct.pack("<iii", 20, 3, frames) for frames in (1, 10**8))
    assert whole.count(claim) == 1
    path.write_bytes(whole.replace(claim, claims))
    with pytest.raises(UserError, match="skeleton.mat: 100000000 frames, expected at most 10000"):
        read(path)


BAD_ARRAYS = {
    "nested": ({"d_skel": {"d_skel": np.ones((20, 3, 5))}}, "d_skel is a struct, expected numbers, 20 x 3 x frames"),
    "another key": ({"skel": np.ones((20, 3, 5))}, "arrays skel, expected d_skel"),
    "no array": ({}, "arrays none, expected d_skel"),
    "25 joints": ({"d_skel": np.ones((25, 3, 5))}, "d_skel is float64 25 x 3 x 5, expected numbers, 20 x 3 x frames"),
    "two axes": ({"d_skel": np.ones((20, 3))}, "d_skel is float64 20 x 3, expected numbers, 20 x 3 x frames"),
    "text": ({"d_skel": "skeleton"}, "d_skel is <U8 1, expected numbers"),
    "complex": ({"d_skel": np.full((20, 3, 5), 1j)}, "d_skel is complex128 20 x 3 x 5, expected numbers"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays(tmp_path, case):
    arrays, message = BAD_ARRAYS[case]
    path = tmp_path / "a1_s1_t1_skeleton.mat"
    scipy.io.savemat(path, arrays)
    with pytest.raises(UserError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


@pytest.mark.parametrize("damage", ["empty", "cut", "text"])
def test_not_a_matlab_file(tmp_path, damage):
    write_utd_mhad(tmp_path, ["a1_s1_t1"])
    path = tmp_path / "a1_s1_t1_skeleton.mat"
    path.write_bytes({"empty": b"", "cut": path.read_bytes()[:200], "text": b"hello " * 100}[damage])
    with pytest.raises(UserError, match="not readable as a MATLAB file"):
        read(path)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="skeleton.mat: no such file"):
        read(tmp_path / "a1_s1_t1_skeleton.mat")


def test_joints_are_in_the_order_that_the_authors_list(shared):
    listed = (shared / "data" / "utd_mhad" / "Skeleton" / "Skeleton_joint_order.txt").read_text()
    found = [line.split(".")[1].strip().rstrip(";") for line in listed.splitlines() if line[:1].isdigit()]
    assert found == list(UTD_MHAD_20.joints)
