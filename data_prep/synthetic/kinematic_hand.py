"""A right hand of 22 joints: from bone lengths, joint angles and a palm frame to joint positions.

The palm frame starts at the wrist: x points to the little finger's side, y along the middle finger, z out of the back
of the hand. A hand whose palm frame is the world's stands upright, its palm turned away from the user.
Letters in names: T frames, V joints, C coordinates, F = 5 fingers from thumb to little finger.
"""

import dataclasses

import numpy as np

from data_prep.synthetic.motion import rotation_about
from dsta_jax.datasets.layouts import HAND_22

FINGERS = ("thumb", "index", "middle", "ring", "little")

# Metres, of a hand about 18 cm long: the palm's joint and the fingers' bases in the palm frame, then the phalanges.
_PALM_C = (0.0, 0.050, 0.0)
_BASES_FxC = (
    (-0.024, 0.026, -0.008),
    (-0.025, 0.090, 0.000),
    (-0.003, 0.095, 0.002),
    (0.018, 0.088, 0.000),
    (0.036, 0.076, -0.004),
)
_PHALANGES_Fx3 = (
    (0.044, 0.032, 0.026),
    (0.042, 0.026, 0.020),
    (0.046, 0.030, 0.021),
    (0.043, 0.028, 0.021),
    (0.034, 0.020, 0.018),
)
# Radians: where a straight finger points, to the left about z, and how its bending plane is turned about itself.
_SPLAY_F = (0.80, 0.06, 0.0, -0.06, -0.14)
_TURN_F = (-1.05, 0.0, 0.0, 0.0, 0.0)


@dataclasses.dataclass(frozen=True)
class Hand:
    """The lengths of one person's hand, in metres.

    Attributes:
      palm_C: the palm's joint in the palm frame.
      bases_FxC: the fingers' bases in the palm frame.
      phalanges_Fx3: the lengths of the three bones of each finger, from its base outwards.
    """

    palm_C: np.ndarray
    bases_FxC: np.ndarray
    phalanges_Fx3: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Hand":
        """Draws a hand: 86% to 114% of the mean size, its bones up to 7% off each."""
        size = rng.uniform(0.86, 1.14)
        return cls(
            palm_C=size * np.array(_PALM_C),
            bases_FxC=size * np.array(_BASES_FxC) * rng.uniform(0.93, 1.07, (len(FINGERS), 3)),
            phalanges_Fx3=size * np.array(_PHALANGES_Fx3) * rng.uniform(0.93, 1.07, (len(FINGERS), 3)),
        )


def joint_positions(
    hand: Hand,
    wrist_TxC: np.ndarray,
    palm_TxCxC: np.ndarray,
    flexion_TxFx3: np.ndarray,
    abduction_TxF: np.ndarray,
) -> np.ndarray:
    """Forward kinematics.

    Args:
      hand: the bone lengths, in metres.
      wrist_TxC: the wrist in the world, in metres.
      palm_TxCxC: the rotation that takes the palm frame to the world.
      flexion_TxFx3: how far the three joints of each finger are bent, in radians; 0 is straight.
      abduction_TxF: how far each finger leans to the thumb's side, in radians.

    Returns:
      The joints in the order of `HAND_22`, in metres: T x V x C.
    """
    bent_TxFx3 = np.cumsum(flexion_TxFx3, axis=2)
    lean_TxFx1 = abduction_TxF[:, :, np.newaxis]
    bones_TxFx3xC = np.stack(
        (-np.sin(lean_TxFx1) * np.cos(bent_TxFx3), np.cos(lean_TxFx1) * np.cos(bent_TxFx3), -np.sin(bent_TxFx3)),
        axis=-1,
    )
    straight_FxCxC = rotation_about(2, np.array(_SPLAY_F)) @ rotation_about(1, np.array(_TURN_F))
    bones_TxFx3xC = np.einsum("fij,tfkj->tfki", straight_FxCxC, bones_TxFx3xC)
    bones_TxFx3xC = bones_TxFx3xC * hand.phalanges_Fx3[:, :, np.newaxis]

    frames = len(wrist_TxC)
    fingers_TxFx4xC = np.empty((frames, len(FINGERS), 4, 3))
    fingers_TxFx4xC[:, :, 0] = hand.bases_FxC
    fingers_TxFx4xC[:, :, 1:] = hand.bases_FxC[:, np.newaxis] + np.cumsum(bones_TxFx3xC, axis=2)

    local_TxVxC = np.zeros((frames, len(HAND_22.joints), 3))
    local_TxVxC[:, HAND_22.joints.index("palm")] = hand.palm_C
    for number, finger in enumerate(FINGERS):
        base = HAND_22.joints.index(f"{finger}_base")
        local_TxVxC[:, base : base + 4] = fingers_TxFx4xC[:, number]
    return np.einsum("tij,tvj->tvi", palm_TxCxC, local_TxVxC) + wrist_TxC[:, np.newaxis]
