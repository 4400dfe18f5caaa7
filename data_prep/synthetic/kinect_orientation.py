"""Kinect v2's orientations: for each bone's far joint the rotation from the camera's axes to the bone's.

Letters in names: K bodies of all frames, V joints, J joints that have an orientation, C coordinates.
"""

import numpy as np

from dsta_jax.datasets.layouts import NTU_25

_SIDED = (("shoulder", "elbow", "wrist", "hand"), ("hip", "knee", "ankle"))
# Each oriented joint with the joint from which its bone comes; the ends of limbs and the head have no orientation.
_BONES = [("spine_base", "spine_middle"), ("spine_middle", "spine_shoulder"), ("spine_shoulder", "neck")]
_STARTS = {"shoulder": "spine_shoulder", "hip": "spine_base"}


def _bones() -> tuple[list[int], list[int], list[int]]:
    """Joint numbers: which have an orientation, and where the bone of each begins and ends."""
    named = {"spine_base": _BONES[0], **{end: (start, end) for start, end in _BONES}}
    for side in ("left", "right"):
        for limb in _SIDED:
            chain = (_STARTS[limb[0]], *(f"{side}_{joint}" for joint in limb))
            named |= {end: (start, end) for start, end in zip(chain[:-1], chain[1:], strict=True)}
    numbers = [(joint, *bone) for joint, bone in named.items()]
    oriented, starts, ends = ([NTU_25.joints.index(name) for name in names] for names in zip(*numbers, strict=True))
    return oriented, starts, ends


_ORIENTED, _BONE_START, _BONE_END = _bones()
_LEFT, _RIGHT, _TOP, _BASE = (
    NTU_25.joints.index(name) for name in ("left_shoulder", "right_shoulder", "spine_shoulder", "spine_base")
)


def orientations(joints_KxVxC: np.ndarray) -> np.ndarray:
    """Unit quaternions w x y z: y along the bone, z forwards as far as that goes; zeros for the ends. K x V x 4."""
    joints_CxKxV = np.ascontiguousarray(np.moveaxis(joints_KxVxC, -1, 0))
    left_CxKx1 = (joints_CxKxV[..., _LEFT] - joints_CxKxV[..., _RIGHT])[..., np.newaxis]
    up_CxKx1 = (joints_CxKxV[..., _TOP] - joints_CxKxV[..., _BASE])[..., np.newaxis]
    y_CxKxJ = _unit(joints_CxKxV[..., _BONE_END] - joints_CxKxV[..., _BONE_START])
    x_CxKxJ = _unit(_cross(y_CxKxJ, _cross(left_CxKx1, up_CxKx1)))
    quaternion_KxVx4 = np.zeros((*joints_KxVxC.shape[:-1], 4))
    quaternion_KxVx4[:, _ORIENTED] = np.moveaxis(_quaternions(x_CxKxJ, y_CxKxJ, _cross(x_CxKxJ, y_CxKxJ)), 0, -1)
    return quaternion_KxVx4


def _cross(a_CxKxJ: np.ndarray, b_CxKxJ: np.ndarray) -> np.ndarray:
    (ax, ay, az), (bx, by, bz) = a_CxKxJ, b_CxKxJ
    return np.stack((ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx))


def _unit(vectors_CxKxJ: np.ndarray) -> np.ndarray:
    x, y, z = vectors_CxKxJ
    return np.asarray(vectors_CxKxJ / np.maximum(np.sqrt(x * x + y * y + z * z), 1e-9))


def _quaternions(x_CxKxJ: np.ndarray, y_CxKxJ: np.ndarray, z_CxKxJ: np.ndarray) -> np.ndarray:
    """The rotations that take the axes to x, y and z, with w not negative: 4 x K x J."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = x_CxKxJ, y_CxKxJ, z_CxKxJ
    parts = np.stack((1.0 + xx + yy + zz, 1.0 + xx - yy - zz, 1.0 - xx + yy - zz, 1.0 - xx - yy + zz))
    sizes_4xKxJ = np.sqrt(np.maximum(parts, 0.0, out=parts), out=parts)
    signs_4xKxJ = np.stack((np.full_like(xx, 0.5), yz - zy, zx - xz, xy - yx))
    return np.copysign(0.5 * sizes_4xKxJ, signs_4xKxJ)
