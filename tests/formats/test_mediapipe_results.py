"""MediaPipe's landmark results, by objects that look like them, and by its own classes where it is installed."""

import dataclasses
import types
from typing import Any

import numpy as np
import pytest

from dsta_jax.errors import UserError
from dsta_jax.formats.mediapipe_results import to_array

HAND_VxC = np.arange(84, dtype=np.float32).reshape(21, 4) / 64
POSE_VxC = np.arange(132, dtype=np.float32).reshape(33, 4) / 64


def landmarks(joints_VxC: np.ndarray) -> list[Any]:
    names = ("x", "y", "z", "visibility")
    return [types.SimpleNamespace(**dict(zip(names, one, strict=True)), name=None) for one in joints_VxC.tolist()]


def result(**attributes: Any) -> Any:
    return types.SimpleNamespace(**attributes)


def older(joints_VxC: np.ndarray) -> Any:
    return result(landmark=landmarks(joints_VxC))


def category(side: str) -> list[Any]:
    return [result(category_name=side, score=0.9)]


def test_a_hand_of_tasks_and_of_solutions():
    tasks = [
        result(hand_landmarks=[landmarks(HAND_VxC)], hand_world_landmarks=[landmarks(HAND_VxC + 1)], handedness=[])
    ]
    tasks = [None, *tasks, result(hand_landmarks=[], hand_world_landmarks=[], handedness=[])]
    solutions = [result(multi_hand_landmarks=None), result(multi_hand_landmarks=[older(HAND_VxC)]), None]
    for results in (tasks, solutions):
        found = to_array(results)
        assert found.shape == (3, 21, 3) and found.dtype == np.float32
        np.testing.assert_array_equal(found[1], HAND_VxC[:, :3])
        assert np.isnan(found[[0, 2]]).all()
    np.testing.assert_array_equal(to_array(tasks, "hand_world_landmarks", "xy")[1], HAND_VxC[:, :2] + 1)


def test_hands_are_told_apart_by_their_side():
    left, right = landmarks(HAND_VxC), landmarks(HAND_VxC + 1)
    results = [
        result(hand_landmarks=[right, left], handedness=[category("Right"), category("Left")]),
        result(hand_landmarks=[right], handedness=[category("Right")]),
        result(hand_landmarks=[right, left], handedness=[category("Right"), category("Right")]),
    ]
    found = to_array(results, bodies=2)
    assert found.shape == (3, 21, 2, 3)
    np.testing.assert_array_equal(found[0, :, 1], HAND_VxC[:, :3] + 1)
    assert np.isnan(found[1, :, 0]).all() and found[1, 0, 1, 0] == 1
    assert found[2, 0, :, 0].tolist() == [1, 0]  # Two right hands stay as they are listed.
    classified = [result(classification=[result(label="Right")]), result(classification=[result(label="Left")])]
    older_result = result(multi_hand_landmarks=[older(HAND_VxC + 1), older(HAND_VxC)], multi_handedness=classified)
    assert to_array([older_result], bodies=2)[0, 0, :, 0].tolist() == [0, 1]
    assert to_array(results)[0, 0, 0] == 1  # Of one hand, the first that is listed.


def test_a_pose_and_its_visibility():
    for one in ([landmarks(POSE_VxC)], older(POSE_VxC)):
        found = to_array([result(pose_landmarks=one), result(pose_landmarks=None)], channels="xyzc")
        np.testing.assert_array_equal(found[0], POSE_VxC)
        assert found.shape == (2, 33, 4) and np.isnan(found[1]).all()


def test_of_the_holistic_task():
    one = result(pose_landmarks=landmarks(POSE_VxC), left_hand_landmarks=landmarks(HAND_VxC), right_hand_landmarks=[])
    np.testing.assert_array_equal(to_array([one], "left_hand_landmarks")[0], HAND_VxC[:, :3])
    assert np.isnan(to_array([one], "right_hand_landmarks")).all()
    with pytest.raises(UserError, match="results hold the landmarks left_hand_landmarks, pose_.*; say by part which"):
        to_array([one])


def test_nobody_is_seen():
    assert to_array([result(pose_landmarks=[])] * 4).shape == (4, 33, 3)
    with pytest.raises(UserError, match="results: nobody is seen in face_landmarks, expected somebody in one"):
        to_array([result(face_landmarks=[])], "face_landmarks")


BAD: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "nothing": ([None], {}, "results hold the landmarks none; say by part which of them are the joints"),
    "no such part": (
        [result(a=1)],
        {"part": "pose_landmarks"},
        r"results\[0\].pose_landmarks: there is no such landmark",
    ),
    "other joints": (
        [result(hand_landmarks=[landmarks(HAND_VxC)]), result(hand_landmarks=[landmarks(HAND_VxC[:20])])],
        {},
        r"results\[1\].hand_landmarks: 20 landmarks, expected 21 as in the frames before",
    ),
    "no visibility": (
        [result(hand_landmarks=[[result(x=1.0, y=2.0, z=3.0, visibility=None)]])],
        {"channels": "xyzc"},
        r"results\[0\].hand_landmarks: visibility is None, expected a number; choose channels",
    ),
    "channels": ([], {"channels": "yx"}, "channels 'yx', expected one of xyz, xy, xyzc, xyc"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(case):
    results, options, message = BAD[case]
    with pytest.raises(UserError, match=message):
        to_array(results, **options)


def test_mediapipes_own_classes():
    vision = pytest.importorskip("mediapipe.tasks.python.vision", reason="mediapipe is not installed")
    containers = pytest.importorskip(
        "mediapipe.tasks.python.components.containers", reason="mediapipe is not installed"
    )
    own = [containers.NormalizedLandmark(*one) for one in HAND_VxC[:, :3].tolist()]
    side = [containers.Category(index=0, score=0.9, display_name="Right", category_name="Right")]
    seen = vision.HandLandmarkerResult(handedness=[side], hand_landmarks=[own], hand_world_landmarks=[own])
    assert dataclasses.is_dataclass(seen)
    np.testing.assert_array_equal(to_array([seen])[0], HAND_VxC[:, :3])
    np.testing.assert_array_equal(to_array([seen], bodies=2)[0, :, 1], HAND_VxC[:, :3])
