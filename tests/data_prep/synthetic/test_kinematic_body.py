"""Bodies: bones of constant length, limbs that bend the right way, feet that stand where they stand."""

import dataclasses

import numpy as np
import pytest

from data_prep.synthetic.body_poses import Pose, glide
from data_prep.synthetic.kinematic_body import FRAMES_A_SECOND, Body, Tracks, joint_positions
from dsta_jax.datasets.layouts import NTU_25

HANGING = (0.1, -0.95, 0.1)
STANDING = Pose(left=HANGING, right=HANGING)
JOINT = {name: number for number, name in enumerate(NTU_25.joints)}


def held(pose: Pose, frames: int = 1) -> Tracks:
    return glide([(0.0, pose), (1.0, pose)], np.zeros(frames))


def joints(pose: Pose, body: Body | None = None) -> dict[str, np.ndarray]:
    frames_TxVxC = joint_positions(body or Body(), held(pose))
    return dict(zip(NTU_25.joints, frames_TxVxC[0], strict=True))


def walk(metres: float, seconds: float, turn: float = 0.0) -> np.ndarray:
    keys = [(0.0, STANDING), (seconds, STANDING.moved(forwards=metres, turn=turn))]
    tracks = glide(keys, np.arange(int((seconds + 1.0) * FRAMES_A_SECOND)) / FRAMES_A_SECOND)
    return joint_positions(Body(), tracks, phase=0.3)


def test_bones_keep_their_length():
    rng = np.random.default_rng(0)
    body = Body.draw(rng)
    tracks = held(STANDING, frames=50)
    tracks = dataclasses.replace(
        tracks,
        **{
            field.name: getattr(tracks, field.name) + rng.normal(0, 0.3, getattr(tracks, field.name).shape)
            for field in dataclasses.fields(tracks)
        },
    )
    frames_TxVxC = joint_positions(body, tracks)
    ends = ("left_foot", "right_foot", "left_knee", "right_elbow", "left_ankle", "right_hand", "neck", "spine_base")
    for name in ends:
        bone_TxC = frames_TxVxC[:, JOINT[name]] - frames_TxVxC[:, NTU_25.parents[JOINT[name]]]
        lengths_T = np.linalg.norm(bone_TxC, axis=1)
        np.testing.assert_allclose(lengths_T, lengths_T[0], atol=1e-9, err_msg=name)
    assert np.linalg.norm(frames_TxVxC[:, 13] - frames_TxVxC[:, 12], axis=1) == pytest.approx(body.thigh)
    assert np.linalg.norm(frames_TxVxC[:, 5] - frames_TxVxC[:, 4], axis=1) == pytest.approx(body.upper_arm)


def test_people_are_of_different_sizes():
    heights = [joints(STANDING, Body.draw(np.random.default_rng(seed)))["head"][1] for seed in range(30)]
    assert 1.2 < min(heights) < 1.45 and 1.6 < max(heights) < 1.8


def test_one_who_stands():
    at = joints(STANDING)
    heights = [at[name][1] for name in ("head", "neck", "spine_shoulder", "spine_middle", "spine_base", "left_knee")]
    assert heights == sorted(heights, reverse=True) and heights[0] == pytest.approx(1.55, abs=0.05)
    for name in ("ankle", "hip", "shoulder", "hand"):
        assert at[f"left_{name}"][0] > 0.05 and at[f"left_{name}"] * (-1, 1, 1) == pytest.approx(at[f"right_{name}"])
    assert 0.0 < at["left_foot"][1] < at["left_ankle"][1] < 0.1
    assert at["left_foot"][2] > at["left_ankle"][2] + 0.1


@pytest.mark.parametrize("drop", [0.05, 0.3, 0.55])
def test_knees_bend_forwards_and_feet_stay_on_the_floor(drop):
    at = joints(dataclasses.replace(STANDING, drop=drop, back=0.3 * drop))
    for side in ("left", "right"):
        hip_C, knee_C, ankle_C = (at[f"{side}_{name}"] for name in ("hip", "knee", "ankle"))
        assert knee_C[2] > (hip_C[2] + ankle_C[2]) / 2 + 0.04
        assert ankle_C[1] == pytest.approx(Body().ankle)
    assert at["spine_base"][1] == pytest.approx(Body().standing - drop * Body().leg)


