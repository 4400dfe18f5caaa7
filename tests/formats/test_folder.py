"""One's own recordings in a directory: what is read, and what every bad file says."""

import pathlib
from typing import Any

import numpy as np
import pytest

from dsta_jax.datasets.recording import Recording
from dsta_jax.errors import UserError
from dsta_jax.formats import folder
from tests.formats import made

HEADER = "file,label\n"
SOURCE = made.source(joints=2, bodies=2)
# Two frames of two joints.
FRAMES = np.array([[[1, 2, 3], [4, 5, 7]], [[7, 8, 9], [10, 11, 12.5]]], np.float32)
LINES = "1,2,3,4,5,7\n7,8,9,10,11,12.5\n"


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
    found = folder.read(
        listed(tmp_path, f"{HEADER}{name},0\n", {name: contents}), made.source(joints=2, bodies=2, channels=channels)
    )
    (one,) = found.entries.values()
    return found.read(one)


def test_lists(tmp_path):
    text = (
        'label,file,subject,camera,setup,split\nwave,a.npy,3,2,1,train\n"point, far",sub/b.csv,4,,,test\n'
        "3,S001C002P003R001A001.npy,,,,train\n3,S001C002P003R001A002.npy,9,0,0,train\n"
    )
    found = folder.read(listed(tmp_path, text), SOURCE)
    assert {name: made.numbers(one) for name, one in found.entries.items()} == {
        "a": (0, 3, 2, 1),
        "sub/b": (1, 4, 0, 0),
        "S001C002P003R001A001": (2, 3, 2, 1),
        "S001C002P003R001A002": (2, 9, 0, 0),
    }
    assert found.splits == {"train": ["a", "S001C002P003R001A001", "S001C002P003R001A002"], "test": ["sub/b"]}
    assert found.class_names == ("wave", "point, far", "3") and found.parallel


def test_more_classes_than_anybody_has(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "MOST_CLASSES", 2)
    directory = listed(tmp_path, f"{HEADER}a.npy,x\nb.npy,y\nc.npy,z\n")
    with pytest.raises(UserError, match="labels.csv: 3 different labels, expected at most 2 classes"):
        folder.read(directory)


def test_another_directorys_list(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "_MOST_MISSING", 1)
    text = f"{HEADER}a.npy,0\nb.npy,0\n"
    assert len(folder.read(listed(tmp_path, text, {"a.npy": FRAMES})).entries) == 2  # One may be broken.
    (tmp_path / "own" / "a.npy").unlink()
    with pytest.raises(UserError, match="labels.csv: 2 of 2 files are not there, 'a.npy' first; copy them to"):
        folder.read(tmp_path / "own")


def test_more_lines_than_anybody_has(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "MOST_RECORDINGS", 2)
    with pytest.raises(UserError, match="labels.csv: 5 lines, expected at most 2 recordings"):
        folder.read(listed(tmp_path, f"{HEADER}" + "\n" * 4))


def test_numbers_that_may_be_names_are_refused(tmp_path):
    with pytest.raises(UserError, match="label 3 is a class's name, and label 0 is none; write names for all"):
        folder.read(listed(tmp_path, "file,label\na.npy,3\nb.npy,0\n"), SOURCE)


def test_files_that_are_not_listed_are_told(tmp_path):
    files = {"a.npy": FRAMES, "b.npy": FRAMES, "sub/c.npy": FRAMES}
    (note,) = folder.read(listed(tmp_path, "file,label\na.npy,0\n\n  \n", files), SOURCE).notes
    assert note.endswith("labels.csv does not list 2 of the files there, b.npy first")


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


def test_a_frame_in_one_row(tmp_path):
    two_TxMxVxC = np.stack([FRAMES, FRAMES + 20], axis=1)
    for bodies in (1, 2):
        found = read_one(tmp_path, "a.npy", two_TxMxVxC[:, :bodies].reshape(2, -1)).frames_TxVxMxC
        np.testing.assert_array_equal(found.transpose(0, 2, 1, 3), two_TxMxVxC[:, :bodies])
    with pytest.raises(UserError, match="2 x 6, expected frames x joints x channels, or frames x bodies"):
        directory = listed(tmp_path, HEADER + "a.npy,0\n", {"a.npy": FRAMES.reshape(2, 6)})
        folder.read_recording(folder.read(directory).entries["a"], None)


