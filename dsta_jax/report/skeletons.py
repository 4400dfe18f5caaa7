"""Recordings as the page's player takes them: joints of all bodies in few bytes, and how to draw them."""

import base64
from typing import Any

import numpy as np

from dsta_jax.check import contact_sheet
from dsta_jax.check.joint_order import bones
from dsta_jax.data.dataset import DataSet
from dsta_jax.datasets.benchmark import Source

_MOST_FRAMES = 60  # of a recording; of longer ones, evenly chosen frames
_FRAMES_A_SECOND = 30  # of the sensors of all benchmarks here; recordings do not say
_UNSEEN, _LARGEST = -32768, 32000


def poses(data: DataSet, number: int) -> np.ndarray:
    """T x V x M x C coordinates of a recording, without a confidence; NaN is what is not seen in a frame."""
    start_M, length = data.start_NxM[number], int(data.length_N[number])
    coordinates = 3 if "z" in data.benchmark.source.channels else 2
    pose_TxVxMxC = np.full((length, data.frames_FxVxC.shape[1], len(start_M), coordinates), np.nan, np.float32)
    for body in np.flatnonzero(start_M >= 0):
        track_TxVxC = data.frames_FxVxC[start_M[body] :][:length]
        pose_TxVxMxC[:, :, body] = track_TxVxC[..., :coordinates]
        pose_TxVxMxC[~(track_TxVxC != 0).any((1, 2)), :, body] = np.nan  # The body is absent.
    return pose_TxVxMxC


def clip(data: DataSet, number: int) -> dict[str, Any]:
    """A recording for the player: base64 of little-endian int16, frame by frame, body, joint and coordinate."""
    pose_TxVxMxC = poses(data, number)
    length = len(pose_TxVxMxC)
    chosen = np.unique(np.linspace(0, length - 1, min(length, _MOST_FRAMES)).astype(int))
    point_TxMxVxC = pose_TxVxMxC[chosen].swapaxes(1, 2)
    point_TxMxVxC = point_TxMxVxC[:, ~np.isnan(point_TxMxVxC).all((0, 2, 3))]
    size = max(float(np.nanmax(np.abs(point_TxMxVxC))), 1e-9)
    whole = np.where(np.isnan(point_TxMxVxC), _UNSEEN, np.round(point_TxMxVxC / size * _LARGEST)).astype("<i2")
    frames, bodies, _, coordinates = whole.shape
    return {
        "frames": frames,
        "bodies": bodies,
        "coordinates": coordinates,
        "seconds": length / _FRAMES_A_SECOND,
        "points": base64.b64encode(whole.tobytes()).decode(),
    }


def drawing(source: Source) -> dict[str, Any]:
    """How the player draws a body: bones as pairs of joints, colours of the joints, and which coordinate is what.

    The colour of the middle is empty: it is that of the page's text.
    """
    view = contact_sheet.views(source.layout, 3 if "z" in source.channels else 2)[0]
    colors = [""] * len(source.layout.joints)
    for _, color, joints in contact_sheet.limbs(source.layout):
        for joint in joints:
            colors[joint] = "" if color == contact_sheet.MIDDLE else color
    ends, starts = (joints.tolist() for joints in bones(source.layout))
    return {
        "joints": len(colors),
        "bones": list(zip(starts, ends, strict=True)),
        "colors": colors,
        "right": view.right,
        "up": view.vertical,
        "depth": 3 - view.right - view.vertical,
        "down": view.down,
    }
