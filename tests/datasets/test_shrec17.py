"""SHREC'17's files: what is read, and what every bad one says."""

import numpy as np
import pytest

from dsta_jax.datasets import shrec17
from dsta_jax.datasets.recording import Entry
from dsta_jax.errors import UserError
from tests.raw_recordings import hand_frames, list_line, write_shrec, write_skeletons


def read_skeletons(path):
    return shrec17.read(Entry(path.stem, path, 0)).frames_TxVxMxC


def test_reads_what_was_written(tmp_path):
    path = tmp_path / "skeletons_world.txt"
    write_skeletons(path, hand_frames(1))
    np.testing.assert_array_equal(read_skeletons(path)[:, :, 0].astype(np.float32), hand_frames(1))


def test_empty_lines_at_the_end_are_no_frames(tmp_path):
    path = tmp_path / "skeletons_world.txt"
    path.write_text("\t".join(["1"] * 66) + "\r\n\n \n")
    assert read_skeletons(path).shape == (1, 22, 1, 3)


GOOD = " ".join(["0.5"] * 66)
BAD_SKELETONS = {
    "few columns": (f"{GOOD}\n{GOOD[4:]}\n", ":2: 65 columns, expected 66"),
    "many columns": (f"{GOOD} 1\n", ":1: 67 columns, expected 66"),
    "empty line": (f"{GOOD}\n\n{GOOD}\n", ":2: 0 columns, expected 66"),
    "word": (f"{GOOD}\n{GOOD[:-3]}x.5\n", ":2: could not convert string to float: 'x.5', expected 66 numbers"),
    "empty": ("", ": the file is empty"),
    "only empty lines": ("\n \n", ": the file is empty"),
}


@pytest.mark.parametrize("case", BAD_SKELETONS)
def test_bad_skeletons(tmp_path, case):
    text, message = BAD_SKELETONS[case]
    path = tmp_path / "skeletons_world.txt"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_skeletons(path)
    assert f"{path}{message}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_not_text(tmp_path):
    path = tmp_path / "skeletons_world.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not readable as text in UTF-8"):
        read_skeletons(path)


@pytest.mark.parametrize("read", [read_skeletons, shrec17.read_list])
def test_missing_file(tmp_path, read):
    with pytest.raises(UserError, match="nowhere.txt: no such file"):
        read(tmp_path / "nowhere.txt")


def test_reads_a_list(tmp_path):
    path = tmp_path / "train_gestures.txt"
    path.write_text(list_line((3, 2, 28, 5), 77) + "\n")
    ((place, one),) = shrec17.read_list(path)
    assert (place, one.name) == (f"{path}:1", "gesture_3/finger_2/subject_28/essai_5")
    assert (one.label, one.subject, one.listed_frames) == (5, 28, 77)
    assert one.path == tmp_path / one.name / "skeletons_world.txt"


BAD_LISTS = {
    "six columns": ("1 1 1 1 1 1\n", ":1: '1 1 1 1 1 1', expected 7 whole numbers: gesture finger subject"),
    "eight columns": ("1 1 1 1 1 1 9 9\n", ":1: '1 1 1 1 1 1 9 9', expected 7 whole numbers"),
    "word": ("1 1 1 1 1 1 9\n1 1 one 1 1 1 9\n", ":2: '1 1 one 1 1 1 9', expected 7 whole numbers"),
    "gesture": ("15 1 1 1 15 29 9\n", ":1: '15 1 1 1 15 29 9', expected gesture 1 to 14, finger 1 or 2"),
    "finger": ("1 3 1 1 1 3 9\n", ":1: '1 3 1 1 1 3 9', expected gesture 1 to 14, finger 1 or 2"),
    "from 0": ("1 1 0 1 1 1 9\n", "expected gesture 1 to 14, finger 1 or 2, subject and essai from 1"),
    "label14": ("2 1 1 1 1 1 9\n", ":1: label14 1, label28 1, 9 frames, expected label14 2, label28 3"),
    "label28": ("2 1 1 1 2 4 9\n", ":1: label14 2, label28 4, 9 frames, expected label14 2, label28 3"),
    "no frames": ("1 1 1 1 1 1 0\n", ":1: label14 1, label28 1, 0 frames, expected label14 1, label28 1 and frames"),
    "empty": ("", ": the file is empty"),
}


@pytest.mark.parametrize("case", BAD_LISTS)
def test_bad_lists(tmp_path, case):
    text, message = BAD_LISTS[case]
    path = tmp_path / "train_gestures.txt"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        shrec17.read_list(path)
    assert str(caught.value).startswith(f"{path}:") and message in str(caught.value)


def test_names_labels_and_subjects(tmp_path):
    write_shrec(tmp_path, [(1, 1, 2, 1), (14, 2, 28, 5)], [(7, 1, 3, 1)])
    found = shrec17.find(tmp_path)
    names = ["gesture_1/finger_1/subject_2/essai_1", "gesture_14/finger_2/subject_28/essai_5"]
    assert found.splits == {"train": names, "test": ["gesture_7/finger_1/subject_3/essai_1"]}
    assert [(one.label, one.subject) for one in found.entries.values()] == [(0, 2), (27, 28), (12, 3)]


@pytest.mark.parametrize("name", [shrec17.TRAIN_LIST, shrec17.TEST_LIST])
def test_a_recording_that_is_listed_twice(tmp_path, name):
    write_shrec(tmp_path, [(1, 1, 2, 1), (14, 2, 28, 5)], [(7, 1, 3, 1)])
    with (tmp_path / name).open("a") as file:
        file.write(list_line((1, 1, 2, 1), 9) + "\n")
    place = f"{name}:{len((tmp_path / name).read_text().splitlines())}"
    message = f"{place}: the name gesture_1/finger_1/subject_2/essai_1 is taken by .*{shrec17.TRAIN_LIST}:1"
    with pytest.raises(UserError, match=message):
        shrec17.find(tmp_path)


def test_official_lists(shared):
    found = shrec17.find(shared / "data" / "shrec17_lists")
    train, test = found.splits["train"], found.splits["test"]
    assert (len(train), len(test)) == (1960, 840)
    assert not set(train) & set(test)
    frames = sorted(one.listed_frames for one in found.entries.values())
    assert (frames[0], np.median(frames), frames[-1]) == (7, 57, 171)
    assert {found.entries[name].label for name in test} == set(range(28))
