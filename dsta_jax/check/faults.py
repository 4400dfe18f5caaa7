"""What may be wrong with one recording, measured from its frames alone.

Pure functions of a `Track`, the way of one body through a recording. Lengths are in the recording's own unit.
"""

import dataclasses
import functools

import numpy as np

from dsta_jax.datasets.layouts import Layout
from dsta_jax.datasets.normalize import seen_joints

# A recording of fewer frames is too short to say that a joint stands still, or how much a bone changes.
MIN_FRAMES = 10

# A joint jumps when it moves from one frame to the next by more than this part of the body's size, compared with how
# the body moves (the median of its joints), and by so many times what it usually moves in these frames: the median of
# nine displacements around. A thrown arm is fast, but it takes several frames; a joint that was mistaken for another
# one is there at once. A whole body jumps when it moves by more than its size. No recording of UTD-MHAD and of the
# synthetic hands has such jumps; of NW-UCLA's, which lack frames, 2% have.
JUMP_SIZE, BODY_JUMP_SIZE, JUMP_SPEED = 0.5, 1.0, 10.0
_AROUND = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Track:
    """One body of a recording.

    Attributes:
      positions_TxVxC: coordinates of its joints, without confidence, float64: their squares are finite, too.
      seen_TxV: where they mean something.
    """

    positions_TxVxC: np.ndarray
    seen_TxV: np.ndarray

    @property
    def seen_T(self) -> np.ndarray:
        """Frames in which any joint is seen."""
        return np.asarray(self.seen_TxV.any(axis=1))

    @functools.cached_property
    def steps_TxVxC(self) -> np.ndarray:
        """How each joint moves up to the next frame, T - 1 times; NaN where it is not seen in both."""
        steps_TxVxC = np.diff(self.positions_TxVxC, axis=0)
        steps_TxVxC[~(self.seen_TxV[1:] & self.seen_TxV[:-1])] = np.nan
        return steps_TxVxC

    @property
    def size(self) -> float:
        """Median over the frames of the diagonal of the box around the joints."""
        seen_TxV, positions_TxVxC = self.seen_TxV[self.seen_T], self.positions_TxVxC[self.seen_T]
        top_TxC = np.where(seen_TxV[..., None], positions_TxVxC, -np.inf).max(axis=1)
        bottom_TxC = np.where(seen_TxV[..., None], positions_TxVxC, np.inf).min(axis=1)
        return float(np.median(np.linalg.norm(top_TxC - bottom_TxC, axis=1)))


def seen(frames_TxVxMxC: np.ndarray, channels: str) -> np.ndarray:
    """TxVxM booleans: True where a joint's coordinates mean something.

    Args:
      frames_TxVxMxC: finite frames.
      channels: what the C channels are, as `Benchmark.channels`. With a confidence, a joint is seen where that is above
        zero; of two coordinates, where they are not both zero; of three, zero is a place as good as another one as long
        as its body is seen.
    """
    if channels.endswith("c"):
        return np.asarray(frames_TxVxMxC[..., -1] > 0)
    seen_TxVxM = seen_joints(frames_TxVxMxC)
    return np.broadcast_to(seen_TxVxM.any(axis=1, keepdims=True), seen_TxVxM.shape) if channels == "xyz" else seen_TxVxM


def tracks(frames_TxVxMxC: np.ndarray, channels: str) -> list[Track]:
    """The bodies that are seen in any frame; arguments as of `seen`."""
    seen_TxVxM = seen(frames_TxVxMxC, channels)
    coordinates = len(channels.removesuffix("c"))
    return [
        Track(frames_TxVxMxC[:, :, body, :coordinates].astype(np.float64), seen_TxVxM[:, :, body])
        for body in np.flatnonzero(seen_TxVxM.any(axis=(0, 1)))
    ]


