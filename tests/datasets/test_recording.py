"""Collections: what is common to all formats."""

import pathlib

import numpy as np
import pytest

from dsta_jax.datasets import recording as lib
from dsta_jax.datasets.recording import Recording
from dsta_jax.errors import UserError
from tests.data_prep.formats import made

RECORDINGS = {name: Recording(np.full((2, 3, 1, 2), number, np.float32)) for number, name in enumerate("abcd")}
OVERLAPPING = {"one": ["c", "a"], "two": ["b", "a"]}


@pytest.mark.parametrize("name", ["S018C003P106R002A120", "S018C003P106R002A120.skeleton", "any/S018C003P106R002A120"])
def test_names_of_ntu_say_who(name):
    assert made.numbers(lib.entry(name, pathlib.Path(), 5)) == (5, 106, 3, 18)
    assert made.numbers(lib.entry(name, pathlib.Path(), 5, camera=2)) == (5, 0, 2, 0)


@pytest.mark.parametrize("name", ["S18C4P106R2A120", "S018", "anything"])
def test_other_names_do_not(name):
    assert made.numbers(lib.entry(name, pathlib.Path(), 5)) == (5, 0, 0, 0)


@pytest.mark.parametrize(
    ("name", "path", "place"),
    [
        ("a1", "/raw/a1_skeleton.mat", "/raw/a1_skeleton.mat"),
        ("g/f", "/raw/g/f/skeleton.txt", "/raw/g/f/skeleton.txt"),
        ("c", "/raw/c.csv", "/raw/c.csv"),
        ("c", "/raw/collection.pkl", "/raw/collection.pkl: c"),
    ],
)
def test_where_a_recording_is(name, path, place):
    assert lib.Entry(name, pathlib.Path(path), 0).place == place


def test_joints_that_kinect_lost():
    frames_TxVxMxC = np.ones((3, 4, 2, 3), np.float32)
    frames_TxVxMxC[1, 2, 0] = frames_TxVxMxC[2, :, 1] = frames_TxVxMxC[0, 0, 0, 0] = 0
    found = lib.lost_as_nan(frames_TxVxMxC)
    assert found.dtype == np.float32 and np.argwhere(np.isnan(found).any(axis=-1)).tolist() == [[1, 2, 0]]
    frames_TxVxMxC[1, 2, 0] = np.nan
    np.testing.assert_array_equal(found, frames_TxVxMxC)


def test_selected_splits():
    all_of_them = made.collection(RECORDINGS, OVERLAPPING)
    assert [one.name for one in all_of_them.selected] == ["c", "a", "b"]
    found = lib.select(all_of_them, ["two"])
    assert (list(found.splits.items()), list(found.entries)) == ([("two", ["b", "a"])], ["b", "a"])
    with pytest.raises(UserError, match="no split 'three', expected one of one, two"):
        lib.select(all_of_them, ["three"])


def test_without():
    found = lib.without(made.collection(RECORDINGS, OVERLAPPING), ["a", "d"])
    assert (found.splits, list(found.entries)) == ({"one": ["c"], "two": ["b"]}, ["b", "c"])


def test_splits_that_share_a_recording():
    with pytest.raises(UserError, match="a is in the splits one and two, expected one in npy"):
        lib.in_one_split_each(made.collection(RECORDINGS, OVERLAPPING), "npy")


def test_recordings_in_no_split():
    found = lib.in_one_split_each(made.collection(RECORDINGS, {"one": ["c"], "two": ["b"]}), "npy")
    assert list(found.entries) == ["c", "b"]
    assert found.notes == ("2 recordings are in no split, which npy cannot hold; they are left out",)
    assert not lib.in_one_split_each(made.collection(RECORDINGS), "npy").notes


def test_the_score_is_one_channel_more():
    score_TxVxM = np.full((2, 3, 1), 0.5, np.float32)
    found = Recording(RECORDINGS["b"].frames_TxVxMxC, score_TxVxM).frames_with_score
    assert found.shape == (2, 3, 1, 3) and (found[..., 2] == 0.5).all() and (found[..., :2] == 1).all()


@pytest.mark.parametrize(
    ("value", "expected"),
    [((1, 2), (1, 2)), ([0, 5], (0, 5)), (np.array([3, 4]), (3, 4)), ((1, -2), None), ((1,), None)],
)
def test_two_sizes(value, expected):
    assert lib.two_sizes(value) == expected
    for other in (None, 5, "ab", (1.5, 2), (True, 2), [[1], [2]], np.zeros((2, 2)), (1, 2**31)):
        assert lib.two_sizes(other) is None
