"""One rule for all lines of a `.csv` file: what is a frame, what is a header, and what every bad line says."""

import os

import numpy as np
import pytest

from dsta_jax.errors import UserError
from dsta_jax.formats import csv_frames

SHAPE = (2, 2, 3)  # Two joints, at most two bodies, three channels.
FRAMES = np.array([[0.5, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12.5], [-1, 1e-3, 0, 1, 2, 4]], np.float32)
LINES = "0.5,2,3,4,5,6\n7,8,9,10,11,12.5\n-1,1e-3,0,1,2,4\n"
UNSEEN = np.full(6, np.nan, np.float32)


def read(tmp_path, text: str) -> np.ndarray:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    return csv_frames.read(path, SHAPE)


def notes(tmp_path) -> list[str]:
    text = csv_frames.read_text(tmp_path / "a.csv", csv_frames.HEAD)
    return list(csv_frames.style_of(text, SHAPE).notes)


def numbered(lines: str, start: int = 0, separator: str = ",") -> str:
    return "".join(f"{start + n}{separator}{line}\n" for n, line in enumerate(lines.splitlines()))


NAMES = "root.x,root.y,root.z,tip.x,tip.y,tip.z\n"
SAME = {
    "plain": (LINES, None),
    "no end of line": (LINES[:-1], None),
    "empty lines at the end": (LINES + "\n \n\n", None),
    "blanks around numbers": (LINES.replace(",", " , "), None),
    "a byte order mark": ("\ufeff" + LINES, None),
    "Windows": (LINES.replace("\n", "\r\n"), None),
    "Python in Windows": (LINES.replace("\n", "\r\r\n"), None),
    "an old Mac": (LINES.replace("\n", "\r"), None),
    "quoted": ('"' + LINES.replace(",", '","').replace("\n", '"\n"')[:-1], None),
    "names": (NAMES + LINES, None),
    "names in quotes, with commas": ('"x, 0","y, 0",z,a,b,c\n' + LINES, None),
    "names after an empty line": ("\n" + NAMES + LINES, None),
    "one name": ("recorded on Monday\n" + LINES, None),
    "a comment": ("# " + NAMES + LINES, None),
    "counted": ("0,1,2,3,4,5\n" + LINES, "the first line counts the columns and is skipped"),
    "counted from 1": ("1,2,3,4,5,6\n" + LINES, "the first line counts the columns and is skipped"),
    "counted from 3": ("3,4,5,6,7,8\n" + LINES, "the first line counts the columns and is skipped"),
    "counted with a point": ("0.0,1.0,2.0,3.0,4.0,5.0\n" + LINES, "the first line counts the columns and is skipped"),
    "counted again": ("0,1,2,0.1,1.1,2.1\n" + LINES, "the first line counts the columns and is skipped"),
    "counted again from 1": ("1,2,3,1.1,2.1,3.1\n" + LINES, "the first line counts the columns and is skipped"),
    "counted by joints": ("0,0.1,0.2,1,1.1,1.2\n" + LINES, "the first line counts the columns and is skipped"),
    "quoted after blanks": ('"' + LINES.replace(",", '", "').replace("\n", '"\n"')[:-1], None),
    "blanks": (LINES.replace(",", " "), "numbers are separated by blanks"),
    "aligned": ("  " + LINES.replace(",", "   ").replace("\n", "\n "), "numbers are separated by blanks"),
    "tabs": (LINES.replace(",", "\t"), "numbers are separated by tabs"),
    "semicolons": (LINES.replace(",", ";"), "numbers are separated by semicolons"),
    "Excel in German": (LINES.replace(",", ";").replace(".", ","), "numbers are separated by semicolons"),
    "names with semicolons": ((NAMES + LINES).replace(",", ";"), "numbers are separated by semicolons"),
    "frames counted": (numbered(LINES), "the first column counts the frames and is left out"),
    "frames counted from 1": (numbered(LINES, 1), "the first column counts the frames and is left out"),
    "frames counted from 57": (numbered(LINES, 57), "the first column counts the frames and is left out"),
    "frames named": ("frame," + NAMES + numbered(LINES), "the first column counts the frames and is left out"),
    "frames counted by pandas": ("," + NAMES + numbered(LINES), "the first column counts the frames and is left out"),
}


