"""DHG's list and recordings: what is read, and what is refused in one line."""

import numpy as np
import pytest

from dsta_jax.datasets import dhg
from dsta_jax.datasets.benchmarks import BENCHMARKS
from dsta_jax.errors import UserError
from tests import raw_recordings


def find(tmp_path, text):
    (tmp_path / dhg.LIST_FILE).write_text(text)
    return list(dhg.find(tmp_path).entries.values())


def test_the_list(tmp_path):
    first, second = find(tmp_path, "1 1 3 5 0 17\n14 2 20 1 8 8 \n\n")
    assert (first.label, first.subject, first.crop) == (0, 3, (0, 17))
    assert (second.label, second.subject, second.crop) == (27, 20, (8, 8))
    assert second.name == "gesture_14/finger_2/subject_20/essai_1"


def test_labels_and_classes_belong_together(tmp_path):
    raw_recordings.write_dhg(tmp_path, raw_recordings.keys_of(28))
    fine, coarse = BENCHMARKS["dhg28"], BENCHMARKS["dhg14"]
    for one in dhg.find(tmp_path).entries.values():
        gesture, finger = (int(part.rpartition("_")[2]) for part in one.name.split("/")[:2])
        name = coarse.class_names[coarse.class_of_label[one.label]]
        assert coarse.class_names.index(name) == gesture - 1
        finer = fine.class_names[fine.class_of_label[one.label]]
        assert finer == f"{name}, {('one finger', 'whole hand')[finger - 1]}"
    assert len(set(fine.class_names)) == 28


def test_a_recording_is_cut_to_the_gesture(tmp_path):
    gestures = raw_recordings.write_dhg(tmp_path, raw_recordings.keys_of(2))
    found = dhg.find(tmp_path)
    for name, frames_TxVxC in gestures.items():
        frames_TxVxMxC = found.read(found.entries[name]).frames_TxVxMxC
        np.testing.assert_array_equal(frames_TxVxMxC[:, :, 0].astype(np.float32), frames_TxVxC)


def test_a_gesture_that_ends_after_its_recording(tmp_path):
    raw_recordings.write_dhg(tmp_path, raw_recordings.keys_of(1))
    path = tmp_path / dhg.LIST_FILE
    path.write_text(path.read_text().replace("1 1 1 1 2 6", "1 1 1 1 2 8"))
    found = dhg.find(tmp_path)
    with pytest.raises(
        UserError, match=f"8 frames, but the gesture ends in frame 8, counted from 0 .by {dhg.LIST_FILE}"
    ):
        found.read(next(iter(found.entries.values())))


BAD = {
    "five": ("1 1 3 5 0\n", ":1: '1 1 3 5 0', expected 6 whole numbers: gesture finger subject essai start end"),
    "word": ("1 1 3 5 0 9\n1 1 3 6 0 x\n", ":2: '1 1 3 6 0 x', expected 6 whole numbers"),
    "gesture": ("15 1 3 5 0 9\n", ":1: '15 1 3 5 0 9', expected gesture 1 to 14, finger 1 or 2"),
    "finger": ("1 0 3 5 0 9\n", ":1: '1 0 3 5 0 9', expected gesture 1 to 14, finger 1 or 2"),
    "subject": ("1 1 0 5 0 9\n", "expected gesture 1 to 14, finger 1 or 2, subject and essai from 1"),
    "order": ("1 1 3 5 9 8\n", ":1: frames 9 to 8, expected 0 <= start <= end"),
    "before": ("1 1 3 5 -1 8\n", ":1: frames -1 to 8, expected 0 <= start <= end"),
    "twice": ("1 1 3 5 0 9\n1 1 3 5 2 4\n", ":2: the name gesture_1/finger_1/subject_3/essai_5 is taken by"),
    "empty": ("\n", "the file is empty"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(tmp_path, case):
    text, message = BAD[case]
    with pytest.raises(UserError) as caught:
        find(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / dhg.LIST_FILE)) and message in str(caught.value)


def test_no_list(tmp_path):
    with pytest.raises(UserError, match=f"{dhg.LIST_FILE}: no such file"):
        dhg.find(tmp_path)
