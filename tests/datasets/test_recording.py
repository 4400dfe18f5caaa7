"""Collections: what is common to all formats."""

import pathlib

import numpy as np
import pytest

from dsta_jax.datasets import recording as lib
from dsta_jax.datasets.recording import Recording
from dsta_jax.errors import UserError
from tests.formats import made

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


@pytest.mark.parametrize(("kind", "name"), [("split", "a\ud800"), ("class", "a\nb"), ("class", "a\ud800")])
def test_names_that_cannot_be_written(kind, name):
    splits = {name if kind == "split" else "all": ["a"]}
    entries = {"a": lib.Entry("a", pathlib.Path("a.pkl"), 0)}
    with pytest.raises(UserError) as caught:
        lib.Collection(entries, splits, RECORDINGS.get, (name,) if kind == "class" else None)
    assert str(caught.value) == f"a.pkl: {name!a} as the name of a {kind}, expected printable text"


def test_origins_that_cannot_be_written():
    strange = lib.Entry("a", pathlib.Path("a.pkl"), 0, camera="left\ud800")
    with pytest.raises(UserError, match=r"a.pkl: entry 0: 'left\\ud800' as a camera, expected printable text"):
        lib.by_name(pathlib.Path("a.pkl"), [("a.pkl: entry 0", strange)])


def test_more_classes_and_recordings_than_anybody_has(monkeypatch):
    entries = [(f"a.pkl: entry {n}", lib.Entry(str(n), pathlib.Path("a.pkl"), 0)) for n in range(3)]
    monkeypatch.setattr(lib, "MOST_CLASSES", 2)
    with pytest.raises(UserError, match=r"^a.pkl: 3 classes, expected at most 2"):
        lib.Collection(lib.by_name(pathlib.Path("a.pkl"), entries), {}, lambda _: None, ("a", "b", "c"))
    monkeypatch.setattr(lib, "MOST_RECORDINGS", 2)
    with pytest.raises(UserError, match="a.pkl: entry 2: more than 2 recordings, expected at most so many"):
        lib.by_name(pathlib.Path("a.pkl"), entries)


def test_sizes():
    lib.check_size(216_000, 553, 1, 3)  # An hour at 60 frames a second.
    with pytest.raises(ValueError, match="1000001 frames, expected at most 1000000"):
        lib.check_size(1_000_001, 1)
    with pytest.raises(ValueError, match=r"600000000 numbers \(1000000 x 100 x 2 x 3\), expected at most 536870912"):
        lib.check_size(1_000_000, 100, 2, 3)


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
