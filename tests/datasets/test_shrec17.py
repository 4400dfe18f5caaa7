"""SHREC'17's files: what is read, and what every bad one says."""

import numpy as np
import pytest

from dsta_jax.datasets import shrec17
from dsta_jax.errors import UserError
from tests.raw_recordings import hand_frames, list_line, write_skeletons


def test_reads_what_was_written(tmp_path):
    path = tmp_path / "skeletons_world.txt"
    write_skeletons(path, hand_frames(1))
    frames_TxVxC = shrec17.read_skeletons(path)
    assert frames_TxVxC.dtype == np.float32
    np.testing.assert_array_equal(frames_TxVxC, hand_frames(1))


def test_empty_lines_at_the_end_are_no_frames(tmp_path):
    path = tmp_path / "skeletons_world.txt"
    path.write_text("\t".join(["1"] * 66) + "\r\n\n \n")
    assert shrec17.read_skeletons(path).shape == (1, 22, 3)


GOOD = " ".join(["0.5"] * 66)
BAD_SKELETONS = {
    "few columns": (f"{GOOD}\n{GOOD[4:]}\n", ":2: 65 columns, expected 66"),
    "many columns": (f"{GOOD} 1\n", ":1: 67 columns, expected 66"),
    "empty line": (f"{GOOD}\n\n{GOOD}\n", ":2: 0 columns, expected 66"),
    "word": (f"{GOOD}\n{GOOD[:-3]}x.5\n", ":2: could not convert string to float: 'x.5', expected 66 numbers"),
    "NaN": (f"{GOOD}\n{GOOD}\n{GOOD[:-3]}nan\n", ":3: NaN or infinity"),
    "infinity": (f"{GOOD[:-3]}inf\n", ":1: NaN or infinity"),
    "empty": ("", ": the file is empty"),
    "only empty lines": ("\n \n", ": the file is empty"),
}


@pytest.mark.parametrize("case", BAD_SKELETONS)
def test_bad_skeletons(tmp_path, case):
    text, message = BAD_SKELETONS[case]
    path = tmp_path / "skeletons_world.txt"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        shrec17.read_skeletons(path)
    assert f"{path}{message}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_not_text(tmp_path):
    path = tmp_path / "skeletons_world.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not a readable text file"):
        shrec17.read_skeletons(path)


@pytest.mark.parametrize("read", [shrec17.read_skeletons, shrec17.read_list])
def test_missing_file(tmp_path, read):
    with pytest.raises(UserError, match="nowhere.txt: no such file"):
        read(tmp_path / "nowhere.txt")


def test_reads_a_list(tmp_path):
    path = tmp_path / "train_gestures.txt"
    path.write_text(list_line((3, 2, 28, 5), 77) + "\n")
    assert shrec17.read_list(path) == [shrec17.Recording(3, 2, 28, 5, 3, 6, 77)]
    assert shrec17.read_list(path)[0].name == "gesture_3/finger_2/subject_28/essai_5"


BAD_LISTS = {
    "six columns": ("1 1 1 1 1 1\n", ":1: '1 1 1 1 1 1', expected 7 integers: gesture finger subject"),
    "eight columns": ("1 1 1 1 1 1 9 9\n", ":1: '1 1 1 1 1 1 9 9', expected 7 integers"),
    "word": ("1 1 1 1 1 1 9\n1 1 one 1 1 1 9\n", ":2: '1 1 one 1 1 1 9', expected 7 integers"),
    "gesture": ("15 1 1 1 15 29 9\n", ":1: gesture 15, finger 1; expected 1 to 14 and 1 to 2"),
    "finger": ("1 3 1 1 1 3 9\n", ":1: gesture 1, finger 3; expected 1 to 14 and 1 to 2"),
    "from 0": ("1 1 0 1 1 1 9\n", ":1: subject is 0, expected 1 or more"),
    "label14": ("2 1 1 1 1 1 9\n", ":1: label14 is 1, expected the gesture, 2"),
    "label28": ("2 1 1 1 2 4 9\n", ":1: label28 is 4, expected 2 (label14 - 1) + finger = 3"),
    "twice": (
        "1 1 1 1 1 1 9\n1 1 1 2 1 1 9\n1 1 1 1 1 1 8\n",
        ":3: gesture_1/finger_1/subject_1/essai_1 stands on line 1",
    ),
    "empty": ("", ": the file is empty"),
}


@pytest.mark.parametrize("case", BAD_LISTS)
def test_bad_lists(tmp_path, case):
    text, message = BAD_LISTS[case]
    path = tmp_path / "train_gestures.txt"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        shrec17.read_list(path)
    assert f"{path}{message}" in str(caught.value)


def test_official_lists(shared):
    train, test = (
        shrec17.read_list(shared / "data" / "shrec17_lists" / f"{split}_gestures.txt") for split in ("train", "test")
    )
    assert (len(train), len(test)) == (1960, 840)
    assert not {recording.name for recording in train} & {recording.name for recording in test}
    frames = sorted(recording.frames for recording in train + test)
    assert (frames[0], np.median(frames), frames[-1]) == (7, 57, 171)
    assert {recording.label28 for recording in test} == set(range(1, 29))
