"""Landmarks as MediaPipe's Python API gives them, a result a frame, to an array of joints.

The tasks' results hold `hand_landmarks`, `hand_world_landmarks`, `pose_landmarks`, ...: a list of landmarks for each
hand or person, or, of the holistic task, one such list. The older solutions' hold `multi_hand_landmarks`,
`pose_landmarks`, ..., whose members have a list `landmark`. MediaPipe need not be installed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dsta_jax.datasets.benchmark import CHANNELS, Channels
from dsta_jax.datasets.layouts import MEDIAPIPE_HAND_21, MEDIAPIPE_POSE_33
from dsta_jax.datasets.recording import check_size
from dsta_jax.errors import UserError, shown

_PARTS = ("hand_landmarks", "multi_hand_landmarks", "pose_landmarks")
_ATTRIBUTES = {"x": "x", "y": "y", "z": "z", "c": "visibility"}
_SIDES = ("Left", "Right")


def to_array(
    results: Sequence[Any], part: str | None = None, channels: Channels = "xyz", bodies: int = 1
) -> np.ndarray:
    """The joints of T results, one a frame; None is a frame in which nobody was seen.

    Args:
      results: what the detector gave, in the order of the frames.
      part: the attribute that is read, such as `pose_world_landmarks`; found out where there is only one choice.
      channels: x and y in parts of the picture (in metres in world landmarks), z, and c for the visibility.
      bodies: how many hands or people are kept; of two hands the left one is the first, as MediaPipe calls them.

    Returns:
      T x V x C float32, or T x V x M x C for M > 1 bodies; NaN where nobody is seen.

    Raises:
      UserError: when the results hold no such part, or landmarks of another number or without a visibility.
    """
    if channels not in CHANNELS:
        raise UserError(f"channels {channels!r}, expected one of {', '.join(CHANNELS)}")
    part = part or _only_part(results)
    found = [_bodies(f"results[{frame}].{part}", result, part, bodies) for frame, result in enumerate(results)]
    joints = next((len(body) for people in found for body in people.values()), 0) or _joints(part)
    try:
        check_size(len(found), bodies, joints, len(channels))
    except ValueError as error:
        raise UserError(f"results: {error}") from None
    frames_TxVxMxC = np.full((len(found), joints, bodies, len(channels)), np.nan, np.float32)
    for frame, people in enumerate(found):
        for body, landmarks in people.items():
            place = f"results[{frame}].{part}"
            if len(landmarks) != joints:
                raise UserError(f"{place}: {len(landmarks)} landmarks, expected {joints} as in the frames before")
            frames_TxVxMxC[frame, :, body] = [_numbers(place, landmark, channels) for landmark in landmarks]
    return frames_TxVxMxC if bodies > 1 else frames_TxVxMxC[:, :, 0]


def _only_part(results: Sequence[Any]) -> str:
    """The part that all results have, if there is only one choice."""
    first = next((result for result in results if result is not None), None)
    there = [part for part in _PARTS if hasattr(first, part)]
    if len(there) != 1 or hasattr(first, "left_hand_landmarks"):
        found = ", ".join(name for name in dir(first) if name.endswith("landmarks")) or "none"
        raise UserError(f"results hold the landmarks {found}; say by part which of them are the joints")
    return there[0]


def _joints(part: str) -> int:
    """How many landmarks there are where none are seen."""
    if "hand" in part or "pose" in part:
        return len((MEDIAPIPE_HAND_21 if "hand" in part else MEDIAPIPE_POSE_33).joints)
    raise UserError(f"results: nobody is seen in {part}, expected somebody in one of them")


def _bodies(place: str, result: Any, part: str, bodies: int) -> dict[int, Sequence[Any]]:
    """The landmarks of each body that is kept, by its number."""
    if result is None:
        return {}
    if not hasattr(result, part):
        raise UserError(f"{place}: there is no such landmark in {type(result).__name__}")
    people = getattr(result, part)
    if people is None:
        return {}
    people = [people] if hasattr(people, "landmark") or hasattr(next(iter(people), None), "x") else people
    listed = [getattr(person, "landmark", person) for person in people]
    sides = _sides(result) if bodies > 1 and "hand" in part else []
    if len(sides) == len(listed) and len(set(sides)) == len(sides) and set(sides) <= set(_SIDES):
        return {_SIDES.index(side): landmarks for side, landmarks in zip(sides, listed, strict=True)}
    return {body: landmarks for body, landmarks in enumerate(listed[:bodies]) if len(landmarks)}


def _sides(result: Any) -> list[str]:
    """Which hand each of them is."""
    listed = getattr(result, "handedness", None) or getattr(result, "multi_handedness", None) or []
    best = [next(iter(getattr(hand, "classification", hand)), None) for hand in listed]
    return [str(getattr(one, "category_name", None) or getattr(one, "label", None)) for one in best]


def _numbers(place: str, landmark: Any, channels: str) -> list[float]:
    values: list[Any] = [getattr(landmark, _ATTRIBUTES[channel], None) for channel in channels]
    for channel, value in zip(channels, values, strict=True):
        if not isinstance(value, int | float):
            raise UserError(f"{place}: {_ATTRIBUTES[channel]} is {shown(value)}, expected a number; choose channels")
    return values
