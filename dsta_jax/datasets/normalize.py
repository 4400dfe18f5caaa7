"""Normalisation: from a camera's coordinates to ones that do not depend on where, how large and how turned a body is.

Pure functions of numpy sequences `frames_TxVxMxC`, float32: two or three coordinates, and perhaps a confidence behind
them. From `mark_unseen` on, a joint that was not seen is NaN in all its channels, and a body that is absent from a
frame is zeros, as in the paper's preparation. NaN stays NaN through all that is made of it, and becomes zero only when
a batch for the network is complete.
"""

import functools

import numpy as np

from dsta_jax.datasets.layouts import Layout, Point, Reference


def seen_joints(frames_TxVxMxC: np.ndarray) -> np.ndarray:
    """TxVxM booleans: True where not all of a joint's channels are zero; NaN counts as True."""
    return _any_channel(frames_TxVxMxC != 0)


def present_bodies(frames_TxVxMxC: np.ndarray) -> np.ndarray:
    """TxM booleans: True where not all of a body is zero."""
    seen_TxMxV = np.ascontiguousarray(seen_joints(frames_TxVxMxC).swapaxes(1, 2))  # `any` is quick along such an axis.
    return np.asarray(seen_TxMxV.any(axis=2))


def _any_channel(true_TxVxMxC: np.ndarray) -> np.ndarray:
    """As `any(axis=-1)`, which is slow along an axis so short."""
    channels = (true_TxVxMxC[..., channel] for channel in range(true_TxVxMxC.shape[-1]))
    found_TxVxM: np.ndarray = functools.reduce(np.logical_or, channels)
    return found_TxVxM


def mark_unseen(frames_TxVxMxC: np.ndarray, channels: str) -> np.ndarray:
    """One meaning for what was not seen, whatever the format: NaN for a joint, zeros for a body.

    A joint was not seen where a channel is NaN; where the confidence is 0 or less, if there is one; in two coordinates
    without confidence, where both are zero. In three coordinates zero is a place as good as another, unless all joints
    of a body are zero: then the body is absent. `channels` are those of `Source.channels`; the result is float32.
    """
    unseen_TxVxM = _any_channel(np.isnan(frames_TxVxMxC))
    if channels.endswith("c"):
        unseen_TxVxM |= ~(frames_TxVxMxC[..., -1] > 0)
    elif channels == "xy":
        unseen_TxVxM |= ~seen_joints(frames_TxVxMxC)
    marked_TxVxMxC = frames_TxVxMxC.astype(np.float32)
    if unseen_TxVxM.any():
        absent_TxM = (unseen_TxVxM | ~seen_joints(frames_TxVxMxC)).all(axis=1)
        marked_TxVxMxC[unseen_TxVxM] = np.nan
        marked_TxVxMxC[np.broadcast_to(absent_TxM[:, None], unseen_TxVxM.shape)] = 0
    return marked_TxVxMxC


def untrusted_joints(frames_TxVxMxC: np.ndarray, channels: str) -> np.ndarray:
    """TxVxM booleans: True where a joint has coordinates but confidence 0; such joints count as not seen."""
    if not channels.endswith("c"):
        return np.zeros(frames_TxVxMxC.shape[:3], np.bool_)
    coordinates_TxVxMxC = frames_TxVxMxC[..., :-1]
    has_place_TxVxM = seen_joints(coordinates_TxVxMxC) & ~_any_channel(np.isnan(coordinates_TxVxMxC))
    return has_place_TxVxM & (frames_TxVxMxC[..., -1] <= 0)


def usable_reference(frames_TxVxMxC: np.ndarray, layout: Layout, reference: Reference) -> Reference:
    """The reference, or the first of its fallbacks whose joints are seen; ValueError when those of none ever are."""
    for choice in reference.choices:
        if _measured_body(frames_TxVxMxC, layout, choice) is not None:
            return choice
    raise _nothing_to_measure_by(frames_TxVxMxC, layout, reference)


