"""DHG's list: what is read, and what is refused in one line."""

import pytest

from dsta_jax.datasets import dhg
from dsta_jax.errors import UserError


def read(tmp_path, text):
    path = tmp_path / dhg.LIST_FILE
    path.write_text(text)
    return dhg.read_list(path)


def test_read(tmp_path):
    first, second = read(tmp_path, "1 1 3 5 0 17\n14 2 20 1 8 8 \n\n")
    assert first == dhg.Recording(1, 1, 3, 5, 0, 17)
    assert second.name == "gesture_14/finger_2/subject_20/essai_1"
    assert (first.label28, second.label28) == (0, 27)


BAD = {
    "five": ("1 1 3 5 0\n", ":1: '1 1 3 5 0', expected 6 integers: gesture finger subject essai start end"),
    "word": ("1 1 3 5 0 9\n1 1 3 6 0 x\n", ":2: '1 1 3 6 0 x', expected 6 integers"),
    "gesture": ("15 1 3 5 0 9\n", ":1: gesture 15, finger 1; expected 1 to 14 and 1 to 2"),
    "finger": ("1 0 3 5 0 9\n", ":1: gesture 1, finger 0; expected"),
    "subject": ("1 1 0 5 0 9\n", "expected subject and essai from 1, 0 <= start <= end"),
    "order": ("1 1 3 5 9 8\n", "expected subject and essai from 1, 0 <= start <= end"),
    "before": ("1 1 3 5 -1 8\n", "expected subject and essai from 1, 0 <= start <= end"),
    "twice": ("1 1 3 5 0 9\n1 1 3 5 2 4\n", ":2: gesture_1/finger_1/subject_3/essai_5 stands on line 1 already"),
    "empty": ("\n", "the file is empty"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(tmp_path, case):
    text, message = BAD[case]
    with pytest.raises(UserError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / dhg.LIST_FILE)) and message in str(caught.value)


def test_no_list(tmp_path):
    with pytest.raises(UserError, match=f"{dhg.LIST_FILE}: no such file"):
        dhg.read_list(tmp_path / dhg.LIST_FILE)