@pytest.mark.parametrize("case", SAME)
def test_the_same_frames(tmp_path, case):
    text, note = SAME[case]
    found = read(tmp_path, text)
    assert found.shape == (3, 1, 2, 3) and found.dtype == np.float32
    np.testing.assert_array_equal(found.reshape(3, 6), FRAMES)
    assert notes(tmp_path) == ([note] if note else [])


def test_columns_counted_by_their_joints(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("0,0,0,1,1,1,2,2,2\n" + "".join(f"{n},.5,2,3,1,4,5,6,7\n" for n in range(3)))
    assert csv_frames.read(path, (3, 1, 3)).shape == (3, 1, 3, 3)
    path.write_text("1,1,1,1,1,1,1,1,1\n" + "".join(f"{n},.5,2,3,1,4,5,6,7\n" for n in range(3)))
    assert csv_frames.read(path, (3, 1, 3)).shape == (4, 1, 3, 3), "numbers that are all the same are a frame"


@pytest.mark.parametrize("header", ["0,1,2,3,4,5", "0,1,2,0.1,1.1,2.1"])
def test_what_pandas_writes(tmp_path, header):
    found = read(tmp_path, f",{header}\n" + numbered(LINES))
    np.testing.assert_array_equal(found.reshape(3, 6), FRAMES)
    assert notes(tmp_path) == [
        "the first line counts the columns and is skipped",
        "the first column counts the frames and is left out",
    ]


def test_what_r_writes(tmp_path):
    rows = "".join(f'"{n}" {line}\n' for n, line in enumerate(LINES.replace(",", " ").splitlines(), start=1))
    np.testing.assert_array_equal(read(tmp_path, f'"a" "b" "c" "d" "e" "f"\n{rows}').reshape(3, 6), FRAMES)
    assert notes(tmp_path) == [
        "numbers are separated by blanks",
        "the first column counts the frames and is left out",
    ]


def test_two_bodies(tmp_path):
    found = read(tmp_path, "1,2,3,4,5,6,21,22,23,24,25,27\n7,8,9,10,11,12,27,28,29,30,31,32\n")
    assert found.shape == (2, 2, 2, 3) and found[0, 1, 0].tolist() == [21, 22, 23]


def test_numbers_that_count_in_every_line_are_frames(tmp_path):
    assert read(tmp_path, "0,1,2,3,4,5\n6,7,8,9,10,11\n").ravel().tolist() == list(range(12))
    assert not notes(tmp_path)


def test_columns_counted_again_and_again(tmp_path):
    path, frame = tmp_path / "a.csv", ",".join(map(str, range(36)))
    header = ",".join(f"{n}.{again}" if again else str(n) for again in range(12) for n in range(3))  # 0.10 is not 0.1.
    path.write_text(f"{header}\n{frame}\n{frame}\n")
    assert csv_frames.read(path, (12, 1, 3)).shape == (2, 1, 12, 3)


@pytest.mark.parametrize("first", ["0,1,2,0.1,1.1,2.2", "0,1,2,0.1,1.1,3.1", "0,2,4,0.1,2.1,4.1"])
def test_frames_that_nearly_count_again(tmp_path, first):
    assert len(read(tmp_path, f"{first}\n{LINES}")) == 4


def test_two_lines_that_count_again_are_frames(tmp_path):
    assert len(read(tmp_path, "0,1,2,0.1,1.1,2.1\n1,2,3,1.1,2.1,3.1\n")) == 2


MISSING = ["", " ", "None", "NA", "NaN", "nan", "null", "-", "N/A", "-nan"]


@pytest.mark.parametrize("line", range(3))
@pytest.mark.parametrize("cell", MISSING)
def test_cells_that_were_not_seen(tmp_path, line, cell):
    expected, lines = FRAMES.copy(), [row.split(",") for row in LINES.splitlines()]
    for column in (0, 4):
        lines[line][column], expected[line, column] = cell, np.nan
    found = read(tmp_path, "\n".join(map(",".join, lines)))
    np.testing.assert_array_equal(found.reshape(3, 6), expected)


@pytest.mark.parametrize("line", [*(",".join([cell] * 6) for cell in MISSING), "", " ", "None"])
def test_frames_in_which_nobody_was_seen(tmp_path, line):
    first, second, third = LINES.splitlines()
    for lines, expected in (
        ([line, first, second], [UNSEEN, *FRAMES[:2]]),
        ([first, line, line, second], [FRAMES[0], UNSEEN, UNSEEN, FRAMES[1]]),
        ([NAMES.strip(), line, first, second, line, third], [UNSEEN, *FRAMES[:2], UNSEEN, FRAMES[2]]),
    ):
        found = read(tmp_path, "\n".join(lines) + "\n")
        np.testing.assert_array_equal(found.reshape(len(expected), 6), np.array(expected))
        assert not notes(tmp_path)


def test_frames_that_are_counted_and_not_seen(tmp_path):
    found = read(tmp_path, "0,,,,,,\n" + numbered(LINES, 1) + "4,NA,NA,NA,NA,NA,NA\n\n6,1,1,1,1,1,1\n")
    expected = np.array([UNSEEN, *FRAMES, UNSEEN, UNSEEN, np.ones(6)])
    np.testing.assert_array_equal(found.reshape(7, 6), expected)


def test_nobody_in_the_first_frames(tmp_path):
    found = read(tmp_path, "None\nnan\nNone\n" + LINES)
    np.testing.assert_array_equal(found.reshape(6, 6), np.array([UNSEEN] * 3 + [*FRAMES]))


def test_nobody_in_any_frame(tmp_path):
    assert np.isnan(read(tmp_path, ",,,,,\n,,,,,\n")).all()
    assert read(tmp_path, "None\nNone\n").shape == (2, 1, 2, 3)


EXPECTED = "expected 6: 1 bodies x 2 joints x 3 channels"
BAD = {
    "empty": ("", ": no frames, expected a line of numbers for each"),
    "only names": (NAMES, ": no frames, expected a line of numbers for each"),
    "only empty lines": ("\n\n", ": no frames, expected a line of numbers for each"),
    "few": ("1,2,3\n", f":1: 3 numbers, {EXPECTED}"),
    "between": ("1,2,3,4,5,6,8\n", f":1: 7 numbers, {EXPECTED}; if the first is a time or a label, remove its column"),
    "many": (",".join("1" * 18) + "\n", ":1: 18 numbers, expected 12: 2 bodies x 2 joints x 3 channels"),
    "a separator too many": (LINES.replace("\n", ",\n"), f":1: 7 numbers, {EXPECTED}; is there a separator too many"),
    "fewer later": (LINES + "1,2\n", f":4: 2 numbers, {EXPECTED}"),
    "more later": (LINES + "\n1,2,3,4,5,6,7\n", f":5: 7 numbers, {EXPECTED}"),
    "a time": ("0.00,1,1,1,1,1,1\n0.04,1,1,1,1,1,1\n", f":1: 7 numbers, {EXPECTED}; if the first is a time or a"),
    "a label's number": ("3,1,1,1,1,1,1\n3,1,1,1,1,1,1\n", f":1: 7 numbers, {EXPECTED}; if the first is a time or a"),
    "a label": (
        "wave,1,1,1,1,1,1\nwave,1,1,1,1,1,1\n",
        ":1: cell 1 is 'wave', expected a number, or nothing, nan or None for one that was not seen; labels stand in",
    ),
    "frames that are missing": (
        numbered(LINES) + "9,1,1,1,1,1,1\n",
        ":4: frame 9 by the first column, expected 3",
    ),
    "a word": (
        LINES + "1,2,3,4,5,six\n",
        ":4: cell 6 is 'six', expected a number, or nothing, nan or None for one that",
    ),
    "a word in the first line": ("1,2,three,4,5,6\n" + LINES, ":1: cell 3 is 'three', expected a number, or nothing"),
    "names twice": ("x,y,z,x,y,z\n" + LINES, ":1: cell 1 is 'x', expected a number, or nothing, nan or None for one"),
    "two headers": ("a,b\nc,d\n" + LINES, ":2: cell 1 is 'c', expected a number"),
    "names later": (LINES + NAMES, ":4: cell 1 is 'root.x', expected a number"),
    "an underscore": (LINES + "1_0,2,3,4,5,6\n", ":4: cell 1 is '1_0', expected a number"),
    "decimal commas and blanks": (LINES.replace(",", " ").replace(".", ","), ":1: cell 2 is '5 2 3 4 5 6', expected"),
    "both decimals": (LINES.replace(",", ";") + "0,5;1;1;1;1;1\n", ": decimals with a comma and decimals with a point"),
    "another separator later": (LINES + LINES.replace(",", ";"), ":4: cell 1 is '0.5;2;3;4;5;6', expected a number"),
    "an open quote": (LINES + '"1,2,3,4,5,6\n', ":4: cell 1 is '1,2,3,4,5,6', expected a number"),
    "a list": (LINES + '"[1, 2]",3,4,5,6,7\n', ":4: cell 1 is '[1, 2]', expected a number"),
    "a long cell": (LINES + "1" * 12_000 + "x,2,3,4,5,6\n", ":4: cell 1 is '111"),
    "a very long cell": (
        LINES + "1" * 200_000 + ",2,3,4,5,6\n",
        ":4: 200010 characters, expected at most 13000: 2 b",
    ),
    "very many cells": (LINES + "1," * 200_000 + "\n", ":4: 400000 characters, expected at most 13000: 2 bodies x 2"),
    "very many lines": (
        LINES + "\n" * 1_000_000 + LINES,
        ": 1000006 lines, expected at most 1000000 frames; cut it into several recordings",
    ),
    "every second line": (
        LINES.replace("\n", "\n\n"),
        ":2: every second line is empty, which would be frames in which",
    ),
    "every second line behind a header": (
        NAMES + LINES.replace("\n", "\n\n"),
        ":3: every second line is empty, which would be frames in which",
    ),
    "two of three lines": (
        LINES.replace("\n", "\n\n\n"),
        ":2: every 2 of 3 lines are empty, which would be frames in which",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_lines(tmp_path, case):
    text, message = BAD[case]
    with pytest.raises(UserError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'a.csv'}{message}") and str(caught.value).isprintable()


def test_files_that_are_no_text(tmp_path):
    path = tmp_path / "a.csv"
    for data, message in (
        (LINES.encode("utf-16"), "not readable as text in UTF-8"),
        (b"1,\xe4", "not readable as text in UTF-8"),
    ):
        path.write_bytes(data)
        with pytest.raises(UserError, match=message):
            csv_frames.read(path, SHAPE)
    with pytest.raises(UserError, match="no such file"):
        csv_frames.read(tmp_path / "absent.csv", SHAPE)


def test_empty_lines_take_no_more_memory_than_anybody_has(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"{','.join('1' * 900)}\n" + "\n" * 900_000 + "1,2\n")
    expected = r"a.csv: 810001800 numbers \(900002 x 900\), expected at most 536870912; cut it into several recordings"
    with pytest.raises(UserError, match=expected):
        csv_frames.read(path, (300, 1, 3))


def test_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(UserError, match="a.csv: a pipe or a device, expected a regular file"):
        csv_frames.read(tmp_path / "a.csv", SHAPE)


def test_infinite_numbers_stay(tmp_path):
    found = read(tmp_path, LINES + "1,2,3,4,inf,1e300\n")
    assert np.isinf(found[3].ravel()).tolist() == [False] * 4 + [True] * 2
