"""One's own recordings in a directory: what is read, and what every bad file says."""

import pathlib
from typing import Any

import numpy as np
import pytest

from data_prep.formats import folder
from dsta_jax.datasets import own
from dsta_jax.datasets.recording import Recording
from dsta_jax.errors import UserError
from tests.data_prep.formats import made

TOML = """
name = "own"
classes = ["wave", "point, far", "3"]
bodies = 2
channels = "{channels}"
[layout.parents]
root = "root"
tip = "root"
"""
HEADER = "file,label\n"
# Two frames of two joints.
FRAMES = np.array([[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12.5]]], np.float32)
LINES = "1,2,3,4,5,6\n7,8,9,10,11,12.5\n"


def benchmark(tmp_path, channels: str = "xyz"):
    (tmp_path / "own.toml").write_text(TOML.format(channels=channels))
    return own.find(str(tmp_path / "own.toml"))


def listed(tmp_path, text: str, files: dict[str, Any] | None = None) -> pathlib.Path:
    """A directory with a list and with files, each an array or text."""
    directory = tmp_path / "own"
    directory.mkdir(exist_ok=True)
    (directory / "labels.csv").write_text(text, encoding="utf-8")
    for name, contents in (files or {}).items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        np.save(path, contents) if path.suffix == ".npy" else path.write_text(contents, encoding="utf-8")
    return directory


def read_one(tmp_path, name: str, contents: Any, channels: str = "xyz") -> Recording:
    found = folder.read(listed(tmp_path, f"{HEADER}{name},0\n", {name: contents}), benchmark(tmp_path, channels))
    (one,) = found.entries.values()
    return found.read(one)


def test_lists(tmp_path):
    text = (
        'label,file,subject,camera,setup,split\nwave,a.npy,3,2,1,train\n"point, far",sub/b.csv,4,,,test\n'
        "2,S001C002P003R001A001.npy,,,,train\n3,S001C002P003R001A002.npy,9,0,0,train\n"
    )
    found = folder.read(listed(tmp_path, text), benchmark(tmp_path))
    assert {name: made.numbers(one) for name, one in found.entries.items()} == {
        "a": (0, 3, 2, 1),
        "sub/b": (1, 4, 0, 0),
        "S001C002P003R001A001": (2, 3, 2, 1),
        "S001C002P003R001A002": (2, 9, 0, 0),
    }
    assert found.splits == {"train": ["a", "S001C002P003R001A001", "S001C002P003R001A002"], "test": ["sub/b"]}
    assert found.class_names == ("wave", "point, far", "3") and found.parallel


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_lists_without_a_benchmark(tmp_path, line_end):
    text = "\ufefffile,label\nb.npy,wave\na.npy,jump\n\n".replace("\n", line_end)
    found = folder.read(listed(tmp_path, text))
    assert found.class_names == ("jump", "wave") and found.splits == {"all": ["b", "a"]}
    assert [one.label for one in found.entries.values()] == [1, 0]
    numbers = folder.read(listed(tmp_path, "file,label\na.npy,7\nb.npy,0\n"))
    assert numbers.class_names is None and [one.label for one in numbers.entries.values()] == [7, 0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32])
def test_arrays_of_one_body_and_of_two(tmp_path, dtype):
    one = read_one(tmp_path, "a.npy", FRAMES.astype(dtype)).frames_TxVxMxC
    assert one.shape == (2, 2, 1, 3) and one.dtype == dtype
    np.testing.assert_array_equal(one[:, :, 0], FRAMES.astype(dtype))
    two_TxMxVxC = np.stack([FRAMES, FRAMES + 20], axis=1)
    two = read_one(tmp_path, "a.npy", two_TxMxVxC).frames_TxVxMxC
    np.testing.assert_array_equal(two[:, :, 1], FRAMES + 20)


@pytest.mark.parametrize("text", [LINES, "root.x,root.y,root.z,tip.x,tip.y,tip.z\n" + LINES, LINES.replace(",", " , ")])
def test_lines_of_one_body(tmp_path, text):
    found = read_one(tmp_path, "a.csv", text).frames_TxVxMxC
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[:, :, 0], FRAMES)


