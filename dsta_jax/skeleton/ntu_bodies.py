"""NTU RGB+D: which of the bodies that Kinect saw are people who act, and their place, size and direction.

The rules are those of the authors' data preparation (Shi et al., ACCV 2020). Joints by number, as in `NTU_25`.
"""

import numpy as np

from dsta_jax.skeleton.formats.ntu import Skeletons

BODIES = 2

_SPINE_BASE, _LEFT_ELBOW, _SPINE_SHOULDER = 0, 5, 20
_LOW_ENERGY, _UPRIGHT = 0.85, 0.8


def select_bodies(skeletons: Skeletons) -> np.ndarray:
    """Chooses at most two bodies of a sample, that of most energy first.

    A track is all that was seen under one id. Where there are several, those that have less than 0.85 of the largest
    energy and are not upright when first seen are dropped; of the others the two of most energy stay.

    Returns:
      frames_TxVxMxC float32, metres, M = 2; a body is zeros where it was not seen. All zeros when nobody was.
    """
    tracks = _tracks(skeletons)
    if len(tracks) > 1:
        energies = [_energy(skeletons.joints_KxVxC[track]) for track in tracks]
        order = sorted(range(len(tracks)), key=lambda number: -energies[number])
        enough = _LOW_ENERGY * max(energies)
        kept = [
            number
            for number in order
            if energies[number] >= enough or _is_upright(skeletons.joints_KxVxC[tracks[number][0]])
        ]
        tracks = [tracks[number] for number in kept[:BODIES]]
    joints = skeletons.joints_KxVxC.shape[1:]
    frames_TxVxMxC = np.zeros((skeletons.frames, joints[0], BODIES, joints[1]), np.float32)
    for body, track in enumerate(tracks):
        frames_TxVxMxC[skeletons.frame_K[track], :, body] = skeletons.joints_KxVxC[track]
    return frames_TxVxMxC


def _tracks(skeletons: Skeletons) -> list[list[int]]:
    """For each id, in the order of appearance, which of the K bodies it names; an id's second in a frame is another.

    Such a one gets the next id that is free in its frame. A body whose coordinates are all zero was not seen.
    """
    seen_K = (skeletons.joints_KxVxC != 0).any(axis=(1, 2)).tolist()
    tracks: dict[int, list[int]] = {}
    taken: set[int] = set()
    last_frame = -1
    for number, (frame, body) in enumerate(zip(skeletons.frame_K.tolist(), skeletons.id_K, strict=True)):
        if frame != last_frame:
            taken, last_frame = set(), frame
        while body in taken:
            body += 1
        taken.add(body)
        if seen_K[number]:
            tracks.setdefault(body, []).append(number)
    return list(tracks.values())


def _energy(joints_TxVxC: np.ndarray) -> float:
    """How much a track moves and extends: standard deviations of x, y and z about the spine's base, summed."""
    offsets_TxVxC = joints_TxVxC.astype(np.float64) - joints_TxVxC[:, _SPINE_BASE, None]
    return float(offsets_TxVxC.std(axis=(0, 1)).sum())


def _is_upright(joints_VxC: np.ndarray) -> bool:
    width, height, _ = np.ptp(joints_VxC.astype(np.float64), axis=0)
    return bool(_UPRIGHT * height > width)


def normalize_ntu(frames_TxVxMxC: np.ndarray) -> np.ndarray:
    """NTU: origin, unit and axes are the first body's spine and left side, when it is first seen.

    If nobody is seen in the first frame, the frames in which somebody is seen move to the front. Then: the origin is
    the spine's base and the unit its distance from the spine at the shoulders, in the first frame where it is not
    zero; the spine points to +z, and from there the left elbow, seen along z, to +x. Where a direction has no length,
    that rotation is left out. A joint that is all zeros was not seen, and stays so.

    Args:
      frames_TxVxMxC: V = 25 joints of `NTU_25`, metres.

    Returns:
      TxVxMxC float32, without unit.

    Raises:
      ValueError: when the first body is seen in no frame, or the length is zero in every frame.
    """
    x_TxVxM, y_TxVxM, z_TxVxM = np.moveaxis(frames_TxVxMxC, -1, 0)
    seen_TxVxM = (x_TxVxM != 0) | (y_TxVxM != 0) | (z_TxVxM != 0)
    seen_TxM = seen_TxVxM.any(axis=1)
    if not seen_TxM[:, 0].any():
        raise ValueError(f"no body is seen in any of the {len(frames_TxVxMxC)} frames, expected one at least")
    if not seen_TxM[0].any():
        order_T = np.argsort(~seen_TxM.any(axis=1), kind="stable")
        frames_TxVxMxC, seen_TxVxM, seen_TxM = frames_TxVxMxC[order_T], seen_TxVxM[order_T], seen_TxM[order_T]
    first = int(seen_TxM[:, 0].argmax())
    exact_TxVxMxC = frames_TxVxMxC.astype(np.float64)
    centered_TxVxMxC = (exact_TxVxMxC - exact_TxVxMxC[first, _SPINE_BASE, 0]) * seen_TxVxM[..., None]
    spine_TxC = centered_TxVxMxC[:, _SPINE_SHOULDER, 0] - centered_TxVxMxC[:, _SPINE_BASE, 0]
    lengths_T = np.linalg.norm(spine_TxC, axis=-1)
    if not lengths_T.any():
        raise ValueError("the spine has length 0 in every frame: nothing to scale by")
    turn_CxC = _to_z(spine_TxC[first])
    elbow_C = centered_TxVxMxC[first, _LEFT_ELBOW, 0] - centered_TxVxMxC[first, _SPINE_SHOULDER, 0]
    turn_CxC = _about_z_to_x(turn_CxC @ elbow_C) @ turn_CxC
    turn_CxC /= lengths_T[np.flatnonzero(lengths_T)[0]]
    normalized_TxVxMxC = (centered_TxVxMxC.reshape(-1, 3) @ turn_CxC.T).reshape(frames_TxVxMxC.shape)
    with np.errstate(over="ignore"):  # Infinity says it as well.
        return normalized_TxVxMxC.astype(np.float32)


def _to_z(direction_C: np.ndarray) -> np.ndarray:
    """The rotation on the shortest way from a direction to +z, CxC (Rodrigues' formula)."""
    length = np.linalg.norm(direction_C)
    if not length:
        return np.eye(3)
    x, y, z = direction_C / length
    if z < -1 + 1e-12:  # Every way is the shortest.
        return np.diag([1.0, -1.0, -1.0])
    cross_CxC = np.array([[0, 0, -x], [0, 0, -y], [x, y, 0]])
    rotation_CxC: np.ndarray = np.eye(3) + cross_CxC + cross_CxC @ cross_CxC / (1 + z)
    return rotation_CxC


def _about_z_to_x(direction_C: np.ndarray) -> np.ndarray:
    """The rotation about z that takes a direction's part in the x-y plane to +x, CxC."""
    x, y, _ = direction_C
    length = np.hypot(x, y)
    if not length:
        return np.eye(3)
    return np.array([[x, y, 0], [-y, x, 0], [0, 0, length]]) / length
