"""Orientations: unit quaternions whose y axis is the bone."""

import numpy as np
import pytest

from data_prep.synthetic import body_scenes
from data_prep.synthetic.kinect import Camera
from data_prep.synthetic.kinect_orientation import orientations
from dsta_jax.datasets.layouts import NTU_25

JOINT = {name: number for number, name in enumerate(NTU_25.joints)}
# As in the data set's files.
WITHOUT = ("head", "left_foot", "right_foot", "left_hand_tip", "left_thumb", "right_hand_tip", "right_thumb")
BONES = (
    ("spine_base", "spine_middle", "spine_base"),
    ("spine_base", "spine_middle", "spine_middle"),
    ("left_shoulder", "left_elbow", "left_elbow"),
    ("right_knee", "right_ankle", "right_ankle"),
    ("spine_shoulder", "right_shoulder", "right_shoulder"),
)


@pytest.fixture
def joints_KxVxC() -> np.ndarray:
    return Camera.of(0, 1, 2).coordinates(body_scenes.perform(0, 1, 1, 1, 7))[0]


def rotation(quaternion_4: np.ndarray) -> np.ndarray:
    w, x, y, z = quaternion_4
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def test_ends_have_none_and_all_others_are_unit(joints_KxVxC):
    quaternion_KxVx4 = orientations(joints_KxVxC)
    lengths_KxV = np.linalg.norm(quaternion_KxVx4, axis=-1)
    ends = [JOINT[name] for name in WITHOUT]
    assert not lengths_KxV[:, ends].any()
    np.testing.assert_allclose(np.delete(lengths_KxV, ends, axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize(("start", "end", "of"), BONES)
def test_y_is_the_bone(joints_KxVxC, start, end, of):
    quaternion_KxVx4 = orientations(joints_KxVxC)
    for joints_VxC, quaternion_Vx4 in zip(joints_KxVxC[::7], quaternion_KxVx4[::7], strict=True):
        bone_C = joints_VxC[JOINT[end]] - joints_VxC[JOINT[start]]
        y_C = rotation(quaternion_Vx4[JOINT[of]])[:, 1]
        np.testing.assert_allclose(y_C, bone_C / np.linalg.norm(bone_C), atol=1e-6)


def test_z_is_forwards(joints_KxVxC):
    """Who faces the camera looks along -z: half a turn about y."""
    quaternion_4 = orientations(joints_KxVxC)[0, JOINT["spine_middle"]]
    assert rotation(quaternion_4)[2, 2] < -0.7
    assert abs(quaternion_4[2]) > 0.8
