"""Poses: their mirror images, the way between them, and people who differ."""

import dataclasses

import numpy as np
import pytest

from data_prep.synthetic.body_poses import Habits, Performer, Pose, glide, seconds_of
from data_prep.synthetic.kinematic_body import Body, joint_positions
from data_prep.synthetic.motion import generator
from dsta_jax.datasets.layouts import NTU_25

OTHER = {"left": "right", "right": "left"}


def some_pose(seed: int) -> Pose:
    """A pose in which every number differs from 0 and left from right."""
    rng = np.random.default_rng(seed)

    def some(value):
        if isinstance(value, tuple):
            return tuple(float(part + rng.uniform(0.05, 0.3)) for part in value)
        return float(value + rng.uniform(0.05, 0.2))

    pose = Pose(left=(0.1, -0.6, 0.3), right=(0.0, -0.4, 0.5))
    return dataclasses.replace(pose, **{name: some(value) for name, value in vars(pose).items()})


def held(pose: Pose) -> np.ndarray:
    return joint_positions(Body(), glide([(0.0, pose), (1.0, pose)], np.zeros(1)))[0]


def test_a_mirrored_pose_is_its_mirror_image():
    for seed in range(5):
        pose = some_pose(seed)
        mirrored_VxC, joints_VxC = held(pose.mirrored()), held(pose) * (-1, 1, 1)
        for joint, name in enumerate(NTU_25.joints):
            side, _, rest = name.partition("_")
            other = NTU_25.joints.index(f"{OTHER[side]}_{rest}" if side in OTHER else name)
            np.testing.assert_allclose(mirrored_VxC[joint], joints_VxC[other], atol=1e-9, err_msg=name)
        assert pose.mirrored().mirrored() == pose
        assert np.abs(mirrored_VxC - held(pose)).max() > 0.1


def test_glide_passes_through_the_keys():
    keys = [(0.0, some_pose(0)), (0.5, some_pose(1)), (1.0, some_pose(2))]
    tracks = glide(keys, np.array([0.0, 0.25, 0.5, 1.5, 9.0]))
    assert seconds_of(keys) == 1.5
    for frame, (_, pose) in zip((0, 2, 3, 4), (*keys, keys[-1]), strict=True):
        np.testing.assert_allclose(tracks.place_Tx2[frame], pose.place)
        np.testing.assert_allclose(tracks.turn_T[frame], pose.turn)
        np.testing.assert_allclose(tracks.sway_Tx2[frame], (0.0, -pose.back))
        np.testing.assert_allclose((tracks.drop_T[frame], tracks.jump_T[frame]), (pose.drop, pose.jump))
        np.testing.assert_allclose(tracks.lean_Tx3[frame], pose.lean)
        np.testing.assert_allclose(tracks.nod_Tx2[frame], pose.nod)
        np.testing.assert_allclose(tracks.hands_TxSxC[frame], (pose.left, pose.right))
        np.testing.assert_allclose(tracks.elbows_TxS[frame], (pose.left_elbow, pose.right_elbow))
        np.testing.assert_allclose(tracks.feet_TxSxC[frame], (pose.left_foot, pose.right_foot))
    halfway = (keys[0][1].turn + keys[1][1].turn) / 2
    assert tracks.turn_T[1] == pytest.approx(halfway)


def test_people_differ_and_are_not_the_same_twice():
    people = [Habits.draw(generator(seed)) for seed in range(40)]
    for name in ("pace", "vigour", "mirrors", "stance", "stoop"):
        assert len({getattr(habits, name) for habits in people}) == 40
    performer = Performer(people[0], generator(1))
    seconds = [performer.seconds(1.0) for _ in range(200)]
    assert np.median(seconds) == pytest.approx(1.0 / people[0].pace, rel=0.1) and np.std(seconds) > 0.05
    assert performer.rest != Performer(people[0], generator(2)).rest


def test_a_hand_at_a_height():
    performer = Performer(Habits.draw(generator(3)), generator(3))
    body = performer.habits.body
    pose = dataclasses.replace(performer.rest, right=performer.hand_at(0.0, 1.0, 0.3), lean=(0.0, 0.0, 0.0))
    joints_VxC = joint_positions(body, glide([(0.0, pose), (1.0, pose)], np.zeros(1)))[0]
    assert joints_VxC[NTU_25.joints.index("right_hand"), 1] == pytest.approx(1.0, abs=0.03)
    middle = dataclasses.replace(pose, right=(performer.inwards(), -0.4, 0.6))
    joints_VxC = joint_positions(body, glide([(0.0, middle), (1.0, middle)], np.zeros(1)))[0]
    assert joints_VxC[NTU_25.joints.index("right_hand"), 0] == pytest.approx(0.0, abs=1e-9)
