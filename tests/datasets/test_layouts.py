"""Layouts: trees of named joints."""

import pytest

from dsta_jax.datasets.layouts import HAND_22, LAYOUTS, NTU_25, Layout, Reference
from dsta_jax.errors import UserError


def bones(layout: Layout) -> set[tuple[int, int]]:
    return {(joint, parent) for joint, parent in enumerate(layout.parents) if joint != parent}


ROOTS = {
    "hand_22": 0,
    "mediapipe_hand_21": 0,
    "ntu_25": 20,
    "kinect_20": 0,
    "utd_mhad_20": 3,
    "coco_17": 0,
    "openpose_18": 1,
    "openpose_25": 1,
    "mediapipe_pose_33": 0,
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_joints_and_root(name):
    layout = LAYOUTS[name]
    assert len(layout.joints) == int(name.rpartition("_")[2])
    assert (layout.name, layout.root) == (name, ROOTS[name])
    assert len(bones(layout)) == len(layout.joints) - 1


def test_hand_bones():
    fingers = {(base + step, base + step - 1) for base in range(2, 22, 4) for step in range(1, 4)}
    assert bones(HAND_22) == {(1, 0)} | {(base, 1) for base in range(2, 22, 4)} | fingers


def test_ntu_bones():
    trunk = {(1, 20), (0, 1), (2, 20), (3, 2), (4, 20), (8, 20), (12, 0), (16, 0)}
    limbs = {(first + step, first + step - 1) for first in (4, 8, 12, 16) for step in range(1, 4)}
    assert bones(NTU_25) == trunk | limbs | {(22, 7), (21, 22), (24, 11), (23, 24)}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_left_and_right_mirror_each_other(layout):
    mirrored = {joint: joint.replace("left", "right") for joint in layout.joints if "left" in joint}
    parent_of = {joint: layout.joints[parent] for joint, parent in zip(layout.joints, layout.parents, strict=True)}
    assert len(mirrored) == sum("right" in joint for joint in layout.joints)
    for left, right in mirrored.items():
        assert parent_of[right] == parent_of[left].replace("left", "right")


BAD_LAYOUTS = {
    "two roots": (("a", "b"), (0, 1), "joints [0, 1] are their own parent, expected exactly one root"),
    "no root": (("a", "b"), (1, 0), "joints [] are their own parent"),
    "circle": (("a", "b", "c"), (0, 2, 1), "joint 1 (b) does not lead to the root"),
    "same name": (("a", "a"), (0, 0), "2 joints need distinct names"),
    "parent missing": (("a", "b"), (0,), "2 joints need distinct names and one parent each"),
    "parent beyond the last": (("a", "b"), (0, 2), "the parent of b is 2, expected a joint's number, 0 to 1"),
    "parent before the first": (("a", "b"), (0, -2), "the parent of b is -2, expected a joint's number, 0 to 1"),
    "parent by name": (("a", "b"), (0, "a"), "the parent of b is 'a', expected a joint's number, 0 to 1"),
    "joint by number": (("a", 2), (0, 0), "joints ('a', 2), expected names, printable text each"),
    "joint without name": (("a", ""), (0, 0), "joints ('a', ''), expected names"),
    "two lines": (("a", "b\n"), (0, 0), "joints ('a', 'b\\n'), expected names"),
    "no joints": ((), (), "joints [] are their own parent, expected exactly one root"),
}


@pytest.mark.parametrize("case", BAD_LAYOUTS)
def test_bad_layouts(case):
    joints, parents, message = BAD_LAYOUTS[case]
    with pytest.raises(UserError) as caught:
        Layout("test", joints, parents)
    assert message in str(caught.value) and str(caught.value).isprintable()


def test_a_reference_to_an_unknown_joint():
    with pytest.raises(UserError, match="its reference names the joint 'hip', which it has not"):
        Layout("test", ("a", "b"), (0, 0), Reference(scale=(("a",), ("a", "hip"))))


def test_lists_are_as_good_as_tuples():
    found = Layout("test", ["a", "b"], [0, 0])
    assert found == Layout("test", ("a", "b"), (0, 0)) and hash(found)