def still_joints(track: Track) -> np.ndarray:
    """V booleans: True where a joint stays on exactly the same place, over `MIN_FRAMES` frames or more.

    One joint may stay at zero while others move: skeletons that are centred frame by frame have their origin there.
    """
    known_TxV = ~np.isnan(track.steps_TxVxC[..., 0])
    still_V = (known_TxV.sum(axis=0) >= MIN_FRAMES - 1) & ~(np.abs(track.steps_TxVxC) > 0).any(axis=(0, 2))
    zero_V = ~track.positions_TxVxC.any(axis=(0, 2))
    return still_V & ~zero_V if zero_V.sum() == 1 and not still_V.all() else still_V


@dataclasses.dataclass(frozen=True)
class Jump:
    """A joint, or a body, that is suddenly elsewhere.

    Attributes:
      frame: in which it has arrived, from 0.
      joint: its number; -1 for the whole body.
      distance: how far it went, as a part of the body's size.
    """

    frame: int
    joint: int
    distance: float


def jumps(track: Track) -> list[Jump]:
    """The jumps of a body and of its joints, farthest first; see `JUMP_SIZE`."""
    steps_TxVxC, size = track.steps_TxVxC, track.size
    if not size:
        return []
    # NaN is sorted behind all numbers: the (lower) median of those before it.
    middle_T = np.maximum((~np.isnan(steps_TxVxC[..., 0])).sum(axis=1) - 1, 0) // 2
    body_TxC = np.take_along_axis(np.sort(steps_TxVxC, axis=1), middle_T[:, None, None], axis=1)[:, 0]
    moved_TxV = np.linalg.norm(steps_TxVxC - body_TxC[:, None], axis=2) / size
    moved_T = np.linalg.norm(body_TxC, axis=1) / size
    found = [
        Jump(int(frame) + 1, int(joint), float(moved_TxV[frame, joint]))
        for frame, joint in np.argwhere(moved_TxV > JUMP_SIZE)
        if _is_sudden(moved_TxV[:, joint], frame)
    ]
    found += [
        Jump(int(frame) + 1, -1, float(moved_T[frame]))
        for frame in np.flatnonzero(moved_T > BODY_JUMP_SIZE)
        if _is_sudden(moved_T, int(frame))
    ]
    return sorted(found, key=lambda jump: -jump.distance)


def _is_sudden(moved_T: np.ndarray, frame: int) -> bool:
    """Whether a displacement is much larger than those around it; False where there are too few."""
    around = moved_T[max(0, frame - _AROUND) : frame + _AROUND + 1]
    around = around[~np.isnan(around)]
    return len(around) > _AROUND and bool(moved_T[frame] > JUMP_SPEED * np.median(around))


def bones(layout: Layout) -> np.ndarray:
    """The numbers of the B joints to which a bone leads: all but the root."""
    return np.array([joint for joint, parent in enumerate(layout.parents) if joint != parent], np.intp)


def bone_lengths(track: Track, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Mean length of each bone, and how much it changes: its standard deviation over its mean.

    Returns:
      Two arrays of B entries in the order of `bones`; NaN where a bone is seen in fewer than `MIN_FRAMES` frames.
    """
    ends, starts = bones(layout), np.array(layout.parents)[bones(layout)]
    seen_TxB = track.seen_TxV[:, ends] & track.seen_TxV[:, starts]
    offsets_TxBxC = track.positions_TxVxC[:, ends] - track.positions_TxVxC[:, starts]
    squared_TxB = np.einsum("tbc,tbc->tb", offsets_TxBxC, offsets_TxBxC) * seen_TxB
    count_B = seen_TxB.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_B = np.sqrt(squared_TxB).sum(axis=0) / count_B
        variance_B = squared_TxB.sum(axis=0) / count_B - mean_B**2
        change_B = np.sqrt(np.maximum(variance_B, 0)) / mean_B
    short_B = count_B < MIN_FRAMES
    mean_B[short_B], change_B[short_B | (mean_B == 0)] = np.nan, np.nan
    return mean_B, change_B
