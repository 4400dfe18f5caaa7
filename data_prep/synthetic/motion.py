"""What synthetic hands and bodies share: draws that depend on a key alone, and smooth ways through time.

Letters in names: K keys, T frames, P numbers of a pose, W tracks side by side.
"""

import numpy as np


def generator(*key: int) -> np.random.Generator:
    """Draws that depend on the key alone, so that no recording depends on another."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


def ease(seconds_K: np.ndarray, time_T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From key to key with least jerk, at rest in each.

    Args:
      seconds_K: how long it takes to each key from the one before; that of the first is not counted.
      time_T: seconds, from 0.

    Returns:
      left_T, the key that was left last, and eased_T, which part of the way to the next is done, 0 to 1.
    """
    when_K = np.cumsum([0.0, *seconds_K[1:]])
    left_T = np.clip(np.searchsorted(when_K, time_T, side="right") - 1, 0, len(seconds_K) - 2)
    lasts_T = np.maximum(when_K[left_T + 1] - when_K[left_T], 1e-9)
    return left_T, least_jerk(np.clip((time_T - when_K[left_T]) / lasts_T, 0.0, 1.0))


def least_jerk(part_T: np.ndarray) -> np.ndarray:
    """How far a movement from rest to rest is after a part of its time; 0 to 1, both."""
    return part_T**3 * (10.0 - 15.0 * part_T + 6.0 * part_T**2)


def wander(rng: np.random.Generator, frames: int, width: int, cycles: float) -> np.ndarray:
    """Smooth random tracks of standard deviation about 1, T x `width`, with up to so many cycles a recording."""
    frequency_3x1xW = rng.uniform(0.2, cycles, (3, 1, width))
    phase_3x1xW = rng.uniform(0.0, 2.0 * np.pi, (3, 1, width))
    part_Tx1 = np.linspace(0.0, 1.0, frames)[:, np.newaxis]
    waves_3xTxW = np.sin(2.0 * np.pi * frequency_3x1xW * part_Tx1 + phase_3x1xW)
    return np.sqrt(2.0 / 3.0) * waves_3xTxW.sum(axis=0)


def rotation_about(axis: int, angle_T: np.ndarray) -> np.ndarray:
    """The right-handed rotations by `angle_T` (radians) about coordinate axis 0, 1 or 2, as T x 3 x 3."""
    angle_T = np.asarray(angle_T, dtype=np.float64)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    rotation_TxCxC = np.zeros((*angle_T.shape, 3, 3))
    rotation_TxCxC[..., axis, axis] = 1.0
    rotation_TxCxC[..., first, first] = rotation_TxCxC[..., second, second] = np.cos(angle_T)
    rotation_TxCxC[..., second, first] = np.sin(angle_T)
    rotation_TxCxC[..., first, second] = -np.sin(angle_T)
    return rotation_TxCxC
