"""The order of joints: the right one is left in peace, wrong ones are noticed."""

import numpy as np
import pytest

from dsta_jax.check import joint_order
from dsta_jax.check.joint_order import PairDistances
from dsta_jax.check.survey import pose
from dsta_jax.data import records
from dsta_jax.datasets.layouts import COCO_17, HAND_22, KINECT_20, LAYOUTS, UTD_MHAD_20


@pytest.fixture(scope="module")
def recordings(hands):
    """frames_TxVxMxC of synthetic hands."""
    found = records.read_set(records.find_data_set(hands, "synthetic_hands"))
    return [record.frames_TxVxMxC for _, record in found]


def distances_of(recordings, layout=HAND_22, order=None, channels="xyz"):
    distances = PairDistances(layout, flat="z" not in channels)
    for frames in recordings:
        whole = pose(frames[..., : len(channels)], channels)[:, :, 0]
        distances.add(whole if order is None else whole[:, order])
    return distances


def exchanged(first, second):
    order = np.arange(len(HAND_22.joints))
    order[first], order[second] = second, first
    return order


@pytest.mark.parametrize("channels", ["xyz", "xy"])
def test_the_right_order(recordings, channels):
    assert joint_order.wrong_order(distances_of(recordings, channels=channels)) == ""


@pytest.mark.parametrize("seed", range(5))
def test_a_random_order(recordings, seed):
    order = np.random.default_rng(seed).permutation(len(HAND_22.joints))
    assert "if" in joint_order.wrong_order(distances_of(recordings, order=order))


@pytest.mark.parametrize("joints", [("wrist", "index_tip"), ("thumb_first", "middle_second"), ("palm", "little_tip")])
def test_two_exchanged_joints_are_named(recordings, joints):
    first, second = (HAND_22.joints.index(joint) for joint in joints)
    said = joint_order.wrong_order(distances_of(recordings, order=exchanged(first, second)))
    assert f"if {joints[0]} and {joints[1]} were exchanged" in said


def standing(layout):
    """One frame of a body of Kinect v1, as good as it goes: V x C."""
    place = {
        "hip_center": (0, 0), "spine": (0, 0.1), "shoulder_center": (0, 0.5), "head": (0, 0.7),
        "shoulder": (0.2, 0.45), "elbow": (0.25, 0.2), "wrist": (0.3, -0.05), "hand": (0.32, -0.12),
        "hip": (0.1, -0.05), "knee": (0.12, -0.45), "ankle": (0.13, -0.85), "foot": (0.15, -0.9),
    }  # fmt: skip
    points = []
    for joint in layout.joints:
        x, y = place[joint.removeprefix("left_").removeprefix("right_")]
        points.append((-x if joint.startswith("left_") else x, y, 1.0))
    return np.array(points, np.float32)


@pytest.mark.parametrize(("data", "said"), [(KINECT_20, ""), (UTD_MHAD_20, "the order of layout utd_mhad_20")])
def test_the_order_of_another_known_layout(data, said):
    frames = np.repeat(standing(data)[None, :, None], 4, axis=0)
    found = joint_order.wrong_order(distances_of([frames], KINECT_20))
    assert found.startswith(said) and bool(found) == bool(said)


def test_nothing_is_said_of_joints_that_are_not_there(recordings):
    empty = PairDistances(HAND_22)
    assert not empty.seen_V.any() and joint_order.wrong_order(empty) == ""
    flat = [frames[..., :2].copy() for frames in recordings]
    for frames in flat:
        frames[:, 5] = np.nan
    distances = distances_of(flat, channels="xy")
    assert np.flatnonzero(~distances.seen_V).tolist() == [5]
    assert joint_order.wrong_order(distances) == ""


def test_one_recording_in_another_order_has_long_bones(recordings):
    distances, right = PairDistances(HAND_22), pose(recordings[0], "xyz")[:, :, 0]
    assert distances.add(right[:, np.random.default_rng(0).permutation(22)]) > 1.75 * distances.add(right)


def test_a_body_without_extent_adds_nothing():
    distances = PairDistances(HAND_22)
    assert np.isnan(distances.add(np.ones((3, 22, 3)))) and not distances.seen_V.any()


def test_joints_that_are_not_seen_do_not_change_what_is_known_of_the_others(recordings):
    whole = PairDistances(HAND_22)
    parts = PairDistances(HAND_22)
    body = pose(recordings[0], "xyz")[:, :, 0]
    body = np.repeat(body[:1], 6, axis=0)  # rigid, so that any frames tell as much as all
    whole.add(body)
    body[::2, 3] = body[4, 9] = np.nan
    parts.add(body)
    for expected, found in zip(whole.mean(), parts.mean(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-7)


def test_best_exchange():
    weight_VxV = np.full((17, 17), 2.0)
    for joint, parent in enumerate(COCO_17.parents):
        weight_VxV[joint, parent] = weight_VxV[parent, joint] = 1.0
    order = np.arange(17)
    order[[3, 16]] = 16, 3
    everyone = np.ones(17, bool)
    saved, *joints = joint_order.best_exchange(weight_VxV[np.ix_(order, order)], COCO_17, everyone)
    assert joints == [3, 16]
    assert saved == pytest.approx(2 / 18)  # two bones of the 16 are 2 long, before
    assert joint_order.best_exchange(weight_VxV, COCO_17, everyone)[0] <= 0
    assert joint_order.best_exchange(weight_VxV[np.ix_(order, order)], COCO_17, np.arange(17) != 3)[1:] != (3, 16)


def test_pairs_of_left_and_right():
    assert UTD_MHAD_20.right_of_left[4] == 8 and len(UTD_MHAD_20.right_of_left) == 8
    assert HAND_22.right_of_left == {}
    pose = LAYOUTS["mediapipe_pose_33"]
    named = {pose.joints[left]: pose.joints[right] for left, right in pose.right_of_left.items()}
    assert named["mouth_left"] == "mouth_right"