def test_the_confidence_is_the_last_channel(tmp_path):
    for name, contents in (("a.npy", FRAMES), ("a.csv", LINES)):
        found = read_one(tmp_path, name, contents, "xyc")
        np.testing.assert_array_equal(found.frames_TxVxMxC[:, :, 0], FRAMES[..., :2])
        np.testing.assert_array_equal(found.score_TxVxM[:, :, 0], FRAMES[..., 2])


def test_what_was_not_seen_is_nan(tmp_path):
    missing = FRAMES.copy()
    missing[0, 1, 2] = np.nan
    for name, contents in (("a.npy", missing), ("a.csv", LINES.replace(",7\n", ",\n"))):
        np.testing.assert_array_equal(read_one(tmp_path, name, contents).frames_TxVxMxC[:, :, 0], missing)
        np.testing.assert_array_equal(read_one(tmp_path, name, contents, "xyc").score_TxVxM[:, :, 0], missing[..., 2])


def test_how_others_write_lists(tmp_path):
    text = "\ufeff File ; LABEL;Subject ;split\nsub\\a.NPY; wave ;01; train \n;;;\n./b.csv;2;2.0;test\n"
    for line_end in ("\n", "\r\n", "\r", "\r\r\n"):
        for separator in ";\t":
            changed = text.replace("\n", line_end).replace(";", separator)
            found = folder.read(listed(tmp_path, changed), SOURCE)
            assert {name: made.numbers(one) for name, one in found.entries.items()} == {
                "sub/a": (0, 1, 0, 0),
                "b": (2, 2, 0, 0),
            }
            assert found.splits == {"train": ["sub/a"], "test": ["b"]} and not found.notes


def test_subjects_may_be_words(tmp_path):
    text = "file,label,subject,camera,setup\na.npy,0,anna,1,1\nb.npy,0,7,None,left\nc.npy,0,,3,nan\n"
    directory = listed(tmp_path, text)
    found = folder.read(directory, SOURCE)
    assert [made.numbers(one)[1:] for one in found.entries.values()] == [
        ("anna", 1, "1"),
        ("7", 0, "left"),
        (0, 3, 0),
    ]
    assert found.notes == (
        f"{directory / 'labels.csv'}: subject 'anna' is no number: all of this column count as words",
        f"{directory / 'labels.csv'}: setup 'left' is no number: all of this column count as words",
    )


def test_what_is_concluded_of_files_is_said(tmp_path):
    counted = "0,1,2,3,4,5\n" + LINES
    files = {"a.csv": LINES, "b.csv": LINES.replace(",", ";"), "c.csv": LINES.replace(",", ";"), "d.csv": counted}
    directory = listed(tmp_path, HEADER + "".join(f"{name},0\n" for name in (*files, "e.csv")), files)
    assert folder.read(directory, SOURCE).notes == (
        f"{directory}: numbers are separated by semicolons in 2 of 5 .csv files",
        f"{directory}: the first line counts the columns and is skipped in 1 of 5 .csv files",
    )


BAD_LISTS = {
    "empty": ("", ":1: columns '', expected some of file,label,subject"),
    "no label": ("file,name\n", ":1: columns 'file,name', expected some of file,label"),
    "unknown column": ("file,label,actor\n", ":1: columns 'file,label,actor', expected some of"),
    "column twice": ("file,label,Label\n", ":1: columns 'file,label,Label', expected"),
    "no file": (HEADER + " ,0\n", ":2: no file, expected one in every line"),
    "empty label": (HEADER + "a.npy,\n", ":2: no label, expected one in every line"),
    "no lines": (HEADER, ": no recordings"),
    "cells": (HEADER + "a.npy,0\n\na.npy\n", ":4: 1 cells, expected 2: file,label"),
    "ending": (HEADER + "a.txt,0\n", ":2: file 'a.txt', expected a .npy, .csv or .json file in"),
    "no ending": (HEADER + "a,0\n", ":2: file 'a', expected a .npy, .csv or .json file in"),
    "elsewhere": (HEADER + "../a.npy,0\n", ":2: file '../a.npy', expected a .npy, .csv"),
    "in Windows": (HEADER + "C:\\a.npy,0\n", ":2: file 'C:\\\\a.npy', expected a .npy, .csv"),
    "above in Windows": (HEADER + "..\\a.npy,0\n", ":2: file '..\\\\a.npy', expected a .npy, .csv"),
    "absolute": (HEADER + "/etc/a.npy,0\n", ":2: file '/etc/a.npy', expected a .npy, .csv"),
    "twice": (HEADER + "a.npy,0\na.csv,0\n", ":3: the name a is taken by {path}:2"),
    "unknown class": (
        HEADER + "a.npy,jump\n",
        ":2: label 'jump', expected a number from 0 below 3, or one of wave, p",
    ),
    "large label": (HEADER + "a.npy,4\n", ":2: label '4', expected a number from 0 below 3"),
    "negative label": (HEADER + "a.npy,-1\n", ":2: label '-1', expected a number"),
    "no split": ("file,label,split\na.npy,0, \n", ":2: no split, expected one in every line"),
    "open quote": (HEADER + 'a.npy,"0\n', ":2: not comma-separated text"),
}


