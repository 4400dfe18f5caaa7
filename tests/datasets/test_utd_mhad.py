"""UTD-MHAD's files: what is read, and what every bad one says."""

import pathlib

import numpy as np
import pytest
import scipy.io

from dsta_jax.datasets import utd_mhad
from dsta_jax.datasets.layouts import UTD_MHAD_20
from dsta_jax.errors import UserError
from tests.raw_recordings import write_utd_mhad


def test_file_name():
    said = utd_mhad.parse_file_name(pathlib.Path("somewhere/a27_s8_t4_skeleton.mat"))
    assert said == utd_mhad.FileName("a27_s8_t4", 27, 8, 4)


@pytest.mark.parametrize("name", ["a1_s1_skeleton.mat", "a0_s1_t1_skeleton.mat", "a1_s1_t1_inertial.mat", "x.mat"])
def test_bad_file_name(name):
    with pytest.raises(UserError, match="expected aA_sS_tT_skeleton.mat"):
        utd_mhad.parse_file_name(pathlib.Path(name))


def test_unknown_action():
    with pytest.raises(UserError, match="action 28 in the file name, expected 1 to 27"):
        utd_mhad.parse_file_name(pathlib.Path("a28_s1_t1_skeleton.mat"))


def test_reads_what_was_written(tmp_path):
    frames_TxVxC = write_utd_mhad(tmp_path, ["a1_s1_t1"])["a1_s1_t1"]
    found_TxVxC = utd_mhad.read_skeletons(tmp_path / "a1_s1_t1_skeleton.mat")
    assert found_TxVxC.dtype == np.float32
    np.testing.assert_array_equal(found_TxVxC, frames_TxVxC)


NAN = np.where(np.arange(5) == 3, np.nan, np.ones((20, 3, 5)))
BAD_ARRAYS = {
    "another key": ({"skel": np.ones((20, 3, 5))}, "arrays skel, expected d_skel"),
    "no array": ({}, "arrays none, expected d_skel"),
    "25 joints": ({"d_skel": np.ones((25, 3, 5))}, "d_skel is 25 x 3 x 5, expected 20 x 3 x frames"),
    "two axes": ({"d_skel": np.ones((20, 3))}, "d_skel is 20 x 3, expected 20 x 3 x frames"),
    "no frames": ({"d_skel": np.ones((20, 3, 0))}, "d_skel is 20 x 3 x 0, expected 20 x 3 x frames"),
    "text": ({"d_skel": "skeleton"}, "d_skel is of type <U8, expected real numbers"),
    "NaN": ({"d_skel": NAN}, "NaN or infinity in frame 4"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays(tmp_path, case):
    arrays, message = BAD_ARRAYS[case]
    path = tmp_path / "a1_s1_t1_skeleton.mat"
    scipy.io.savemat(path, arrays)
    with pytest.raises(UserError) as caught:
        utd_mhad.read_skeletons(path)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


@pytest.mark.parametrize("damage", ["empty", "cut", "text"])
def test_not_a_matlab_file(tmp_path, damage):
    write_utd_mhad(tmp_path, ["a1_s1_t1"])
    path = tmp_path / "a1_s1_t1_skeleton.mat"
    path.write_bytes({"empty": b"", "cut": path.read_bytes()[:200], "text": b"hello " * 100}[damage])
    with pytest.raises(UserError, match="not a readable MATLAB file"):
        utd_mhad.read_skeletons(path)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read .No such file or directory"):
        utd_mhad.read_skeletons(tmp_path / "a1_s1_t1_skeleton.mat")


def test_joints_are_in_the_order_that_the_authors_list(shared):
    listed = (shared / "data" / "utd_mhad" / "Skeleton" / "Skeleton_joint_order.txt").read_text()
    found = [line.split(".")[1].strip().rstrip(";") for line in listed.splitlines() if line[:1].isdigit()]
    assert found == list(UTD_MHAD_20.joints)
