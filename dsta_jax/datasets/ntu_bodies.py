"""NTU RGB+D: which of the bodies that Kinect saw are people who act, and their normalisation.

The rules are those of the authors' data preparation (Shi et al., ACCV 2020). Joints by number, as in `NTU_25`.
"""

import numpy as np

from dsta_jax.datasets.layouts import NTU_25
from dsta_jax.datasets.normalize import normalize
from dsta_jax.datasets.ntu import Skeletons

BODIES = 2

_SPINE_BASE = 0
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

    As `NTU_25.reference` says; but before, if nobody is seen in the first frame, the frames in which somebody is seen
    move to the front.

    Args:
      frames_TxVxMxC: V = 25 joints of `NTU_25`, metres.

    Returns:
      TxVxMxC float32, without unit.

    Raises:
      ValueError: when no body is seen, or the spine has length zero in every frame.
    """
    if not frames_TxVxMxC[0].any():
        empty_T = ~frames_TxVxMxC.any(axis=(1, 2, 3))
        frames_TxVxMxC = frames_TxVxMxC[np.argsort(empty_T, kind="stable")]
    return normalize(frames_TxVxMxC, NTU_25)