@pytest.mark.parametrize("case", BAD_LISTS)
def test_bad_lists(tmp_path, case):
    text, message = BAD_LISTS[case]
    directory = listed(tmp_path, text)
    with pytest.raises(UserError) as caught:
        folder.read(directory, SOURCE)
    path = directory / "labels.csv"
    assert str(caught.value).startswith(f"{path}{message.format(path=path)}")


def test_files_that_are_no_text(tmp_path):
    directory = listed(tmp_path, HEADER)
    with pytest.raises(UserError, match="labels.csv: no such file"):
        folder.read(tmp_path)
    for data in (b"file,label\n\xff\xfe,0\n", b"file,label\na\0.npy,0\n"):
        (directory / "labels.csv").write_bytes(data)
        with pytest.raises(UserError):
            folder.read(directory, SOURCE)


def test_lines_need_a_benchmark(tmp_path):
    with pytest.raises(UserError, match="lists .csv files; say by --benchmark which of their numbers are joints"):
        folder.read(listed(tmp_path, HEADER + "a.csv,0\n"))


def test_arrays_without_a_benchmark(tmp_path):
    found = folder.read(
        listed(tmp_path, HEADER + "a.npy,0\nb.npy,0\n", {"a.npy": FRAMES, "b.npy": np.ones((2, 1, 2, 4))})
    )
    assert found.read(found.entries["a"]).score_TxVxM is None
    assert found.read(found.entries["b"]).score_TxVxM.shape == (2, 2, 1)


EXPECTED = (
    ", expected frames x joints x channels, or frames x bodies x joints x channels, or all of a frame in one row: 2"
)
BAD_RECORDINGS: dict[str, tuple[str, Any, str]] = {
    "axes": ("a.npy", FRAMES[0], f": 2 x 3{EXPECTED} joints, 3 channels, at most 2 bodies"),
    "a number": ("a.npy", np.float32(1), f": a single number{EXPECTED}"),
    "joints": ("a.npy", np.ones((4, 5, 3)), f": 4 x 5 x 3{EXPECTED}"),
    "exchanged": ("a.npy", np.ones((4, 3, 2)), f": 4 x 3 x 2{EXPECTED}"),
    "bodies": ("a.npy", np.ones((4, 3, 2, 3)), f": 4 x 3 x 2 x 3{EXPECTED}"),
    "no bodies": ("a.npy", np.ones((4, 0, 2, 3)), f": 4 x 0 x 2 x 3{EXPECTED}"),
    "bodies in a row": ("a.npy", np.ones((4, 18)), f": 4 x 18{EXPECTED}"),
    "no frames": ("a.npy", FRAMES[:0], f": 0 x 2 x 3{EXPECTED}"),
    "objects": ("a.npy", np.array(["1"]), ": an array of type <U1, expected real numbers"),
    "few": ("a.csv", "1,2,3\n", ":1: 3 numbers, expected 6: 1 bodies x 2 joints x 3 channels"),
}


@pytest.mark.parametrize("case", BAD_RECORDINGS)
def test_bad_recordings(tmp_path, case):
    name, contents, message = BAD_RECORDINGS[case]
    with pytest.raises(UserError) as caught:
        read_one(tmp_path, name, contents)
    assert str(caught.value).startswith(f"{tmp_path / 'own' / name}{message}")


def test_no_recording(tmp_path):
    found = folder.read(listed(tmp_path, HEADER + "a.npy,0\nb.csv,0\n"), SOURCE)
    for one in found.entries.values():
        with pytest.raises(UserError, match="no such file, but labels.csv names it"):
            found.read(one)