def test_hands_go_where_they_should_and_elbows_bend_down_or_out():
    body = Body()
    pose = dataclasses.replace(STANDING, left=(0.0, -0.2, 0.5), right=(0.0, -0.2, 0.5), right_elbow=1.0)
    at = joints(pose)
    for side in ("left", "right"):
        assert at[f"{side}_hand"] - at[f"{side}_shoulder"] == pytest.approx(np.multiply((0, -0.2, 0.5), body.arm))
    assert at["left_elbow"][1] < at["right_elbow"][1] - 0.05
    assert at["right_elbow"][0] < -at["left_elbow"][0]
    far = joints(dataclasses.replace(STANDING, left=(0.0, 0.0, 2.0)))
    assert np.linalg.norm(far["left_hand"] - far["left_shoulder"]) == pytest.approx(body.arm, rel=0.01)


def test_leaning_moves_the_head_and_hanging_hands_stay_below():
    at = joints(STANDING.leaning(forwards=0.8))
    assert at["head"][2] > 0.4 and at["head"][1] < 1.4
    assert at["left_hand"][1] < at["left_shoulder"][1] - 0.5
    assert joints(STANDING.leaning(aside=0.3))["head"][0] > 0.1
    turned = joints(STANDING.leaning(twist=0.8))
    assert turned["left_shoulder"][2] < -0.05 < 0.05 < turned["right_shoulder"][2]


def test_feet_do_not_slide():
    frames_TxVxC = walk(metres=1.5, seconds=1.5)
    for side in ("left", "right"):
        ankle_TxC = frames_TxVxC[:, JOINT[f"{side}_ankle"]]
        speed_T = np.linalg.norm(np.diff(ankle_TxC[:, [0, 2]], axis=0), axis=1) * FRAMES_A_SECOND
        stands_T = (ankle_TxC[:, 1] < Body().ankle + 1e-3)[1:] & (ankle_TxC[:, 1] < Body().ankle + 1e-3)[:-1]
        assert 0.3 < stands_T.mean() < 0.9
        assert speed_T[stands_T].max() < 0.05
        assert speed_T.max() > 1.5
        assert ankle_TxC[:, 1].max() > Body().ankle + 0.05
        assert ankle_TxC[-1, 2] == pytest.approx(1.5, abs=1e-3)


def test_one_foot_at_a_time():
    frames_TxVxC = walk(metres=1.5, seconds=1.5)
    lifted_TxS = frames_TxVxC[:, [JOINT["left_ankle"], JOINT["right_ankle"]], 1] > Body().ankle + 0.01
    assert not lifted_TxS.all(axis=1).any()


def test_one_who_turns_round_faces_the_other_way():
    frames_TxVxC = walk(metres=0.0, seconds=1.0, turn=np.pi)
    for side in ("left", "right"):
        toes_C = frames_TxVxC[-1, JOINT[f"{side}_foot"]] - frames_TxVxC[-1, JOINT[f"{side}_ankle"]]
        assert toes_C[2] < -0.1
    assert frames_TxVxC[-1, JOINT["left_shoulder"], 0] < 0


def test_arms_swing_against_the_legs():
    frames_TxVxC = walk(metres=2.0, seconds=1.8)[15:50, :, 2]
    legs_T = frames_TxVxC[:, JOINT["left_ankle"]] - frames_TxVxC[:, JOINT["right_ankle"]]
    arms_T = frames_TxVxC[:, JOINT["left_hand"]] - frames_TxVxC[:, JOINT["right_hand"]]
    assert np.corrcoef(legs_T, arms_T)[0, 1] < -0.9


def test_who_jumps_leaves_the_floor():
    at = joints(dataclasses.replace(STANDING, jump=0.3))
    standing = joints(STANDING)
    for name in ("head", "spine_base", "left_foot", "right_ankle"):
        assert at[name][1] - standing[name][1] == pytest.approx(0.3, abs=1e-6)
