"""Files that a table [files] describes: every layout gives the same recording, and what bad ones say."""

import json
import os
import pathlib
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dsta_jax.datasets import own_files
from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.recording import Collection
from dsta_jax.errors import UserError
from dsta_jax.formats import folder
from tests.formats import made

# 11 frames of two joints, and of two bodies: 11 show whether 9 comes before 10.
FRAMES_TxVxC = np.arange(66, dtype=np.float32).reshape(11, 2, 3) / 8
TWO_TxMxVxC = np.stack([FRAMES_TxVxC, FRAMES_TxVxC + 100], axis=1)


def source(text: str, bodies: int = 1, channels: str = "xyz", joints: int = 2) -> Source:
    return made.source(joints, bodies, channels, files=own_files.of_text(text))


def write(path: pathlib.Path, contents: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, contents) if path.suffix == ".npy" else path.write_text(contents, encoding="utf-8")


def read(tmp_path, files: dict[str, Any], of: Source) -> Collection:
    for name, contents in files.items():
        write(tmp_path / "own" / name, contents)
    return folder.read(tmp_path / "own", of)


def frames(found: Collection, name: str) -> np.ndarray:
    return found.read(found.entries[name]).frames_with_score.transpose(0, 2, 1, 3)  # T x M x V x C


def lines(rows: Any, separator: str = ",") -> str:
    return "".join(separator.join(map(str, row)) + "\n" for row in rows)


