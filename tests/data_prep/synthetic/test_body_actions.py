"""What tells the actions: each person's movements, before any camera sees them."""

from collections.abc import Callable

import numpy as np
import pytest

from data_prep.synthetic import body_scenes
from data_prep.synthetic.body_actions import SOLO_ACTIONS
from data_prep.synthetic.body_pairs import PAIR_ACTIONS
from dsta_jax.datasets.layouts import NTU_25
from dsta_jax.datasets.ntu_actions import NTU_ACTIONS

JOINT = {name: number for number, name in enumerate(NTU_25.joints)}
SIDES = ("left", "right")


def scenes(action: str) -> list[np.ndarray]:
    """Sixteen scenes of eight people: B x T x V x C."""
    number = NTU_ACTIONS.index(action) + 1
    return [body_scenes.perform(0, 1, subject, again, number) for subject in range(1, 9) for again in (1, 2)]


def solo(action: str) -> list[np.ndarray]:
    return [world_BxTxVxC[0] for world_BxTxVxC in scenes(action)]


def at(frames_TxVxC: np.ndarray, name: str) -> np.ndarray:
    return frames_TxVxC[..., JOINT[name], :]


def apart(frames_TxVxC: np.ndarray, first: str, second: str) -> np.ndarray:
    return np.linalg.norm(at(frames_TxVxC, first) - at(frames_TxVxC, second), axis=-1)


def either(frames_TxVxC: np.ndarray, measure: Callable[[np.ndarray, str], float], sides=max) -> float:
    """A measure of the side that has more (or less) of it: people do things with either hand."""
    return sides(measure(frames_TxVxC, side) for side in SIDES)


def turns(track_T: np.ndarray, least: float) -> int:
    """How often a track goes up or down by so much."""
    count, way, extreme = 0, 0, track_T[0]
    for value in track_T:
        if way * (value - extreme) > 0:
            extreme = value
        elif abs(value - extreme) > least:
            way, extreme, count = (1 if value > extreme else -1), value, count + 1
    return count


def test_names_are_ntus():
    assert {NTU_ACTIONS[number - 1] for number in body_scenes.ACTIONS} == {*SOLO_ACTIONS, *PAIR_ACTIONS}
    assert len(body_scenes.ACTIONS) == 20
    assert all((number >= 50) == (NTU_ACTIONS[number - 1] in PAIR_ACTIONS) for number in body_scenes.ACTIONS)


@pytest.mark.parametrize("action", [*SOLO_ACTIONS, *PAIR_ACTIONS])
def test_nothing_passes_the_floor_or_flies(action):
    for world_BxTxVxC in scenes(action):
        assert len(world_BxTxVxC) == (2 if action in PAIR_ACTIONS else 1)
        assert 26 <= world_BxTxVxC.shape[1] <= 300
        assert world_BxTxVxC[..., 1].min() > 0.0
        assert world_BxTxVxC[..., 1].max() < 2.7
        step_BxTxVxC = np.diff(world_BxTxVxC, axis=1)
        assert np.linalg.norm(step_BxTxVxC, axis=-1).max() < 0.6  # 18 m/s: a kick, a throw
        if action not in ("hop on one foot", "jump up", "cheer up"):
            lowest_BxT = world_BxTxVxC[:, :, [JOINT["left_foot"], JOINT["right_foot"]], 1].min(axis=-1)
            assert lowest_BxT.max() < 0.12, "one foot at least stands"


def test_sit_down_and_stand_up_are_opposite():
    for action, sign in (("sit down", -1), ("stand up", 1)):
        for frames_TxVxC in solo(action):
            height_T = at(frames_TxVxC, "spine_base")[:, 1]
            assert 0.25 < sign * (height_T[-1] - height_T[0]) < 0.55
            assert np.ptp(height_T[:3]) < 0.02 and np.ptp(height_T[-3:]) < 0.02
            knee_C, hip_C = (frames_TxVxC[0 if sign > 0 else -1, JOINT[f"left_{name}"]] for name in ("knee", "hip"))
            assert abs(knee_C[1] - hip_C[1]) < 0.15, "the thighs are level"


