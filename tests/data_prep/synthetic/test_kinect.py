"""Cameras: three views of the same scene, what they hide, and how wrong they are."""

import numpy as np
import pytest

from data_prep.synthetic import body_scenes, kinect
from data_prep.synthetic.body_poses import Pose, glide
from data_prep.synthetic.kinect import ANGLES, Camera, look
from data_prep.synthetic.kinematic_body import Body, joint_positions
from data_prep.synthetic.motion import generator, rotation_about
from dsta_jax.datasets.layouts import NTU_25

JOINT = {name: number for number, name in enumerate(NTU_25.joints)}


def standing(frames: int = 60, heading: float = 0.0, x: float = 0.0, z: float = 0.0) -> np.ndarray:
    """One who stands still in the world: 1 x T x V x C."""
    pose = Pose(left=(0.1, -0.95, 0.1), right=(0.1, -0.95, 0.1))
    stage_TxVxC = joint_positions(Body(), glide([(0.0, pose), (1.0, pose)], np.zeros(frames)))
    return (stage_TxVxC @ rotation_about(1, np.array(heading)).T + (x, 0.0, z))[np.newaxis]


def errors(camera: Camera, world_BxTxVxC: np.ndarray, sight: kinect.Sight) -> np.ndarray:
    return np.linalg.norm(sight.joints_BxTxVxC - camera.coordinates(world_BxTxVxC), axis=-1)


