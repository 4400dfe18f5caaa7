"""Position encoding: which joint and which frame a feature belongs to (Eq. 5)."""

from typing import Literal

import numpy as np

Position = Literal["decoupled", "unified", "none"]
Axis = Literal["spatial", "temporal"]


def sinusoid_PxC(positions: int, channels: int) -> np.ndarray:
    """Eq. 5: sin and cos of the position at wavelengths from 2 pi to 10000 * 2 pi, channel by channel in turn.

    Args:
      positions: P, counted from 0.
      channels: C, of the features that the encoding is added to.

    Returns:
      float64, P x C: sin in the even channels, cos in the odd ones.
    """
    channel_C = np.arange(channels)
    frequency_C = 10000.0 ** (-(channel_C // 2 * 2) / channels)
    angle_PxC = np.arange(positions)[:, None] * frequency_C
    return np.where(channel_C % 2 == 0, np.sin(angle_PxC), np.cos(angle_PxC))


def encoding(position: Position, axis: Axis, frames: int, joints: int, channels: int) -> np.ndarray | None:
    """The position encoding of an attention module, ready to be broadcast over T x V x C features.

    Args:
      position: `decoupled` counts the joints in a spatial module and the frames in a temporal one; `unified`
        counts the joints within a frame and goes on through the frames; `none` has no encoding (Table 1).
      axis: which module it is for.
      frames: T of the module's input.
      joints: V of the module's input.
      channels: C of the module's input.

    Returns:
      1 x V x C, T x 1 x C, T x V x C or None.
    """
    if position == "none":
        return None
    if position == "unified":
        return sinusoid_PxC(frames * joints, channels).reshape(frames, joints, channels)
    if axis == "spatial":
        return sinusoid_PxC(joints, channels)[None, :, :]
    return sinusoid_PxC(frames, channels)[:, None, :]
