"""Position encoding: which joint and which frame a feature belongs to (Eq. 5)."""

from typing import Literal

import numpy as np

Position = Literal["decoupled", "unified", "none"]
Axis = Literal["spatial", "temporal"]


def sinusoid_PxC(positions: int, channels: int) -> np.ndarray:
    """Eq. 5 for positions from 0, in float64: sin in the even channels, cos in the odd ones.

    The wavelengths go from 2 pi to 10000 * 2 pi, channel by channel in turn.
    """
    channel_C = np.arange(channels)
    frequency_C = 10000.0 ** (-(channel_C // 2 * 2) / channels)
    angle_PxC = np.arange(positions)[:, None] * frequency_C
    return np.where(channel_C % 2 == 0, np.sin(angle_PxC), np.cos(angle_PxC))


def encoding(position: Position, axis: Axis, frames: int, joints: int, channels: int) -> np.ndarray | None:
    """The encoding that an attention module adds to its T x V x C input; 1 x V x C, T x 1 x C, T x V x C or None.

    `decoupled` counts the joints in a spatial module and the frames in a temporal one; `unified` counts the joints
    within a frame and goes on through the frames; `none` has no encoding (Table 1).
    """
    if position == "none":
        return None
    if position == "unified":
        return sinusoid_PxC(frames * joints, channels).reshape(frames, joints, channels)
    if axis == "spatial":
        return sinusoid_PxC(joints, channels)[None, :, :]
    return sinusoid_PxC(frames, channels)[:, None, :]