@pytest.mark.parametrize("setup", [1, 2, 17, 32])
def test_cameras_of_a_setup(setup):
    cameras = [Camera.of(0, setup, number) for number in (1, 2, 3)]
    for camera in cameras:
        np.testing.assert_allclose(camera.axes_CxC @ camera.axes_CxC.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(camera.axes_CxC) == pytest.approx(1.0)
        assert camera.axes_CxC[1, 1] > 0.8, "y is up"
        assert camera.place_C[1] == cameras[0].place_C[1]
        assert np.hypot(*camera.place_C[[0, 2]]) == pytest.approx(np.hypot(*cameras[0].place_C[[0, 2]]))
    directions = [np.arctan2(*camera.place_C[[0, 2]]) for camera in cameras]
    assert directions == pytest.approx([0.0, -np.pi / 4, np.pi / 4], abs=0.2)


def test_setups_differ():
    heights = {Camera.of(0, setup, 1).place_C[1] for setup in range(1, 33)}
    distances = [np.hypot(*Camera.of(0, setup, 1).place_C[[0, 2]]) for setup in range(1, 33)]
    assert len(heights) == 32 and min(heights) < 1.3 and max(heights) > 2.0
    assert min(distances) < 3.1 and max(distances) > 3.8


def test_views_are_of_one_performance():
    """Every camera measures the same distances between joints, and none sees what another does."""
    world_BxTxVxC = body_scenes.perform(0, 1, 1, 1, 58)
    views = [Camera.of(0, 1, number).coordinates(world_BxTxVxC) for number in (1, 2, 3)]
    for view_BxTxVxC in views:
        assert 1.5 < view_BxTxVxC[..., 2].min() < view_BxTxVxC[..., 2].max() < 6.0
        np.testing.assert_allclose(
            np.linalg.norm(view_BxTxVxC - view_BxTxVxC[0, 0, 0], axis=-1),
            np.linalg.norm(world_BxTxVxC - world_BxTxVxC[0, 0, 0], axis=-1),
            atol=1e-9,
        )
    for first, second in ((0, 1), (0, 2), (1, 2)):
        moved = [view_BxTxVxC - view_BxTxVxC[0, 0, 0] for view_BxTxVxC in (views[first], views[second])]
        assert np.abs(moved[0] - moved[1]).max() > 0.3


@pytest.mark.parametrize("number", [1, 2, 3])
def test_who_faces_a_camera(number):
    camera = Camera.of(0, 1, number)
    joints_VxC = camera.coordinates(standing(heading=ANGLES[number]))[0, 0]
    assert joints_VxC[JOINT["left_shoulder"], 0] < joints_VxC[JOINT["right_shoulder"], 0] - 0.25
    assert joints_VxC[JOINT["left_foot"], 2] < joints_VxC[JOINT["left_ankle"], 2] - 0.05
    assert joints_VxC[JOINT["head"], 1] > joints_VxC[JOINT["left_foot"], 1] + 1.3


def test_pixels_are_on_the_images():
    camera = Camera.of(0, 1, 1)
    pixels_KxVx4 = camera.pixels(camera.coordinates(standing())[0])
    depth_x, depth_y, color_x, color_y = pixels_KxVx4[0].T
    assert depth_x.min() > 150 and depth_x.max() < 360 and depth_y.min() > 0 and depth_y.max() < 424
    assert color_x.min() > 700 and color_x.max() < 1250 and color_y.min() > 0 and color_y.max() < 1080
    assert depth_y[JOINT["head"]] < depth_y[JOINT["left_foot"]] - 100, "rows count downwards"
    for x in (depth_x, color_x):
        assert x[JOINT["left_shoulder"]] < x[JOINT["right_shoulder"]], "the image is a mirror's"
    behind = camera.pixels(np.array([[[1.0, 1.0, -2.0]]]))
    assert np.abs(behind).max() <= 9_999


def test_what_is_in_plain_view_is_nearly_right():
    camera = Camera.of(0, 1, 1)
    world_BxTxVxC = standing(frames=200)
    sight = look(camera, world_BxTxVxC, generator(5))
    assert sight.tracked_BxTxV.mean() > 0.9 and sight.found_BxT.all()
    errors_BxTxV = errors(camera, world_BxTxVxC, sight)
    assert np.median(errors_BxTxV[0][:, JOINT["spine_middle"]]) < 0.02
    assert np.median(errors_BxTxV[0][:, JOINT["left_hand_tip"]]) < 0.08
    steps_TxVxC = np.diff(sight.joints_BxTxVxC[0], axis=0)
    assert 0.0003 < np.median(np.abs(steps_TxVxC[:, JOINT["spine_base"]])) < 0.004


def test_the_far_arm_of_who_stands_sideways_is_guessed_at():
    camera = Camera.of(0, 1, 1)
    world_BxTxVxC = standing(heading=np.pi / 2, frames=100)
    sight = look(camera, world_BxTxVxC, generator(0))
    near, far = (
        (JOINT["left_elbow"], JOINT["right_elbow"])
        if camera.coordinates(world_BxTxVxC)[0, 0, JOINT["left_elbow"], 2]
        < camera.coordinates(world_BxTxVxC)[0, 0, JOINT["right_elbow"], 2]
        else (JOINT["right_elbow"], JOINT["left_elbow"])
    )
    assert sight.tracked_BxTxV[0, :, near].mean() > 0.7
    assert not sight.tracked_BxTxV[0, :, far].any()
    errors_TxV = errors(camera, world_BxTxVxC, sight)[0]
    assert np.median(errors_TxV[:, far]) > 3 * np.median(errors_TxV[:, JOINT["spine_base"]])


def test_who_stands_behind_another_is_not_found():
    camera = Camera.of(0, 1, 1)
    towards_C = camera.place_C / np.hypot(*camera.place_C[[0, 2]])
    near, far = (standing(x=side * towards_C[0], z=side * towards_C[2]) for side in (0.4, -0.4))
    sight = look(camera, np.concatenate([near, far]), generator(0))
    assert sight.found_BxT[0].all()
    assert sight.tracked_BxTxV[0].mean() > 0.9 > 0.5 > sight.tracked_BxTxV[1].mean()
    aside = look(camera, np.concatenate([standing(x=0.6), standing(x=-0.6)]), generator(0))
    assert aside.found_BxT.all() and aside.tracked_BxTxV.mean() > 0.9


def test_joints_beside_the_picture_are_guessed_at():
    camera = Camera.of(0, 1, 1)
    sight = look(camera, standing(z=camera.place_C[2] - 1.2), generator(0))
    assert not sight.tracked_BxTxV[0, :, JOINT["left_foot"]].any()


def test_looking_changes_nothing():
    world_BxTxVxC = standing()
    before_BxTxVxC = world_BxTxVxC.copy()
    look(Camera.of(0, 1, 1), world_BxTxVxC, generator(0))
    np.testing.assert_array_equal(world_BxTxVxC, before_BxTxVxC)
