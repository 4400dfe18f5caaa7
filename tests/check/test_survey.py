"""A survey: each fact of a recording is found where it is planted, and nowhere else; samples are chosen evenly."""

import dataclasses

import numpy as np
import pytest

from dsta_jax.check import survey
from dsta_jax.check.survey import MIN_FRAMES, pose
from dsta_jax.data.records import Record
from dsta_jax.datasets.benchmarks import BENCHMARKS
from dsta_jax.datasets.layouts import Layout

HANDS, NTU = BENCHMARKS["shrec28"], BENCHMARKS["ntu60_cv"]
FRAMES = 20
ARM = Layout("arm", ("shoulder", "elbow", "wrist", "hand", "other"), (0, 0, 1, 2, 0))
STRETCHED = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0], [0, 1, 0]], np.float32)


def waving(frames=FRAMES):
    """An arm that swings slowly about the z axis, far from the origin: T x V x C."""
    angle_T = 0.5 * np.sin(np.arange(frames) / 3)
    turn_TxCxC = np.zeros((frames, 3, 3))
    turn_TxCxC[:, 0, 0], turn_TxCxC[:, 1, 1], turn_TxCxC[:, 2, 2] = np.cos(angle_T), np.cos(angle_T), 1
    turn_TxCxC[:, 0, 1], turn_TxCxC[:, 1, 0] = np.sin(angle_T), -np.sin(angle_T)
    return STRETCHED @ turn_TxCxC + np.linspace(5, 5.2, frames)[:, None, None]


def hand(number, frames=12, label=0, **given):
    steps = np.random.default_rng(number).normal(size=(frames, 22, 1, 3))
    record = Record(f"hand_{number}", label, 1, 0, 0, np.cumsum(steps, axis=0).astype(np.float32))
    return dataclasses.replace(record, **given)


def gather(*records, split="train", benchmark=HANDS):
    return survey.gather([(split, record) for record in records], benchmark)


def facts_of(frames_TxVxMxC, benchmark=HANDS):
    return gather(Record("name", 0, 1, 1, 1, frames_TxVxMxC), benchmark=benchmark).facts[0]


@pytest.mark.parametrize("channels", ["xyz", "xyzc", "xy", "xyc"])
def test_nan_is_a_joint_not_seen_and_zeros_are_an_absent_body(channels):
    frames = np.random.default_rng(0).normal(size=(FRAMES, 5, 2, len(channels))).astype(np.float32)
    frames[3, 2, 0] = np.nan
    frames[7, :, 1] = 0
    frames[8, 4, 0] = 0  # zero is a place, whatever the channels are
    found = pose(frames, channels)
    assert found.shape == (FRAMES, 5, 2, 3 if "z" in channels else 2) and found.dtype == np.float64
    expected = np.zeros((FRAMES, 5, 2), bool)
    expected[3, 2, 0] = expected[7, :, 1] = True
    np.testing.assert_array_equal(np.isnan(found), np.broadcast_to(expected[..., None], found.shape))


def test_what_is_kept_of_a_recording():
    frames = hand(0).frames_TxVxMxC.copy()
    frames[[0, 7]] = 0
    frames[3, 2] = np.nan
    seen = gather(hand(0, frames_TxVxMxC=frames, label=5), hand(1, label=99))
    first = seen.facts[0]
    assert {key: first[key] for key in ("name", "subject", "frames", "seen", "body_frames", "infinite")} == {
        "name": "hand_0", "subject": 1, "frames": 12, "seen": 10, "body_frames": 10, "infinite": "",
    }  # fmt: skip
    assert first["length_B"].shape == (21,) and np.isfinite(first["length_B"][3:]).all() and first["bone_ratio"] > 0
    assert not first["still"] and not first["still_V"].any() and first["still_V"].shape == (22,)
    assert first["seen_V"].tolist() == [10, 10, 9, *[10] * 19] and not first["never_V"].any()
    assert seen["class"].tolist() == [5, -1]
    assert not seen["is_test"].any() and gather(hand(2), split="test")["is_test"].tolist() == [True]
    np.testing.assert_allclose(seen.unseen_V, [0, 0, 1 / 22, *[0] * 19])
    assert not any(isinstance(value, np.ndarray) and value.size > 22 for value in first.values())