def test_jumps():
    def lowest(frames_TxVxC: np.ndarray) -> np.ndarray:
        return frames_TxVxC[..., 1].min(axis=1)

    assert all(lowest(frames_TxVxC).max() > 0.15 for frames_TxVxC in solo("jump up"))
    for frames_TxVxC in solo("hop on one foot"):
        assert lowest(frames_TxVxC).max() > 0.07
        assert turns(lowest(frames_TxVxC), least=0.04) >= 5
        assert either(frames_TxVxC, lambda frames, side: np.median(at(frames, f"{side}_ankle")[:, 1])) > 0.09
    assert all(lowest(frames_TxVxC).max() < 0.12 for frames_TxVxC in solo("kick something"))


def test_a_kick_is_one_foot_far_and_high_for_a_moment():
    for frames_TxVxC in solo("kick something"):
        high = either(frames_TxVxC, lambda frames, side: at(frames, f"{side}_ankle")[:, 1].max())
        fast = either(
            frames_TxVxC,
            lambda frames, side: np.linalg.norm(np.diff(at(frames, f"{side}_ankle"), axis=0), axis=1).max(),
        )
        assert high > 0.18 and 30 * fast > 2.5


def test_pick_up_reaches_down_and_bow_does_not():
    def lowest_hand(frames_TxVxC: np.ndarray) -> float:
        return either(frames_TxVxC, lambda frames, side: at(frames, f"{side}_hand")[:, 1].min(), sides=min)

    assert all(lowest_hand(frames_TxVxC) < 0.45 for frames_TxVxC in solo("pick up"))
    for frames_TxVxC in solo("nod or bow"):
        above_T = at(frames_TxVxC, "head")[:, 1] - at(frames_TxVxC, "spine_base")[:, 1]
        assert lowest_hand(frames_TxVxC) > 0.45
        assert above_T[0] - above_T.min() > 0.06
        assert abs(above_T[-1] - above_T[0]) < 0.04


def test_hands_at_the_head():
    def nearest(frames_TxVxC: np.ndarray, side: str) -> float:
        return apart(frames_TxVxC, f"{side}_hand", "head").min()

    for action, least, most in (("drink water", 0.08, 0.35), ("salute", 0.05, 0.3)):
        for frames_TxVxC in solo(action):
            assert least < either(frames_TxVxC, nearest, sides=min) < most
            assert either(frames_TxVxC, nearest) > 0.4, "the other hand stays below"


def test_point_stretches_one_arm():
    def stretched(frames_TxVxC: np.ndarray, side: str) -> float:
        arm_TxC = at(frames_TxVxC, f"{side}_hand") - at(frames_TxVxC, f"{side}_shoulder")
        level_T = np.hypot(arm_TxC[:, 0], arm_TxC[:, 2]) / np.linalg.norm(arm_TxC, axis=1).max()
        return level_T.max()

    for frames_TxVxC in solo("point to something"):
        assert either(frames_TxVxC, stretched) > 0.8 > either(frames_TxVxC, stretched, sides=min)


def test_clap_wave_and_cheer_repeat():
    for frames_TxVxC in solo("clap"):
        gap_T = apart(frames_TxVxC, "left_hand", "right_hand")
        assert gap_T.min() < 0.13 and turns(gap_T, least=0.05) >= 5
    for frames_TxVxC in solo("wave a hand"):

        def waves(frames_TxVxC: np.ndarray, side: str) -> int:
            hand_TxC = at(frames_TxVxC, f"{side}_hand") - at(frames_TxVxC, "spine_shoulder")
            raised_T = hand_TxC[:, 1] > 0.05
            across_C = at(frames_TxVxC, "left_shoulder")[0] - at(frames_TxVxC, "right_shoulder")[0]
            return turns(hand_TxC[raised_T] @ across_C, least=0.015) if raised_T.sum() > 5 else 0

        assert either(frames_TxVxC, waves) >= 3
        assert either(frames_TxVxC, waves, sides=min) == 0
    for frames_TxVxC in solo("cheer up"):
        above_TxS = np.stack([at(frames_TxVxC, f"{side}_hand")[:, 1] for side in SIDES], axis=1)
        above_TxS = above_TxS - at(frames_TxVxC, "head")[:, 1:2]
        assert above_TxS.max(axis=0).min() > 0.1
        assert turns(above_TxS[:, 0], least=0.05) >= 3


def test_a_throw_is_fast_forwards():
    for frames_TxVxC in solo("throw"):

        def fastest(frames_TxVxC: np.ndarray, side: str) -> float:
            forwards_C = np.cross(
                at(frames_TxVxC, "left_hip")[0] - at(frames_TxVxC, "right_hip")[0], np.array((0.0, 1.0, 0.0))
            )
            forwards_C /= np.linalg.norm(forwards_C)
            steps_T = np.diff(at(frames_TxVxC, f"{side}_hand") @ forwards_C)
            return 30 * steps_T.max()

        assert either(frames_TxVxC, fastest) > 3.0