def normalize(frames_TxVxMxC: np.ndarray, layout: Layout, reference: Reference, confidence: bool = False) -> np.ndarray:
    """Moves, scales and turns all bodies alike, by the first body of which the reference's joints are seen.

    Place, direction and size are taken in the first frame in which the joints that say them are seen. A direction
    without length turns nothing. NaN and absent bodies stay as they are, and so does a confidence, the last channel.

    Takes frames as `mark_unseen` and a reference as `usable_reference` gives them. Returns float32, without unit where
    the reference has a scale. Raises ValueError when no body is seen, or the distance to scale by is always zero.
    """
    body = _measured_body(frames_TxVxMxC, layout, reference)
    if body is None:
        raise _nothing_to_measure_by(frames_TxVxMxC, layout, reference)
    coordinates = frames_TxVxMxC.shape[-1] - confidence
    # Without a rotation nothing is summed up, and single precision loses nothing.
    precision = np.float64 if reference.up else np.float32
    moved_TxVxMxC: np.ndarray = frames_TxVxMxC[..., :coordinates].astype(precision)
    view = _Body(moved_TxVxMxC[:, :, body], layout)
    if reference.center:
        present_TxM = present_bodies(frames_TxVxMxC)
        center_C = view.at_first(reference.center)
        np.subtract(moved_TxVxMxC, center_C, out=moved_TxVxMxC, where=present_TxM[:, None, :, None])
    turn_CxC = _turn(view, reference, coordinates)
    with np.errstate(over="ignore"):  # Infinity is refused when the record is written.
        if reference.scale:
            length = view.length(*reference.scale, median=reference.scale_by == "median")
            np.divide(moved_TxVxMxC, length, out=moved_TxVxMxC)
        if turn_CxC is not None:
            moved_TxVxMxC = (moved_TxVxMxC.reshape(-1, coordinates) @ turn_CxC.T).reshape(moved_TxVxMxC.shape)
        moved_TxVxMxC = moved_TxVxMxC.astype(np.float32, copy=False)
    return np.concatenate([moved_TxVxMxC, frames_TxVxMxC[..., coordinates:]], axis=-1) if confidence else moved_TxVxMxC


def _present_bodies(frames_TxVxMxC: np.ndarray, layout: Layout) -> dict[int, "_Body"]:
    """The bodies that are seen, by number."""
    numbers = np.flatnonzero(present_bodies(frames_TxVxMxC).any(axis=0)).tolist()
    if not numbers:
        raise ValueError(f"no body is seen in any of the {len(frames_TxVxMxC)} frames, expected one at least")
    return {number: _Body(frames_TxVxMxC[:, :, number], layout) for number in numbers}


def _measured_body(frames_TxVxMxC: np.ndarray, layout: Layout, reference: Reference) -> int | None:
    """The first body that shows all that a reference measures by; None when none does."""
    bodies = _present_bodies(frames_TxVxMxC, layout).items()
    return next((number for number, body in bodies if not body.never_seen(reference)), None)


def _nothing_to_measure_by(frames_TxVxMxC: np.ndarray, layout: Layout, reference: Reference) -> ValueError:
    first, *_ = _present_bodies(frames_TxVxMxC, layout).values()
    found = f"{', '.join(first.never_seen(reference))}: never seen together in any of the {len(frames_TxVxMxC)} frames"
    remedy = "in the [normalize] table of a benchmark's TOML file, or leave this recording out with --skip_broken"
    return ValueError(f"{found}, but place, size or direction are measured by them; name joints that are seen {remedy}")


class _Body:
    """The body that all are normalised by; its coordinates may be moved while they are measured by."""

    def __init__(self, frames_TxVxC: np.ndarray, layout: Layout):
        self.frames_TxVxC, self.layout = frames_TxVxC, layout
        present_T = present_bodies(frames_TxVxC[:, :, None])
        self.seen_TxV = present_T & ~_any_channel(np.isnan(frames_TxVxC))

    def _joints(self, *points: Point) -> list[int]:
        return [self.layout.joints.index(joint) for point in points for joint in point]

    def _seen_T(self, *points: Point) -> np.ndarray:
        """T booleans: True where all joints of the points are seen."""
        return np.asarray(self.seen_TxV[:, self._joints(*points)].all(axis=1))

    def never_seen(self, reference: Reference) -> list[str]:
        """The joints that are measured together and are never seen together, by name."""
        missing = [points for points in reference.measured if not self._seen_T(*points).any()]
        return list(dict.fromkeys(joint for points in missing for point in points for joint in point))

    def _track(self, point: Point) -> np.ndarray:
        """TxC, where a point is in each frame."""
        return np.asarray(self.frames_TxVxC[:, self._joints(point)].mean(axis=1))

    def at_first(self, *points: Point) -> np.ndarray:
        """C, where a point is in the first frame in which it is seen; of two points, the way between them."""
        first = int(self._seen_T(*points).argmax())
        tracks = [self._track(point)[first] for point in points]
        return tracks[-1] - tracks[0] if len(tracks) == 2 else tracks[0]

    def length(self, start: Point, end: Point, median: bool) -> np.floating:
        """The distance of two points, of the first frame in which it is not zero, or the median over all of them."""
        offsets_TxC = (self._track(end) - self._track(start))[self._seen_T(start, end)]
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