def test_lines_of_two_bodies(tmp_path):
    text = "1,2,3,4,5,6,21,22,23,24,25,26\n7,8,9,10,11,12.5,27,28,29,30,31,32.5\n"
    found = read_one(tmp_path, "a.csv", text).frames_TxVxMxC
    np.testing.assert_array_equal(found, np.stack([FRAMES, FRAMES + 20], axis=2))


def test_the_confidence_is_the_last_channel(tmp_path):
    for name, contents in (("a.npy", FRAMES), ("a.csv", LINES)):
        found = read_one(tmp_path, name, contents, "xyc")
        np.testing.assert_array_equal(found.frames_TxVxMxC[:, :, 0], FRAMES[..., :2])
        np.testing.assert_array_equal(found.score_TxVxM[:, :, 0], FRAMES[..., 2])


def test_what_was_not_seen_is_zeros(tmp_path):
    missing = FRAMES.copy()
    missing[0, 1, 2] = np.nan
    expected = FRAMES.copy()
    expected[0, 1] = 0
    for name, contents in (
        ("a.npy", missing),
        ("a.csv", LINES.replace(",6", ",")),
        ("b.csv", LINES.replace("6", "NaN")),
    ):
        found = read_one(tmp_path, name, contents).frames_TxVxMxC
        np.testing.assert_array_equal(found[:, :, 0], expected)
    with_score = read_one(tmp_path, "a.npy", missing, "xyc")
    assert not with_score.frames_TxVxMxC[0, 1].any() and not with_score.score_TxVxM[0, 1].any()


BAD_LISTS = {
    "empty": ("", ":1: columns '', expected some of file,label,subject"),
    "no label": ("file,name\n", ":1: columns 'file,name', expected some of file,label"),
    "unknown column": ("file,label,Subject\n", ":1: columns 'file,label,Subject', expected some of"),
    "column twice": ("file,label,label\n", ":1: columns 'file,label,label', expected"),
    "no lines": (HEADER, ": no recordings"),
    "cells": (HEADER + "a.npy,0\n\na.npy\n", ":4: 1 cells, expected 2: file,label"),
    "ending": (HEADER + "a.txt,0\n", ":2: file 'a.txt', expected a .npy or .csv file in"),
    "elsewhere": (HEADER + "../a.npy,0\n", ":2: file '../a.npy', expected a .npy or .csv"),
    "absolute": (HEADER + "/etc/a.npy,0\n", ":2: file '/etc/a.npy', expected a .npy or .csv"),
    "twice": (HEADER + "a.npy,0\na.csv,0\n", ":3: the name a is taken by {path}:2"),
    "unknown class": (
        HEADER + "a.npy,jump\n",
        ":2: label 'jump', expected a number below 3, or one of wave, p",
    ),
    "large label": (HEADER + "a.npy,4\n", ":2: label '4', expected a number below 3"),
    "negative label": (HEADER + "a.npy,-1\n", ":2: label '-1', expected a number"),
    "subject": ("file,label,subject\na.npy,0,me\n", ":2: subject 'me', expected a whole number"),
    "no split": ("file,label,split\na.npy,0,\n", ":2: no split, expected the part that a.npy belongs to"),
    "open quote": (HEADER + 'a.npy,"0\n', ":2: not comma-separated text"),
}


@pytest.mark.parametrize("case", BAD_LISTS)
def test_bad_lists(tmp_path, case):
    text, message = BAD_LISTS[case]
    directory = listed(tmp_path, text)
    with pytest.raises(UserError) as caught:
        folder.read(directory, benchmark(tmp_path))
    path = directory / "labels.csv"
    assert str(caught.value).startswith(f"{path}{message.format(path=path)}")