FLAT = FRAMES_TxVxC.reshape(11, 6).tolist()
FLAT_TWO = TWO_TxMxVxC.reshape(11, 12).tolist()
LONG = [[t, v, *FRAMES_TxVxC[t, v].tolist()] for t in range(11) for v in range(2)]
SHUFFLED = [LONG[row] for row in np.random.default_rng(0).permutation(22)]
# Each is the file's name, its contents, what [files] says, and the bodies: one recording in many ways.
LAYOUTS: dict[str, tuple[str, Any, str, int]] = {
    "a frame a line": ("wave/a.csv", lines(FLAT), "", 1),
    "of two bodies": ("wave/a.csv", lines(FLAT_TWO), "", 2),
    "one of two bodies": ("wave/a.csv", lines(FLAT), "", 2),
    "blanks": ("wave/a.txt", lines(FLAT, "   "), "", 1),
    "semicolons, decimals with a comma": ("wave/a.txt", lines(FLAT, ";").replace(".", ","), "", 1),
    "a separator at the end": ("wave/a.csv", lines([[*row, ""] for row in FLAT]), "", 1),
    "a header": ("wave/a.csv", "a,b,c,d,e,f\n" + lines(FLAT), "", 1),
    "a header of numbers": ("wave/a.csv", "0,1,2,3,4,5\n" + lines(FLAT), "header = true", 1),
    "empty lines": ("wave/a.csv", lines(FLAT).replace("\n", "\n\n"), "", 1),
    "a frame first": (
        "wave/a.csv",
        lines([t, *FLAT[t]] for t in reversed(range(11))),
        'columns = ["frame", "numbers"]',
        1,
    ),
    "a frame and a time": (
        "wave/a.txt",
        lines(([t, 0.04 * t, *row] for t, row in enumerate(FLAT)), " "),
        'columns = ["frame", "skip", "numbers"]',
        1,
    ),
    "columns by the header": (
        "wave/a.csv",
        "x0,time,y0,z0,x1,y1,z1\n" + lines([row[0], 9, *row[1:]] for row in FLAT),
        'columns = {skip = ["time"]}',
        1,
    ),
    "a body a line": (
        "wave/a.csv",
        lines([t, f"id{m}", *TWO_TxMxVxC[t, m].ravel().tolist()] for t in range(11) for m in range(2)),
        'columns = ["frame", "body", "numbers"]',
        2,
    ),
    "a joint a line": (
        "wave/a.txt",
        lines(([*row, 1] for row in FRAMES_TxVxC.reshape(22, 3).tolist()), "\t"),
        'line = "joint", columns = ["x", "y", "z", "skip"]',
        1,
    ),
    "of two bodies a joint a line": ("wave/a.txt", lines(TWO_TxMxVxC.reshape(44, 3).tolist()), 'line = "joint"', 2),
    "joints in another order of axes": (
        "wave/a.txt",
        lines([row[3], row[2], row[4]] for row in LONG),
        'line = "joint", columns = ["y", "x", "z"]',
        1,
    ),
    "joints by number": (
        "wave/a.csv",
        lines(SHUFFLED),
        'line = "joint", columns = ["frame", "joint", "x", "y", "z"]',
        1,
    ),
    "joints by number from 1": (
        "wave/a.csv",
        lines([t, v + 1, *xyz] for t, v, *xyz in SHUFFLED),
        'line = "joint", columns = ["frame", "joint", "numbers"], first_joint = 1',
        1,
    ),
    "joints by name": (
        "wave/a.csv",
        lines([f"JOINT {v}", t, *xyz] for t, v, *xyz in SHUFFLED),
        'line = "joint", columns = ["joint", "frame", "numbers"]',
        1,
    ),
    "joints by name and columns by the header": (
        "wave/a.csv",
        "time,frame,what,visible,z,y,x\n" + lines([0, t, f"joint_{v}", 1, z, y, x] for t, v, x, y, z in SHUFFLED),
        'line = "joint", columns = {frame = "frame", joint = "what", x = "x", y = "y", z = "z"}',
        1,
    ),
    "joints and bodies": (
        "wave/a.csv",
        lines([t, m, v, *TWO_TxMxVxC[t, m, v].tolist()] for t in range(11) for m in range(2) for v in range(2)),
        'line = "joint", columns = ["frame", "body", "joint", "numbers"]',
        2,
    ),
    "lists in cells": (
        "wave/a.csv",
        lines(f'"{row[:3]}","{row[3:]}"'.split("~") for row in FLAT),
        "",
        1,
    ),
    "lists in cells between semicolons": (
        "wave/a.csv",
        lines([row[:3], row[3:]] for row in FLAT).replace("],[", "];["),
        "",
        1,
    ),
    "a list without quotation marks": (
        "wave/a.csv",
        lines([t, row] for t, row in enumerate(FLAT)),
        'columns = ["frame", "numbers"]',
        1,
    ),
    "nested lists": (
        "wave/a.txt",
        lines([f"{t};{frame}"] for t, frame in enumerate(FRAMES_TxVxC.tolist())),
        'columns = ["skip", "numbers"]',
        1,
    ),
    "all x first": (
        "wave/a.csv",
        lines(FRAMES_TxVxC.transpose(0, 2, 1).reshape(11, 6).tolist()),
        'order = "channel joint"',
        1,
    ),
    "bodies last": (
        "wave/a.csv",
        lines(TWO_TxMxVxC.transpose(0, 3, 2, 1).reshape(11, 12).tolist()),
        'order = "channel joint body"',
        2,
    ),
    "an array": ("wave/a.npy", FRAMES_TxVxC, "", 1),
    "an array of rows": ("wave/a.npy", FRAMES_TxVxC.reshape(11, 6), "", 1),
    "an array of two bodies": ("wave/a.npy", TWO_TxMxVxC, "", 2),
    "an array C x T x V x M": (
        "wave/a.npy",
        TWO_TxMxVxC.transpose(3, 0, 2, 1),
        'order = "channel frame joint body"',
        2,
    ),
    "an array with more in it": (
        "wave/a.npy",
        np.concatenate([np.full((11, 4), 7), FRAMES_TxVxC.reshape(11, 6), np.full((11, 9), 8)], axis=1),
        'take = ["4:10"]',
        1,
    ),
    "two hands from afar": (
        "wave/a.npy",
        np.concatenate([FLAT, np.full((11, 5), 7), FRAMES_TxVxC.reshape(11, 6) + 100], axis=1),
        'take = ["0:6", "11:17"]',
        2,
    ),
    "with a visibility that is not read": (
        "wave/a.npy",
        np.concatenate([FRAMES_TxVxC, np.ones((11, 2, 1))], axis=2),
        'take = ["0:8 xyz-"]',
        1,
    ),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_every_layout_is_the_same_recording(tmp_path, case):
    name, contents, text, bodies = LAYOUTS[case]
    found = read(tmp_path, {name: contents}, source(f'path = "{{label}}/*"{", " * bool(text)}{text}', bodies))
    expected = FRAMES_TxVxC[:, None] if bodies == 1 or "one of" in case else TWO_TxMxVxC
    np.testing.assert_array_equal(frames(found, "wave/a"), expected)
    assert made.numbers(found.entries["wave/a"]) == (0, 0, 0, 0) and found.parallel and not found.notes
    pickle.dumps(found.read)


FRAME_FILES: dict[str, tuple[Callable[[int], Any], str]] = {
    "{}.npy": (lambda t: FRAMES_TxVxC[t].ravel(), ""),
    "f{:05d}.npy": (lambda t: FRAMES_TxVxC[t], ""),
    "frame_{}_x.txt": (lambda t: lines(FRAMES_TxVxC[t].tolist()), 'line = "joint"'),
    "frame_{}_y.txt": (lambda t: lines(FRAMES_TxVxC[t].tolist()), ""),
    "frame_{}_z.txt": (
        lambda t: lines([v, *FRAMES_TxVxC[t, v].tolist()] for v in (1, 0)),
        'line = "joint", columns = ["joint", "numbers"]',
    ),
}


@pytest.mark.parametrize("name", FRAME_FILES)
def test_a_file_a_frame(tmp_path, name):
    contents_of, text = FRAME_FILES[name]
    files = {f"{label}/7/{name.format(t)}": contents_of(t) for label in ("wave", "3") for t in range(11)}
    pattern = name.replace("{}", "{frame}").replace("{:05d}", "{frame}")
    found = read(tmp_path, files, source(f'path = "{{label}}/*/{pattern}"{", " * bool(text)}{text}'))
    assert {one: entry.label for one, entry in found.entries.items()} == {"wave/7": 0, "3/7": 2}
    np.testing.assert_array_equal(frames(found, "3/7"), FRAMES_TxVxC[:, None])


def test_one_hand_of_mediapipes_holistic_rows(tmp_path):
    row = np.arange(1662.0)
    hands = source('path = "{label}/*/{frame}.npy", take = ["1536:1599", "1599:1662"]', 2, joints=21)
    found = read(tmp_path, {"wave/0/0.npy": row, "wave/0/1.npy": row}, hands)
    np.testing.assert_array_equal(frames(found, "wave/0")[1].ravel(), np.arange(1536, 1662))
    pose = source('path = "{label}/*/{frame}.npy", take = ["0:132 xyzc"]', channels="xyzc", joints=33)
    np.testing.assert_array_equal(frames(folder.read(tmp_path / "own", pose), "wave/0")[0].ravel(), np.arange(132))
    both = source('path = "{label}/*/{frame}.npy", take = ["0:132 xy--", "1599:1662 xy-"]', channels="xy", joints=54)
    joints_VxC = frames(folder.read(tmp_path / "own", both), "wave/0")[0, 0]
    assert joints_VxC[[0, 1, 32, 33, 53]].tolist() == [[0, 1], [4, 5], [128, 129], [1599, 1600], [1659, 1660]]


def test_a_recording_a_line(tmp_path):
    text = lines([["point, far", *row] for row in FLAT]).replace("point, far", '"point, far"')
    write(tmp_path / "keypoint.csv", text)
    of = source('line = "recording", columns = ["label", "numbers"]')
    found = folder.read(tmp_path / "keypoint.csv", of)
    assert list(found.entries) == [f"line_{number}" for number in range(1, 12)] and not found.parallel
    assert {entry.label for entry in found.entries.values()} == {1}
    np.testing.assert_array_equal(frames(found, "line_10"), FRAMES_TxVxC[None, 9:10])


def test_numbers_of_classes_from_1_and_several_frames_a_line(tmp_path):
    of = source('line = "recording", columns = ["skip", "label", "numbers"], first_label = 1')
    found = read(tmp_path, {"a.csv": lines([[9, 2, *sum(FLAT[:2], [])], [9, 1, *sum(FLAT[2:4], [])]])}, of)
    assert [entry.label for entry in found.entries.values()] == [1, 0]
    np.testing.assert_array_equal(frames(found, "line_2"), FRAMES_TxVxC[2:4, None])


def test_one_of_some_tests(tmp_path):
    rows = [[number // 5 % 2, *FLAT[0]] for number in range(15)]
    of = source('line = "recording", columns = ["label", "numbers"], test_every = 4')
    found = read(tmp_path, {"a.csv": lines(rows)}, of)
    assert found.splits["test"] == ["line_4", "line_9", "line_13"] and len(found.splits["train"]) == 12
    (note,) = found.notes
    assert "own: one of 4 recordings of each class tests, whoever it is of; where the same people" in note


def test_recordings_told_apart_by_a_name(tmp_path):
    rows = [
        [name, label, who, "test", t, *FLAT[t]] for t in range(11) for name, label, who in (("a", 0, 3), ("b", 2, 4))
    ]
    columns = 'columns = ["name", "label", "subject", "split", "frame", "numbers"]'
    found = read(tmp_path, {"all.csv": lines(rows)}, source(columns))
    assert {name: made.numbers(entry) for name, entry in found.entries.items()} == {
        "a": (0, 3, 0, 0),
        "b": (2, 4, 0, 0),
    }
    assert found.splits == {"test": ["a", "b"]}
    np.testing.assert_array_equal(frames(found, "b"), FRAMES_TxVxC[:, None])
    two = read(tmp_path, {"all.csv": lines(rows), "more.csv": lines(rows)}, source(columns))
    assert list(two.entries) == ["all/a", "all/b", "more/a", "more/b"]


def test_what_paths_say(tmp_path):
    of = source('path = "**/a{label}_s{subject}_e*.txt", first_label = 1')
    files = {"x/y/a01_s02_e03.txt": lines(FLAT), "x/a03_s07_e01.txt": lines(FLAT), "x/readme.txt": "no numbers"}
    found = read(tmp_path, files, of)
    assert {name: made.numbers(entry) for name, entry in found.entries.items()} == {
        "x/a03_s07_e01": (2, 7, 0, 0),
        "x/y/a01_s02_e03": (0, 2, 0, 0),
    }


def test_with_a_list(tmp_path):
    of = source('path = "*/{frame}.npy"')
    files = {f"{name}/{t}.npy": FRAMES_TxVxC[t] for t in range(11) for name in ("a", "b")}
    found = read(tmp_path, {"labels.csv": "file,label,subject\na,wave,anna\nb,3,ben\n", **files}, of)
    assert made.numbers(found.entries["b"]) == (2, "ben", 0, 0) and not found.notes
    np.testing.assert_array_equal(frames(found, "b"), FRAMES_TxVxC[:, None])


def test_with_a_list_of_texts(tmp_path):
    of = source('line = "joint", columns = ["x", "y", "z", "skip"]')
    text = lines([*row, 1] for row in FRAMES_TxVxC.reshape(22, 3).tolist())
    found = read(tmp_path, {"labels.csv": "file,label\na.b.txt,2\n", "a.b.txt": text}, of)
    assert found.entries["a.b"].label == 2
    np.testing.assert_array_equal(frames(found, "a.b"), FRAMES_TxVxC[:, None])


def test_what_no_line_names_was_not_seen(tmp_path):
    text = lines(row for row in SHUFFLED if row[:2] not in ([4, 1], [5, 0], [5, 1]))
    of = source('path = "{label}/*", line = "joint", columns = ["frame", "joint", "numbers"]')
    found = frames(read(tmp_path, {"wave/a.csv": text}, of), "wave/a")[:, 0]
    assert len(found) == 10 and np.isnan(found[4, 1]).all() and np.isnan(found).sum() == 3
    np.testing.assert_array_equal(found[5:], FRAMES_TxVxC[6:])


def test_json_a_frame(tmp_path):
    def frame(t):
        return json.dumps({"people": [{"pose_keypoints_2d": FRAMES_TxVxC[t].ravel().tolist()}]})

    files = {f"wave/v/v_{t:012d}_keypoints.json": frame(t) for t in range(11)}
    of = source('path = "{label}/*/*_{frame}_keypoints.json"', channels="xyc")
    np.testing.assert_array_equal(frames(read(tmp_path, files, of), "wave/v"), FRAMES_TxVxC[:, None])


TABLE = 'path = "{label}/*"'
LABELLED = 'columns = ["label", "numbers"]'
NAMED = 'line = "recording", columns = ["label", "numbers"]'
LONG_FILES = 'path = "{label}/*", line = "joint", columns = ["frame", "joint", "x", "y", "z"]'
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "nothing there": ({"readme.txt": ""}, 'path = "{label}/*.npy"', "/own: no files {label}/*.npy there; correct path"),
    "an unknown class": (
        {"jump/a.csv": lines(FLAT)},
        TABLE,
        "/own/jump/a.csv: label 'jump', expected a number from 0 below",
    ),
    "a class below the first": (
        {"0/a.csv": ""},
        f"{TABLE}, first_label = 1",
        "label '0', expected a number from 1 below 4",
    ),
    "no lines": ({"wave/a.csv": "\n\n"}, TABLE, "/a.csv: no lines, expected numbers in columns"),
    "only a header": ({"wave/a.csv": "a,b,c,d,e,f\n"}, TABLE, "/a.csv: nothing but a header, expected numbers below"),
    "a word": (
        {"wave/a.csv": lines(FLAT) + "\n1,2,x,4,5,6\n"},
        TABLE,
        "/a.csv:13: cell 3 is 'x', expected a number, or nothing or nan for one that was not seen; correct it",
    ),
    "a word in a list": (
        {"wave/a.csv": '"[1, 2, x, 4, 5, 6]"\n'},
        TABLE,
        "/a.csv:1: cell 1 is '[1, 2, x, 4, 5, 6]', exp",
    ),
    "a cell too few": (
        {"wave/a.csv": "1,2,3,4,5,6\n1,2,3\n"},
        TABLE,
        "/a.csv:2: 3 cells, expected 6 as in the first line;",
    ),
    "another separator": (
        {"wave/a.csv": lines(FLAT)},
        f'{TABLE}, columns = ["frame", "joint", "numbers"], line = "joint", separator = ";"',
        "/a.csv:1: 1 cells, expected 3 or more: frame, joint, numbers; correct columns or separator",
    ),
    "a list too short": ({"wave/a.csv": '"[1,2,3,4,5,6]"\n"[1]"\n'}, TABLE, "/a.csv:2: 1 numbers, expected 6 as in"),
    "a column too many": (
        {"wave/a.csv": lines([1, *row] for row in FLAT)},
        TABLE,
        "/a.csv:1: 7 numbers, expected 6: 1 bodies x 2 joints x 3 channels; leave columns out by columns or take",
    ),
    "columns too few": (
        {"wave/a.csv": "1\n"},
        f'{TABLE}, columns = ["frame", "numbers"]',
        "/a.csv:1: 1 cells, expected 2 o",
    ),
    "no such column": (
        {"wave/a.csv": "a,b\n1,2\n"},
        f'{TABLE}, columns = {{skip = "c"}}',
        "/a.csv:1: no column 'c', expected",
    ),
    "no z": (
        {"wave/a.csv": "1,2\n"},
        f'{TABLE}, line = "joint", columns = ["x", "y"]',
        "/a.csv:1: no column z, expected",
    ),
    "take beyond": (
        {"wave/a.npy": FRAMES_TxVxC},
        f'{TABLE}, take = ["1:7"]',
        "/a.npy: 6 numbers, but take in [files] needs 7",
    ),
    "columns of an array": (
        {"wave/a.npy": FRAMES_TxVxC},
        f'{TABLE}, columns = ["skip", "numbers"]',
        "/a.npy: an array, which",
    ),
    "an empty array": ({"wave/a.npy": np.zeros((0, 6))}, TABLE, "/a.npy: 0 x 6 numbers, expected some"),
    "half a joint": (
        {"wave/a.csv": "1,2\n"},
        f'{TABLE}, line = "joint"',
        "/a.csv:1: 2 numbers, expected 3 (xyz) of one joint; say in columns of [files] what is to skip",
    ),
    "half a frame": (
        {"wave/a.csv": "1,2,3\n"},
        f'{TABLE}, line = "joint"',
        "/a.csv:1: 1 joints in this frame, expected 2",
    ),
    "too many joints": (
        {"wave/a.csv": "0,1,2,3\n" * 4},
        f'{TABLE}, line = "joint", columns = ["frame", "numbers"]',
        "/a.csv:1: 4 joints in this frame, expected 2 (made)",
    ),
    "no frame": (
        {"wave/a.csv": "x,0,1,2,3\n"},
        LONG_FILES,
        "/a.csv:1: frame 'x', expected a number, by which lines are",
    ),
    "an unknown joint": (
        {"wave/a.csv": "0,0,1,2,3\n0,2,1,2,3\n"},
        LONG_FILES,
        "/a.csv:2: joint '2', expected a number from 0 to 1, or one of joint_0, joint_1; say first_joint = 1 in [fi",
    ),
    "a joint twice": (
        {"wave/a.csv": "0,0,1,2,3\n\n0,0,1,2,3\n"},
        LONG_FILES,
        "/a.csv:3: frame 0, joint 0 a second time, as in line 1; if the file holds several recordings or bodies",
    ),
    "a frame twice": (
        {"wave/a.csv": "5,1,2,3,4,5,6\n" * 2},
        f'{TABLE}, columns = ["frame", "numbers"]',
        ":2: frame 5 a sec",
    ),
    "a body too many": (
        {"wave/a.csv": "5,a,1,2,3,4,5,6\n5,b,1,2,3,4,5,6\n"},
        f'{TABLE}, columns = ["frame", "body", "numbers"]',
        "/a.csv:2: body 'b' is number 2, expected at most 1; raise bodies, or take lines out",
    ),
    "a frame in two files": (
        {"wave/a/1.npy": FRAMES_TxVxC[0], "wave/a/01.npy": FRAMES_TxVxC[0]},
        'path = "{label}/*/{frame}.npy"',
        "/wave/a/1.npy: frame 1 a second time, expected one file for each",
    ),
    "two frames in a file": (
        {"wave/a/1.npy": FRAMES_TxVxC},
        'path = "{label}/*/{frame}.npy"',
        "/wave/a/1.npy: 66 numbers, expected 6: 1 bodies x 2 joints x 3 channels",
    ),
    "two labels": (
        {"a.csv": lines([number, *row] for number, row in enumerate(FLAT[:2]))},
        LABELLED,
        "/own/a.csv:2: label '1' after '0' before; if each line is a recording, say line = \"recording\"",
    ),
    "a label that is no class": (
        {"a.csv": lines([[7, *FLAT[0]]])},
        NAMED,
        "/a.csv:1: label '7', expected a number from 0 bel",
    ),
    "an empty label": ({"a.csv": lines([["", *FLAT[0]]])}, NAMED, "/a.csv:1: label '', expected a number from 0 below"),
    "half a recording": (
        {"a.csv": "0,1,2,3,4\n"},
        NAMED,
        "/a.csv:1: 4 numbers, expected 6 or a multiple of it: 1 bodies",
    ),
    "names without labels": (
        {"a.csv": ""},
        'columns = ["name", "numbers"]',
        "/own: files of several recordings without lab",
    ),
    "no list": ({"a.csv": ""}, "header = true", "/own/labels.csv: no such file"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(tmp_path, case):
    files, text, message = BAD[case]
    with pytest.raises(UserError) as caught:
        found = read(tmp_path, files, source(text))
        for one in found.entries.values():
            found.read(one)
    assert message in str(caught.value) and str(caught.value).startswith(str(tmp_path / "own"))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_no_such_place(tmp_path):
    with pytest.raises(UserError, match="absent: no such file or directory"):
        folder.read(tmp_path / "absent", source(TABLE))


def test_a_pipe(tmp_path):
    (tmp_path / "own" / "wave").mkdir(parents=True)
    os.mkfifo(tmp_path / "own" / "wave" / "a.csv")
    found = folder.read(tmp_path / "own", source(TABLE))
    with pytest.raises(UserError, match="a.csv: a pipe or a device, expected a regular file"):
        found.read(found.entries["wave/a"])


DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "own_recordings.md"
EXAMPLES = re.findall(r"^\| .*? \| ((?:and )?`[a-z_]+ = .*`) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_documents_examples_make_sense(example):
    text = ", ".join(re.findall(r"`(.*?)`", example))
    files = own_files.of_text(text)
    files.taken("xyz")
    assert files != own_files.Files(), "it says something that is not so anyway"


def test_the_document_has_examples():
    assert len(EXAMPLES) >= 10