def test_all_bodies_are_looked_at():
    steps = np.random.default_rng(0).normal(size=(12, 25, 2, 3))
    frames = np.cumsum(steps, axis=0).astype(np.float32)
    frames[:, 3, 1] = 1
    frames[:, 7] = np.nan
    frames[:4, 8, 0] = np.nan
    facts = facts_of(frames, NTU)
    assert np.flatnonzero(facts["still_V"]).tolist() == [3]
    assert facts["body_frames"] == 24 and facts["seen_V"][[6, 7, 8]].tolist() == [24, 0, 20]
    assert np.flatnonzero(facts["never_V"]).tolist() == [7]
    frames[4, 24, 1, 2] = -np.inf
    facts = facts_of(frames, NTU)
    assert facts["infinite"] == "frame 4, right_thumb of body 1"
    assert facts["fingerprint"] == "" and not facts["still_V"].any() and facts["jumps"] == []
    assert np.isnan(facts["bone_ratio"]) and facts["body_frames"] == 0


def test_never_seen_is_asked_of_the_body_that_is_seen_first():
    """By it, all bodies are normalised."""
    frames = np.random.default_rng(0).normal(size=(12, 25, 2, 3)).astype(np.float32)
    frames[:, 0, 0] = np.nan
    assert np.flatnonzero(facts_of(frames, NTU)["never_V"]).tolist() == [0]
    frames[..., 0, :] = 0
    assert not facts_of(frames, NTU)["never_V"].any()


def test_where_infinity_is_first():
    frames = hand(0).frames_TxVxMxC.copy()
    frames[2, 1, 0, 0] = frames[8, 3] = np.inf
    assert facts_of(frames)["infinite"] == "frame 2, palm, and 1 more"


