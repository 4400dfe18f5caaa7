"""A right hand of 22 joints: from bone lengths, joint angles and a palm frame to joint positions.

The palm frame starts at the wrist: x points to the little finger's side, y along the middle finger, z out of the back
of the hand. A hand whose palm frame is the world's stands upright, its palm turned away from the user.
Letters in names: T frames, V joints, C coordinates, F = 5 fingers from thumb to little finger.
"""

from typing import NamedTuple

import numpy as np

FINGERS = 5

# Metres, of a hand about 18 cm long: the palm's joint and the fingers' bases in the palm frame, then the phalanges.
_PALM_C = np.array((0.0, 0.050, 0.0))
_BASES_FxC = np.transpose(
    ((-0.024, -0.025, -0.003, 0.018, 0.036), (0.026, 0.090, 0.095, 0.088, 0.076), (-0.008, 0.0, 0.002, 0.0, -0.004))
)
_PHALANGES_Fx3 = np.array(
    ((0.044, 0.032, 0.026), (0.042, 0.026, 0.020), (0.046, 0.030, 0.021), (0.043, 0.028, 0.021), (0.034, 0.020, 0.018))
)


def rotation_about(axis: int, angle_T: np.ndarray) -> np.ndarray:
    """The right-handed rotations by `angle_T` (radians) about coordinate axis 0, 1 or 2: T x 3 x 3."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    rotation_TxCxC = np.tile(np.eye(3), (len(angle_T), 1, 1))
    rotation_TxCxC[:, first, first] = rotation_TxCxC[:, second, second] = np.cos(angle_T)
    rotation_TxCxC[:, second, first] = np.sin(angle_T)
    rotation_TxCxC[:, first, second] = -np.sin(angle_T)
    return rotation_TxCxC


# Where a straight finger points (turned to the left about z), and how its bending plane is turned about the finger.
_STRAIGHT_FxCxC = rotation_about(2, np.array((0.80, 0.06, 0.0, -0.06, -0.14))) @ rotation_about(
    1, np.array((-1.05, 0.0, 0.0, 0.0, 0.0))
)


class Hand(NamedTuple):
    """The lengths of one person's hand, in metres; places are in the palm frame, phalanges from the base outwards."""

    palm_C: np.ndarray
    bases_FxC: np.ndarray
    phalanges_Fx3: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Hand":
        """Draws a hand: 86% to 114% of the mean size, each bone up to 7% longer or shorter."""
        size = rng.uniform(0.86, 1.14)
        bases_FxC = size * _BASES_FxC * rng.uniform(0.93, 1.07, (FINGERS, 3))
        return cls(size * _PALM_C, bases_FxC, size * _PHALANGES_Fx3 * rng.uniform(0.93, 1.07, (FINGERS, 3)))


def joint_positions(
    hand: Hand, wrist_TxC: np.ndarray, palm_TxCxC: np.ndarray, flexion_TxFx3: np.ndarray, abduction_TxF: np.ndarray
) -> np.ndarray:
    """Forward kinematics: the joints in the order of `HAND_22`, T x V x C, in metres.

    The palm's frame is turned by `palm_TxCxC` and moved to `wrist_TxC`. Flexion bends the three joints of each finger
    (0 is straight), abduction leans a finger to the thumb's side, both in radians.
    """
    frames = len(wrist_TxC)
    bent_TxFx3, lean_TxFx1 = np.cumsum(flexion_TxFx3, axis=2), abduction_TxF[:, :, np.newaxis]
    bones_TxFx3xC = np.stack(
        (-np.sin(lean_TxFx1) * np.cos(bent_TxFx3), np.cos(lean_TxFx1) * np.cos(bent_TxFx3), -np.sin(bent_TxFx3)),
        axis=-1,
    )
    bones_TxFx3xC = np.einsum("fij,tfkj->tfki", _STRAIGHT_FxCxC, bones_TxFx3xC) * hand.phalanges_Fx3[:, :, np.newaxis]
    bases_TxFx1xC = np.broadcast_to(hand.bases_FxC[:, np.newaxis], (frames, FINGERS, 1, 3))
    fingers_TxFx4xC = np.cumsum(np.concatenate((bases_TxFx1xC, bones_TxFx3xC), axis=2), axis=2)
    wrist_and_palm_Tx2xC = np.broadcast_to((np.zeros(3), hand.palm_C), (frames, 2, 3))
    local_TxVxC = np.concatenate((wrist_and_palm_Tx2xC, fingers_TxFx4xC.reshape(frames, -1, 3)), axis=1)
    return np.einsum("tij,tvj->tvi", palm_TxCxC, local_TxVxC) + wrist_TxC[:, np.newaxis]
