"""Normalisation: from a camera's coordinates to ones that do not depend on where and how large a body is.

Pure functions of numpy sequences `frames_TxVxMxC`, float32. A body that was not seen in a frame is zeros there, and
stays exactly zero.
"""

import numpy as np

# Joints by number, as in `layouts.py`.
_WRIST, _MIDDLE_BASE = 0, 10
_SHOULDER_CENTER, _HIP_CENTER = 1, 3


def seen_bodies(frames_TxVxMxC: np.ndarray) -> np.ndarray:
    """TxM booleans: True where a body was seen, that is, where not all of its coordinates are zero."""
    return np.asarray((frames_TxVxMxC != 0).any(axis=(1, 3)))


def center(frames_TxVxMxC: np.ndarray, joint: int) -> np.ndarray:
    """Moves the origin to `joint` of the first body, in the first frame in which that body was seen.

    Returns:
      TxVxMxC float32; absent bodies stay zero.

    Raises:
      ValueError: when the first body is seen in no frame.
    """
    seen_TxM = seen_bodies(frames_TxVxMxC)
    if not seen_TxM[:, 0].any():
        raise ValueError(f"no body is seen in any of the {len(frames_TxVxMxC)} frames, expected one at least")
    first = int(np.argmax(seen_TxM[:, 0]))
    centered_TxVxMxC = frames_TxVxMxC - frames_TxVxMxC[first, joint, 0]
    return np.where(seen_TxM[:, None, :, None], centered_TxVxMxC, np.float32(0))


def bone_lengths(frames_TxVxMxC: np.ndarray, bone: tuple[int, int]) -> np.ndarray:
    """Lengths of the first body's bone between two joints, in the frames where it is not zero; at least one.

    Raises:
      ValueError: when the bone has no length in any frame.
    """
    start, end = bone
    offsets_TxC = frames_TxVxMxC[:, start, 0] - frames_TxVxMxC[:, end, 0]
    # One norm a frame: `norm` of a vector and `norm` along an axis differ in the last bit.
    lengths_T = np.array([np.linalg.norm(offset_C) for offset_C in offsets_TxC], dtype=np.float32)
    if not lengths_T.any():
        raise ValueError(f"the bone of joints {start} and {end} has length 0 in every frame: nothing to scale by")
    return np.extract(lengths_T != 0, lengths_T)


def normalize_shrec(frames_TxVxMxC: np.ndarray) -> np.ndarray:
    """SHREC'17: origin at the first frame's wrist, unit the length from the wrist to the middle finger's base.

    The length is that of the first frame in which it is not zero (Shi et al., ACCV 2020, the authors' preparation).

    Args:
      frames_TxVxMxC: V = 22 joints of `HAND_22`, metres.

    Returns:
      TxVxMxC float32, without unit.

    Raises:
      ValueError: when no hand is seen, or the length is zero in every frame.
    """
    centered_TxVxMxC = center(frames_TxVxMxC, _WRIST)
    lengths_T = bone_lengths(centered_TxVxMxC, (_WRIST, _MIDDLE_BASE))
    scaled_TxVxMxC: np.ndarray = centered_TxVxMxC / lengths_T[0]
    return scaled_TxVxMxC


def normalize_utd_mhad(frames_TxVxMxC: np.ndarray) -> np.ndarray:
    """UTD-MHAD: origin at the first frame's hip center, unit the trunk (hip center to shoulder center).

    The choice is this project's own; the paper has no such set. The trunk is the longest bone that the gestures leave
    in sight. Its length is the median over the frames: Kinect v1 sees a sitting person's trunk up to 23% shorter or
    longer in the first frame than in most others.

    Args:
      frames_TxVxMxC: V = 20 joints of `UTD_MHAD_20`, metres.

    Returns:
      TxVxMxC float32, without unit.

    Raises:
      ValueError: when no body is seen, or the trunk has length zero in every frame.
    """
    centered_TxVxMxC = center(frames_TxVxMxC, _HIP_CENTER)
    lengths_T = bone_lengths(centered_TxVxMxC, (_HIP_CENTER, _SHOULDER_CENTER))
    scaled_TxVxMxC: np.ndarray = centered_TxVxMxC / np.median(lengths_T)
    return scaled_TxVxMxC
