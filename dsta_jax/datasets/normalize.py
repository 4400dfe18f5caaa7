"""Normalisation: from a camera's coordinates to ones that do not depend on where, how large and how turned a body is.

Pure functions of numpy sequences `frames_TxVxMxC`, float32: two or three coordinates, and perhaps a confidence behind
them. A joint whose coordinates are all zero (or whose confidence is 0) was not seen, and stays exactly as it is.
"""

import functools

import numpy as np

from dsta_jax.datasets.layouts import Layout, Point, Reference


def seen_joints(frames_TxVxMxC: np.ndarray) -> np.ndarray:
    """TxVxM booleans: True where not all of a joint's coordinates are zero."""
    return functools.reduce(np.logical_or, (channel_TxVxM != 0 for channel_TxVxM in np.moveaxis(frames_TxVxMxC, -1, 0)))


def normalize(
    frames_TxVxMxC: np.ndarray, layout: Layout, reference: Reference | None = None, confidence: bool = False
) -> np.ndarray:
    """Moves, scales and turns all bodies alike, by the first body that is seen.

    Place and direction are those of the first frame in which the body is seen; where zeros stand for joints that were
    not found (two coordinates, or a confidence), of the first in which the reference's joints are. A direction without
    length turns nothing.

    Args:
      frames_TxVxMxC: V joints of the layout, in any unit.
      layout: names the joints.
      reference: what to normalise by; None for the layout's own.
      confidence: whether the last channel is no coordinate but a confidence, which stays as it is.

    Returns:
      TxVxMxC float32, without unit where the reference has a scale.

    Raises:
      ValueError: when no body is seen, or the distance to scale by is zero in every frame.
    """
    reference = layout.reference if reference is None else reference
    coordinates = frames_TxVxMxC.shape[-1] - confidence
    seen_TxVxM = frames_TxVxMxC[..., -1] > 0 if confidence else seen_joints(frames_TxVxMxC)
    seen_M = seen_TxVxM.any((0, 1))
    if not seen_M.any():
        raise ValueError(f"no body is seen in any of the {len(frames_TxVxMxC)} frames, expected one at least")
    body = int(seen_M.argmax())
    trusted_TxV = seen_TxVxM[:, :, body]
    if coordinates == 3 and not confidence:  # Zero is a place as good as another, for some joints of a seen body.
        trusted_TxV = np.broadcast_to(trusted_TxV.any(axis=1, keepdims=True), trusted_TxV.shape)
    # Without a rotation nothing is summed up, and single precision loses nothing.
    precision = np.float64 if reference.up else np.float32
    moved_TxVxMxC: np.ndarray = frames_TxVxMxC[..., :coordinates].astype(precision)
    view = _Body(moved_TxVxMxC[:, :, body], trusted_TxV, layout)
    if reference.center:
        np.subtract(moved_TxVxMxC, view.at_first(reference.center), out=moved_TxVxMxC)
        np.multiply(moved_TxVxMxC, seen_TxVxM[..., None], out=moved_TxVxMxC)
    turn_CxC = _turn(view, reference, coordinates)
    with np.errstate(over="ignore"):  # Infinity says it as well.
        if reference.scale:
            length = view.length(*reference.scale, median=reference.scale_by == "median")
            np.divide(moved_TxVxMxC, length, out=moved_TxVxMxC)
        if turn_CxC is not None:
            moved_TxVxMxC = (moved_TxVxMxC.reshape(-1, coordinates) @ turn_CxC.T).reshape(moved_TxVxMxC.shape)
        moved_TxVxMxC = moved_TxVxMxC.astype(np.float32, copy=False)
    return np.concatenate([moved_TxVxMxC, frames_TxVxMxC[..., coordinates:]], axis=-1) if confidence else moved_TxVxMxC


class _Body:
    """The body that all are normalised by.

    Attributes:
      frames_TxVxC: its coordinates.
      trusted_TxV: where they can be measured by.
      layout: names the joints.
    """

    def __init__(self, frames_TxVxC: np.ndarray, trusted_TxV: np.ndarray, layout: Layout):
        self.frames_TxVxC, self.trusted_TxV, self.layout = frames_TxVxC, trusted_TxV, layout

    def _joints(self, *points: Point) -> list[int]:
        return [self.layout.joints.index(joint) for point in points for joint in point]

    def _trusted_T(self, *points: Point) -> np.ndarray:
        """T booleans: True where all joints of the points can be measured by; never all False."""
        trusted_T = np.asarray(self.trusted_TxV[:, self._joints(*points)].all(axis=1))
        return trusted_T if trusted_T.any() else np.asarray(self.trusted_TxV.any(axis=1))

    def track(self, point: Point) -> np.ndarray:
        """TxC, where the point is in each frame."""
        joints = self._joints(point)
        if len(joints) == 1:
            return self.frames_TxVxC[:, joints[0]]
        mean_TxC: np.ndarray = self.frames_TxVxC[:, joints].mean(axis=1)
        return mean_TxC

    def at_first(self, *points: Point) -> np.ndarray:
        """C, where a point is in the first frame that can be measured by; of two points, the way between them."""
        first = int(self._trusted_T(*points).argmax())
        tracks = [self.track(point)[first].copy() for point in points]
        return tracks[-1] - tracks[0] if len(tracks) == 2 else tracks[0]

    def length(self, start: Point, end: Point, median: bool) -> np.floating:
        """The distance of two points, of the first frame in which it is not zero, or the median over all of them."""
        offsets_TxC = (self.track(end) - self.track(start))[self._trusted_T(start, end)]
        offsets_TxC = offsets_TxC[offsets_TxC.any(axis=1)]
        if not len(offsets_TxC):
            between = " and ".join("/".join(point) for point in (start, end))
            raise ValueError(f"the distance of {between} is 0 in every frame: nothing to scale by")
        # One norm a frame: `norm` of a vector and `norm` along an axis differ in the last bit.
        lengths_T = np.array([np.linalg.norm(offset_C) for offset_C in (offsets_TxC if median else offsets_TxC[:1])])
        middle: np.floating = np.median(lengths_T.astype(offsets_TxC.dtype))
        return middle


def _turn(body: _Body, reference: Reference, coordinates: int) -> np.ndarray | None:
    """CxC, the rotation that the reference asks for; None for none."""
    if reference.up is None:
        return None
    up_C = body.at_first(*reference.up)
    if coordinates == 2:
        return _to_y(up_C)
    turn_CxC = _to_z(up_C)
    if reference.side:
        turn_CxC = _about_z_to_x(turn_CxC @ body.at_first(*reference.side)) @ turn_CxC
    return turn_CxC


def _to_y(direction_C: np.ndarray) -> np.ndarray:
    """The rotation of the plane that takes a direction to +y, CxC."""
    x, y = direction_C
    length = np.hypot(x, y)
    return np.array([[y, -x], [x, y]]) / length if length else np.eye(2)


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
