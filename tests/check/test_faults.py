"""Faults of one recording: each is found where it is planted, and nowhere else."""

import numpy as np
import pytest

from dsta_jax.check import faults
from dsta_jax.check.faults import MIN_FRAMES, Jump, tracks
from dsta_jax.datasets.layouts import Layout

FRAMES = 20
ARM = Layout("arm", ("shoulder", "elbow", "wrist", "hand", "other"), (0, 0, 1, 2, 0))
STRETCHED = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0], [0, 1, 0]], np.float32)


def waving(frames=FRAMES, bodies=1):
    """An arm that swings slowly about the z axis, far from the origin: frames_TxVxMxC."""
    angle_T = 0.5 * np.sin(np.arange(frames) / 3)
    turn_TxCxC = np.zeros((frames, 3, 3), np.float32)
    turn_TxCxC[:, 0, 0], turn_TxCxC[:, 1, 1], turn_TxCxC[:, 2, 2] = np.cos(angle_T), np.cos(angle_T), 1
    turn_TxCxC[:, 0, 1], turn_TxCxC[:, 1, 0] = np.sin(angle_T), -np.sin(angle_T)
    moving_TxVxC = STRETCHED @ turn_TxCxC + np.linspace(5, 5.2, frames, dtype=np.float32)[:, None, None]
    return np.repeat(moving_TxVxC[:, :, None], bodies, axis=2)


def track(frames_TxVxMxC, channels="xyz"):
    (only,) = tracks(frames_TxVxMxC, channels)
    return only


def test_a_body_that_is_never_seen_has_no_track():
    frames = waving(bodies=3)
    frames[:, :, 1] = 0
    assert len(tracks(frames, "xyz")) == 2
    assert tracks(np.zeros_like(frames), "xyz") == []


def test_which_joints_are_seen():
    frames = waving()
    frames[3, 2] = 0
    frames[7] = 0
    assert np.argwhere(~faults.seen(frames, "xyz")[..., 0].any(axis=1)).tolist() == [[7]]
    assert faults.seen(frames, "xyz")[3].all()  # in space, zero is a place
    flat = frames[..., :2]
    assert np.argwhere(~faults.seen(flat, "xy")[:7, :, 0]).tolist() == [[3, 2]]
    confidence = np.ones((FRAMES, 5, 1, 1), np.float32)
    confidence[4, 1] = 0
    seen = faults.seen(np.concatenate([flat, confidence], axis=-1), "xyc")
    assert np.argwhere(~seen[..., 0]).tolist() == [[4, 1]]
    assert track(np.concatenate([flat, confidence], axis=-1), "xyc").positions_TxVxC.shape == (FRAMES, 5, 2)


def test_a_joint_that_does_not_move_at_all():
    frames = waving()
    assert not faults.still_joints(track(frames)).any()
    frames[:, 3] = frames[0, 3]
    assert faults.still_joints(track(frames)).tolist() == [False, False, False, True, False]
    frames[11, 3, 0, 1] += np.float32(1e-6)
    assert not faults.still_joints(track(frames)).any()


def test_a_few_frames_do_not_tell_whether_a_joint_stands_still():
    frames = np.repeat(waving(1), MIN_FRAMES, axis=0)
    assert faults.still_joints(track(frames)).all()
    assert not faults.still_joints(track(frames[1:])).any()


def test_one_joint_may_be_the_origin_of_every_frame():
    frames = waving()
    frames -= frames[:, :1]
    assert not faults.still_joints(track(frames)).any()
    frames[:, 4] = 0
    assert np.flatnonzero(faults.still_joints(track(frames))).tolist() == [0, 4]


def test_a_joint_that_is_elsewhere_for_one_frame():
    frames = waving()
    assert faults.jumps(track(frames)) == []
    frames[9, 4] += 3
    there, back = sorted(faults.jumps(track(frames)), key=lambda jump: jump.frame)
    assert (there.frame, there.joint, back.frame, back.joint) == (9, 4, 10, 4)
    assert there.distance == pytest.approx(np.sqrt(27) / faults_size(frames), rel=0.05)


def faults_size(frames):
    boxes_TxC = np.ptp(frames[:, :, 0], axis=1)
    return np.median(np.linalg.norm(boxes_TxC, axis=1))


def test_a_fast_movement_is_no_jump():
    frames = waving()
    frames[8:13, 3] += np.array([1, 2, 3, 2, 1], np.float32)[:, None, None]
    assert faults.jumps(track(frames)) == []


def test_a_body_that_walks_fast_does_not_jump_and_one_that_is_elsewhere_does():
    walking = waving()
    walking += 2.0 * np.arange(FRAMES, dtype=np.float32)[:, None, None, None]
    assert faults.jumps(track(walking)) == []
    moved = waving()
    moved[12:] += 6
    (jump,) = faults.jumps(track(moved))
    assert (jump.frame, jump.joint) == (12, -1) and jump.distance > 1


def test_a_body_that_was_away_meanwhile_does_not_jump():
    frames = waving()
    frames[10] = 0
    frames[11:] += 6
    assert faults.jumps(track(frames)) == []


def test_few_frames_do_not_tell_what_is_sudden():
    frames = waving(3)
    frames[1, 4] += 3
    assert faults.jumps(track(frames)) == []
    assert faults.jumps(track(frames[:1])) == []
    assert isinstance(Jump(1, 2, 3.0), Jump)


def test_bone_lengths():
    frames = waving()
    length_B, change_B = faults.bone_lengths(track(frames), ARM)
    np.testing.assert_allclose(length_B, 1, rtol=1e-5)
    np.testing.assert_allclose(change_B, 0, atol=1e-3)
    frames[::2, 3] += frames[::2, 3] - frames[::2, 2]  # the hand's bone is 2 in every other frame
    frames[MIN_FRAMES - 2 :, 4] = np.nan
    seen = track(frames).seen_TxV & np.isfinite(frames[..., 0, 0])
    length_B, change_B = faults.bone_lengths(faults.Track(np.nan_to_num(frames[:, :, 0]), seen), ARM)
    assert length_B[2] == pytest.approx(1.5, rel=1e-5) and change_B[2] == pytest.approx(1 / 3, rel=1e-4)
    assert np.isnan(length_B[3]) and np.isnan(change_B[3])
