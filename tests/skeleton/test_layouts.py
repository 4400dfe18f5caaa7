"""Layouts: trees of named joints."""

import pytest

from dsta_jax.skeleton.layouts import HAND_22, LAYOUTS, NTU_25, UTD_MHAD_20, Layout


def bones(layout: Layout) -> set[tuple[int, int]]:
    return {(joint, parent) for joint, parent in enumerate(layout.parents) if joint != parent}


@pytest.mark.parametrize(("layout", "joints", "root"), [(HAND_22, 22, 0), (NTU_25, 25, 20), (UTD_MHAD_20, 20, 3)])
def test_joints_and_root(layout, joints, root):
    assert (len(layout.joints), layout.root) == (joints, root)
    assert len(bones(layout)) == joints - 1
    assert LAYOUTS[layout.name] is layout


def test_hand_bones():
    fingers = {(base + step, base + step - 1) for base in range(2, 22, 4) for step in range(1, 4)}
    assert bones(HAND_22) == {(1, 0)} | {(base, 1) for base in range(2, 22, 4)} | fingers


def test_ntu_bones():
    trunk = {(1, 20), (0, 1), (2, 20), (3, 2), (4, 20), (8, 20), (12, 0), (16, 0)}
    limbs = {(first + step, first + step - 1) for first in (4, 8, 12, 16) for step in range(1, 4)}
    assert bones(NTU_25) == trunk | limbs | {(22, 7), (21, 22), (24, 11), (23, 24)}


def test_utd_mhad_left_and_right_mirror_each_other():
    mirrored = {joint: joint.replace("left", "right") for joint in UTD_MHAD_20.joints if joint.startswith("left")}
    parent_of = {
        joint: UTD_MHAD_20.joints[parent] for joint, parent in zip(UTD_MHAD_20.joints, UTD_MHAD_20.parents, strict=True)
    }
    for left, right in mirrored.items():
        assert parent_of[right] == parent_of[left].replace("left", "right")


BAD_LAYOUTS = {
    "two roots": (("a", "b"), (0, 1), "joints [0, 1] are their own parent, expected exactly one root"),
    "no root": (("a", "b"), (1, 0), "joints [] are their own parent"),
    "circle": (("a", "b", "c"), (0, 2, 1), "joint 1 (b) does not lead to the root"),
    "same name": (("a", "a"), (0, 0), "2 joints need distinct names"),
    "parent missing": (("a", "b"), (0,), "2 joints need distinct names and one parent each"),
}


@pytest.mark.parametrize("case", BAD_LAYOUTS)
def test_bad_layouts(case):
    joints, parents, message = BAD_LAYOUTS[case]
    with pytest.raises(ValueError) as caught:
        Layout("test", joints, parents)
    assert message in str(caught.value)