def test_files_that_are_no_text(tmp_path):
    directory = listed(tmp_path, HEADER)
    with pytest.raises(UserError, match="labels.csv: no such file"):
        folder.read(tmp_path)
    for data in (b"file,label\n\xff\xfe,0\n", b"file,label\na\0.npy,0\n"):
        (directory / "labels.csv").write_bytes(data)
        with pytest.raises(UserError):
            folder.read(directory, benchmark(tmp_path))


def test_lines_need_a_benchmark(tmp_path):
    with pytest.raises(UserError, match="lists .csv files; say by --benchmark which of their numbers are joints"):
        folder.read(listed(tmp_path, HEADER + "a.csv,0\n"))


def test_arrays_without_a_benchmark(tmp_path):
    found = folder.read(
        listed(tmp_path, HEADER + "a.npy,0\nb.npy,0\n", {"a.npy": FRAMES, "b.npy": np.ones((2, 1, 2, 4))})
    )
    assert found.read(found.entries["a"]).score_TxVxM is None
    assert found.read(found.entries["b"]).score_TxVxM.shape == (2, 2, 1)


BAD_RECORDINGS: dict[str, tuple[str, Any, str]] = {
    "axes": (
        "a.npy",
        FRAMES[0],
        ": 2 x 3, expected frames x 2 joints x 3 channels, or frames x at most 2 bodies",
    ),
    "a number": ("a.npy", np.float32(1), ": a single number, expected frames"),
    "joints": ("a.npy", np.ones((4, 5, 3)), ": 4 x 5 x 3, expected frames x 2 joints"),
    "exchanged": ("a.npy", np.ones((4, 3, 2)), ": 4 x 3 x 2, expected frames x 2 joints"),
    "bodies": ("a.npy", np.ones((4, 3, 2, 3)), ": 4 x 3 x 2 x 3, expected frames x 2 joints"),
    "no frames": ("a.npy", FRAMES[:0], ": 0 x 2 x 3, expected frames"),
    "infinity": ("a.npy", FRAMES * np.float32("inf"), ": an infinite number in frame 1, expected finite ones"),
    "objects": ("a.npy", np.array(["1"]), ": an array of type <U1, expected real numbers"),
    "few": ("a.csv", "1,2,3\n", ":1: 3 numbers, expected 6: 1 x 2 joints x 3"),
    "between": ("a.csv", "1,2,3,4,5,6,7\n", ":1: 7 numbers, expected 6: 1 x 2 joints x 3"),
    "many": ("a.csv", ",".join("1" * 18) + "\n", ":1: 18 numbers, expected 12: 2 x 2 joints x 3"),
    "fewer later": ("a.csv", LINES + "1,2\n", ":3: 2 numbers, expected 6"),
    "word": ("a.csv", LINES + "1,2,3,4,5,six\n", ":3: a cell that is no number, expected 6"),
    "two headers": ("a.csv", "a\nb\n" + LINES, ":2: a cell that is no number"),
    "underscore": ("a.csv", LINES + "1_0,2,3,4,5,6\n", ":3: a cell that is no number"),
    "infinite word": ("a.csv", LINES + "1,2,3,4,5,inf\n", ": an infinite number in frame 3"),
    "too large": ("a.csv", LINES + "1,2,3,4,5,1e300\n", ": an infinite number in frame 3"),
    "only a header": ("a.csv", "a,b\n", ": no frames, expected a line of numbers for each"),
    "empty": ("a.csv", "", ": no frames, expected a line of numbers for each"),
}


@pytest.mark.parametrize("case", BAD_RECORDINGS)
def test_bad_recordings(tmp_path, case):
    name, contents, message = BAD_RECORDINGS[case]
    with pytest.raises(UserError) as caught:
        read_one(tmp_path, name, contents)
    assert str(caught.value).startswith(f"{tmp_path / 'own' / name}{message}")


def test_no_recording(tmp_path):
    found = folder.read(listed(tmp_path, HEADER + "a.npy,0\nb.csv,0\n"), benchmark(tmp_path))
    for one in found.entries.values():
        with pytest.raises(UserError, match="no such file"):
            found.read(one)
