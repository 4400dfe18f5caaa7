"""Two lists of joints side by side."""

from dsta_jax.datasets.joint_lists import OtherJoints, side_by_side
from dsta_jax.datasets.layouts import LAYOUTS


def test_lists_stand_side_by_side():
    lines = side_by_side(LAYOUTS["hand_22"], 21).splitlines()
    assert lines[0].split("  ") == ["expected: 22 joints (hand_22)", "found: 21 joints, as mediapipe_hand_21"]
    assert lines[1].split() == ["0", "wrist", "0", "wrist"] and lines[-1].split() == ["21", "little_tip"]
    assert len(lines) == 23 and len({line.find(" 0 wrist", 5) for line in lines[1:2]}) == 1


def test_joints_of_no_layout_are_numbers():
    lines = side_by_side(LAYOUTS["mediapipe_hand_21"], 24).splitlines()
    assert "found: 24 joints, of no layout that is built in" in lines[0]
    assert lines[24].split() == ["23", "?"]


def test_the_error_carries_its_table():
    error = OtherJoints("a.npy: other joints", LAYOUTS["hand_22"], 21)
    assert str(error) == "a.npy: other joints" and error.table == side_by_side(LAYOUTS["hand_22"], 21)