# Two people.


def distance(world_BxTxVxC: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(at(world_BxTxVxC, "spine_base")[..., [0, 2]], axis=0)[0], axis=-1)


def test_pairs_begin_face_to_face():
    for action in PAIR_ACTIONS:
        for world_BxTxVxC in scenes(action):
            between_C = at(world_BxTxVxC, "spine_base")[1, 0] - at(world_BxTxVxC, "spine_base")[0, 0]
            for body, sign in ((0, 1), (1, -1)):
                left_C = at(world_BxTxVxC, "left_hip")[body, 0] - at(world_BxTxVxC, "right_hip")[body, 0]
                forwards_C = np.cross(left_C, (0.0, 1.0, 0.0))
                assert sign * forwards_C @ between_C > 0.9 * np.linalg.norm(forwards_C) * np.linalg.norm(between_C)


def test_walks_change_the_distance():
    for world_BxTxVxC in scenes("walk towards each other"):
        assert distance(world_BxTxVxC)[0] - distance(world_BxTxVxC)[-1] > 0.9
    for world_BxTxVxC in scenes("walk apart"):
        assert distance(world_BxTxVxC)[-1] - distance(world_BxTxVxC)[0] > 1.2


def test_hands_meet_in_a_handshake():
    for world_BxTxVxC in scenes("shake hands"):
        gaps = [
            np.linalg.norm(at(world_BxTxVxC[0], f"{side}_hand") - at(world_BxTxVxC[1], f"{side}_hand"), axis=1).min()
            for side in SIDES
        ]
        assert min(gaps) < 0.12 < max(gaps)
        assert 0.5 < distance(world_BxTxVxC).min() < 1.1


def test_hugs_are_close():
    for world_BxTxVxC in scenes("hug somebody"):
        assert 0.2 < distance(world_BxTxVxC).min() < 0.5
        assert np.median(distance(world_BxTxVxC)[[0, -1]]) > 0.42


@pytest.mark.parametrize("action", ["punch or slap somebody", "push somebody"])
def test_one_strikes_and_the_other_goes_back(action):
    for world_BxTxVxC in scenes(action):
        best = np.inf
        for side in SIDES:
            for part in ("head", "spine_shoulder", "spine_middle"):
                hand_TxC = at(world_BxTxVxC[0], f"{side}_hand_tip")
                best = min(best, np.linalg.norm(hand_TxC - at(world_BxTxVxC[1], part), axis=1).min())
        assert best < 0.4
        moved_C = at(world_BxTxVxC[1], "spine_base")[-1] - at(world_BxTxVxC[1], "spine_base")[0]
        away_C = at(world_BxTxVxC[1], "spine_base")[0] - at(world_BxTxVxC[0], "spine_base")[0]
        assert moved_C @ away_C / np.linalg.norm(away_C) > 0.08


# What tells nothing.


def test_either_hand_is_used():
    left = sum(
        apart(frames_TxVxC, "left_hand", "head").min() < apart(frames_TxVxC, "right_hand", "head").min()
        for action in ("drink water", "salute", "wave a hand")
        for frames_TxVxC in solo(action)
    )
    assert 5 <= left <= 43


def test_subjects_strike_and_are_struck():
    strikes = 0
    for subject in range(1, 9):
        for again in (1, 2):
            striker_TxVxC = body_scenes.perform(0, 1, subject, again, NTU_ACTIONS.index("push somebody") + 1)[0]
            thigh = body_scenes.habits_of(0, subject).body.thigh
            strikes += abs(apart(striker_TxVxC, "left_hip", "left_knee")[0] - thigh) < 1e-6
    assert 3 <= strikes <= 13


def test_the_same_scene_is_the_same():
    body_scenes.perform.cache_clear()
    first = body_scenes.perform(3, 1, 2, 1, 58).copy()
    body_scenes.perform.cache_clear()
    np.testing.assert_array_equal(body_scenes.perform(3, 1, 2, 1, 58), first)
    others = [(4, 1, 2, 1, 58), (3, 2, 2, 1, 58), (3, 1, 3, 1, 58), (3, 1, 2, 2, 58)]
    assert all(
        body_scenes.perform(*other).shape != first.shape or (body_scenes.perform(*other) != first).any()
        for other in others
    )
