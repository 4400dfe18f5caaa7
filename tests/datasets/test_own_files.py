"""The table [files]: what it says, and what is refused of it."""

import numpy as np
import pytest

from dsta_jax.datasets import own, own_files
from dsta_jax.errors import UserError

TOML = """
name = "mine"
classes = ["wave", "point"]
layout = "mediapipe_hand_21"
channels = "xy"
[files]
"""


def test_of_a_benchmarks_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(f'{TOML}line = "recording"\ncolumns = ["label", "numbers"]\nseparator = "tab"\nheader = false\n')
    files = own.find(str(path)).source.files
    assert files == own_files.Files(
        line="recording", columns=("label", "numbers"), separator="\t", header=False, path="**"
    )
    path.write_text(TOML.replace("[files]", ""))
    assert own.find(str(path)).source.files is None


def test_axes_that_are_not_named_come_first():
    assert own_files.of_text('order = "channel joint"').order == ("frame", "body", "channel", "joint")
    assert own_files.of_text("").order == ("frame", "body", "joint", "channel")


def test_paths():
    pattern = own_files.pattern_of("**/{label}_{subject}/v*/img.{frame}.txt")
    match = pattern.fullmatch("a/b/wave_7/v3x/img.0012.txt")
    assert match.groupdict() == {"label": "wave", "subject": "7", "frame": "0012"}
    for other in ("wave_7/v3/img.1.txt", "a/wave_7/v3/imgx1.txt", "a/wave_7/v3/b/img.1.txt", "a/wave_7/v3/img..txt"):
        assert pattern.fullmatch(other) is None


def test_what_is_taken():
    assert own_files.of_text("").taken("xyz") is None
    taken = own_files.of_text('take = ["4:12 yx-c", "20:23"]').taken("xyc")
    np.testing.assert_array_equal(taken, [5, 4, 7, 9, 8, 11, 20, 21, 22])


BAD = {
    "an unknown key": ('lines = "frame"', "unknown key 'lines', expected some of columns, first_joint, first_label, h"),
    "an unknown line": ('line = "row"', "line is 'row', expected one of frame, joint, recording"),
    "a line that is no text": ("line = true", "line is 'True', expected one of frame, joint, recording"),
    "an unknown column": ('columns = ["labl", "numbers"]', "columns name 'labl', expected some of numbers, x, y, z"),
    "no list": ('columns = "label"', "columns is 'label', expected a list of texts"),
    "an empty list": ("columns = []", "columns is '[]', expected a list of texts"),
    "names that are none": ("columns = {skip = [3]}", "columns is \"{'skip': [3]}\", expected a list of te"),
    "a column twice": ('columns = ["label", "label", "numbers"]', "columns name label twice, expected it once"),
    "no numbers": ('columns = ["label"]', "columns name no numbers or mix them with x, y, z; expected either"),
    "numbers and x": ('line = "joint", columns = ["x", "numbers"]', "columns name no numbers or mix them"),
    "x of a frame": ('columns = ["x", "y"]', 'columns x, y, z, c are those of one joint; say line = "joint", or numb'),
    "joints in a frame": ('columns = ["joint", "frame", "numbers"]', "a column joint is for one joint a line"),
    "joints without frames": ('line = "joint", columns = ["joint", "numbers"]', "a column joint needs one that says "),
    "bodies without frames": ('columns = ["body", "numbers"]', "a column body needs one that says the frame, and"),
    "frames of a recording": ('line = "recording", columns = ["frame", "numbers"]', "a column body needs one that"),
    "no path": ('path = ""', "path is '', expected such as {label}/*/{frame}.npy"),
    "an unknown field": ('path = "{class}/*"', "path has {class}, expected some of label, split, subject, came"),
    "a field twice": ('path = "{label}/{label}"', "path has {label}, expected some of label, split, subject, ca"),
    "a frame in a directory": ('path = "{frame}/a.npy"', "path has {frame} among others; expected it alone in the fi"),
    "a frame and a label": ('path = "{label}_{frame}.npy"', "path has {frame} among others; expected it alone in the"),
    "a frame of many": ('path = "{frame}.csv", columns = ["label", "numbers"]', "path has {frame} among others; exp"),
    "an unknown axis": ('order = "joints"', "order is 'joints', expected different ones of frame body joint channel"),
    "an axis twice": ('order = "joint joint"', "order is 'joint joint', expected different ones of frame body joint"),
    "an unknown separator": ('separator = "|"', "separator is '|', expected one of ,, ;, tab, blank"),
    "a header that is none": ("header = 1", "header is '1', expected one of true, false"),
    "one of one": ("test_every = 1", "test_every is '1', expected a whole number from 2 to 1000"),
    "no labels": ("test_every = 5", "test_every is for labels in paths or columns that name no split; remove one of"),
    "a first class": ("first_label = 2", "first_label is '2', expected 0 or 1"),
    "a first joint": ("first_joint = true", "first_joint is 'True', expected 0 or 1"),
    "no numbers to take": ('take = ["first"]', "take has 'first', expected \"FROM:TO\", or \"FROM:TO CHANNELS\" w"),
    "take backward": ('take = ["9:3"]', "take has '9:3', expected"),
    "half a joint": ('take = ["0:7 xy-"]', "take has '0:7 xy-', expected"),
    "another channel": ('take = ["0:6 xz-"]', "take has '0:6 xz-', expected"),
    "no TOML": ("line = frame", "not readable as KEY = VALUE, KEY = VALUE (Invalid value"),
    "deep": ("line = " + "[" * 10_000, "not readable as KEY = VALUE"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(tmp_path, case):
    text, message = BAD[case]
    with pytest.raises(UserError) as caught:
        own_files.of_text(text).taken("xy")
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_the_place_is_said(tmp_path):
    path = tmp_path / "mine.toml"
    for text, message in (
        ('line = "row"', r"mine.toml: \[files\] line is 'row'"),
        ('take = ["3"]', r"\[files\] take has"),
    ):
        path.write_text(TOML + text)
        with pytest.raises(UserError, match=message):
            own.find(str(path))