@pytest.mark.parametrize("frames", [1, 2, 40])
def test_a_recording_in_which_nothing_moves(frames):
    still = np.repeat(hand(0).frames_TxVxMxC[:1], frames, axis=0)
    assert facts_of(still)["still"]
    still[frames // 2, 7] = np.nan  # it is not seen meanwhile, and has not moved
    assert facts_of(still)["still"]
    assert facts_of(np.concatenate([still, np.zeros_like(still)]))["still"]
    assert not facts_of(np.concatenate([still, still + np.float32(1e-3)]))["still"]
    # A frame in which nobody is seen is dropped before training, and what has moved meanwhile has moved.
    assert not facts_of(np.concatenate([still[:1], np.zeros_like(still), still[:1] + np.float32(1e-3)]))["still"]


def test_nothing_is_known_of_a_recording_in_which_nobody_is_seen():
    facts = facts_of(np.zeros((3, 22, 1, 3), np.float32))
    assert facts["seen"] == 0 and not facts["still"] and facts["fingerprint"] == "" and not facts["never_V"].any()


@pytest.mark.parametrize("frames", [np.zeros((3, 22, 1, 3)), np.ones((1, 22, 1, 3)), np.full((11, 22, 1, 3), 1e30)])
def test_odd_recordings_are_no_trouble(frames):
    seen = gather(hand(0, frames_TxVxMxC=frames.astype(np.float32)), hand(1))
    assert np.isnan(seen.facts[0]["bone_ratio"]) and np.isfinite(seen.distances.mean()).all()
    assert seen.samples[0].name == "hand_1"


def test_one_sample_a_class_whatever_the_order():
    hands = [hand(number, label=number % 3) for number in range(12)]
    chosen = {label: sample.name for label, sample in gather(*hands).samples.items()}
    assert sorted(chosen) == [0, 1, 2]
    assert {label: sample.name for label, sample in gather(*hands[::-1]).samples.items()} == chosen
    assert gather(*hands).samples[1].title == HANDS.class_names[1]


def test_samples_are_of_the_training_part_where_it_has_the_class():
    hands = [("test", hand(number, label=number % 2)) for number in range(8)] + [("train", hand(8, label=1))]
    samples = survey.gather(hands, HANDS).samples
    assert samples[1].name == "hand_8" and samples[0].name.startswith("hand_")


def test_a_joint_that_does_not_move_at_all():
    frames = waving()
    assert not survey.still_joints(frames).any()
    frames[:, 3] = frames[0, 3]
    assert survey.still_joints(frames).tolist() == [False, False, False, True, False]
    frames[5:8, 3] = np.nan
    assert survey.still_joints(frames).tolist() == [False, False, False, True, False]
    frames[11, 3, 1] += 1e-6
    assert not survey.still_joints(frames).any()


def test_a_few_frames_do_not_tell_whether_a_joint_stands_still():
    frames = np.repeat(waving(1), MIN_FRAMES, axis=0)
    assert survey.still_joints(frames).all()
    assert not survey.still_joints(frames[1:]).any()


def test_one_joint_may_be_the_origin_of_every_frame():
    frames = waving()
    frames -= frames[:, :1]
    assert not survey.still_joints(frames).any()
    frames[:, 3] = np.nan
    assert not survey.still_joints(frames).any()
    frames[:, 4] = 0
    assert np.flatnonzero(survey.still_joints(frames)).tolist() == [0, 4]


def test_a_joint_that_is_elsewhere_for_one_frame():
    frames = waving()
    assert survey.jumps(frames) == []
    frames[9, 4] += 3
    there, back = sorted(survey.jumps(frames), key=lambda jump: jump[1])
    assert there[1:] == (9, 4) and back[1:] == (10, 4)
    size = np.median(np.linalg.norm(np.ptp(frames, axis=1), axis=1))
    assert there[0] == pytest.approx(np.sqrt(27) / size, rel=0.05)


def test_the_farthest_jump_comes_first():
    frames = hand(0).frames_TxVxMxC[:1] + 0.01 * np.arange(FRAMES, dtype=np.float32)[:, None, None, None]
    frames[9, 4] += 5
    frames[15, 6] += 20
    distances = [distance for distance, *_ in facts_of(frames)["jumps"]]
    assert len(distances) == 4 and distances == sorted(distances, reverse=True)


def test_a_fast_movement_is_no_jump():
    frames = waving()
    frames[8:13, 3] += np.array([1, 2, 3, 2, 1])[:, None]
    assert survey.jumps(frames) == []


def test_a_body_that_walks_fast_does_not_jump_and_one_that_is_elsewhere_does():
    assert survey.jumps(waving() + 2.0 * np.arange(FRAMES)[:, None, None]) == []
    moved = waving()
    moved[12:] += 6
    ((distance, frame, joint),) = survey.jumps(moved)
    assert (frame, joint) == (12, -1) and distance > 1


@pytest.mark.parametrize("joints", [slice(None), 4])
def test_what_was_away_meanwhile_does_not_jump(joints):
    frames = waving()
    frames[10, joints] = np.nan
    frames[11:, joints] += 6
    assert survey.jumps(frames) == []


def test_few_frames_do_not_tell_what_is_sudden():
    frames = waving(3)
    frames[1, 4] += 3
    assert survey.jumps(frames) == []
    assert survey.jumps(frames[:1]) == []


def test_bone_lengths():
    frames = waving()
    length_B, change_B = survey.bone_lengths(frames, ARM)
    np.testing.assert_allclose(length_B, 1, rtol=1e-5)
    np.testing.assert_allclose(change_B, 0, atol=1e-3)
    frames[::2, 3] += frames[::2, 3] - frames[::2, 2]  # the hand's bone is 2 in every other frame
    frames[MIN_FRAMES - 1 :, 4] = np.nan
    length_B, change_B = survey.bone_lengths(frames, ARM)
    assert length_B[2] == pytest.approx(1.5, rel=1e-5) and change_B[2] == pytest.approx(1 / 3, rel=1e-4)
    assert np.isnan(length_B[3]) and np.isnan(change_B[3])
