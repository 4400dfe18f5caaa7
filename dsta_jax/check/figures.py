"""Stick figures of recordings before they are drawn: which frames, seen from where, in which colours."""

import dataclasses
import functools
import os
from collections.abc import Sequence

import numpy as np

from dsta_jax.check import faults
from dsta_jax.datasets.layouts import Layout

# Okabe and Ito's colours, which colour-blind people can tell apart (https://jfly.uni-koeln.de/color/).
LEFT, RIGHT, MIDDLE = "#0072B2", "#D55E00", "#333333"
BRANCHES = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#0072B2", "#D55E00")

MOMENTS = 6  # frames of a recording


@dataclasses.dataclass(frozen=True, eq=False)
class Sample:
    """A recording to be drawn.

    Attributes:
      title: such as its class.
      name: the recording's.
      frames_TxVxMxC: finite frames; in one of them a joint is seen.
    """

    title: str
    name: str
    frames_TxVxMxC: np.ndarray


@dataclasses.dataclass(frozen=True)
class Limb:
    """Joints of one colour; a bone has the colour of the joint to which it leads."""

    name: str
    color: str
    joints: tuple[int, ...]


def limbs(layout: Layout) -> tuple[Limb, ...]:
    """Left, right and middle, where the joints' names tell them; or else what hangs on the first joint that forks."""
    left, right = tuple(layout.right_of_left), tuple(layout.right_of_left.values())
    sides = [Limb("left", LEFT, left), Limb("right", RIGHT, right)] if left else _branches(layout)
    taken = {joint for limb in sides for joint in limb.joints}
    rest = tuple(joint for joint in range(len(layout.joints)) if joint not in taken)
    name = ", ".join(layout.joints[joint] for joint in rest) if len(rest) < 3 else "middle"
    return (*sides, Limb(name, MIDDLE, rest)) if rest else tuple(sides)


def _branches(layout: Layout) -> list[Limb]:
    children = {
        joint: [child for child, parent in enumerate(layout.parents) if parent == joint != child]
        for joint in range(len(layout.joints))
    }
    fork = layout.root
    while len(children[fork]) == 1:
        fork = children[fork][0]
    found = []
    for number, start in enumerate(children[fork]):
        joints = [start]
        for joint in joints:  # It grows while it is walked.
            joints += children[joint]
        prefix = os.path.commonprefix([layout.joints[joint] for joint in joints]).strip("_- ")
        found.append(Limb(prefix or layout.joints[start], BRANCHES[number % len(BRANCHES)], tuple(joints)))
    return found


@dataclasses.dataclass(frozen=True)
class View:
    """A direction from which a body is seen: which coordinate is drawn to the right, and which up, or down."""

    name: str
    right: int
    vertical: int
    down: bool = False

    def project(self, points_VxC: np.ndarray) -> np.ndarray:
        """Vx2, to the right and up."""
        height_V = points_VxC[..., self.vertical]
        return np.stack([points_VxC[..., self.right], -height_V if self.down else height_V], axis=-1)


def views(layout: Layout, channels: str) -> tuple[View, ...]:
    """From the front, and with three coordinates from the side.

    Where the layout's reference turns bodies upright, z is up (y of two coordinates). Otherwise coordinates are as a
    camera gives them: y is up in space, and down in a picture.
    """
    upright = layout.reference.up is not None
    if "z" not in channels:
        return (View("front", 0, 1, down=not upright),)
    return (View("front", 0, 2), View("side", 1, 2)) if upright else (View("front", 0, 1), View("side", 2, 1))


@dataclasses.dataclass(frozen=True, eq=False)
class Strip:
    """Some frames of a recording, in a row for each view.

    Attributes:
      sample: the recording.
      channels: what its C channels are, as `Benchmark.channels`.
      views: from where it is seen.
    """

    sample: Sample
    channels: str
    views: tuple[View, ...]

    @functools.cached_property
    def pose_TxVxMxC(self) -> np.ndarray:
        """The coordinates, NaN where a joint is not seen."""
        frames_TxVxMxC = self.sample.frames_TxVxMxC
        seen_TxVxM = faults.seen(frames_TxVxMxC, self.channels)
        return np.where(seen_TxVxM[..., None], frames_TxVxMxC[..., : len(self.channels.removesuffix("c"))], np.nan)

    @property
    def bodies(self) -> int:
        """How many bodies are seen in any frame."""
        return int(np.isfinite(self.pose_TxVxMxC).any(axis=(0, 1, 3)).sum())

    @functools.cached_property
    def frames(self) -> list[int]:
        """Up to `MOMENTS` of the frames in which anybody is seen: the middle of each of as many equal parts."""
        seen = np.flatnonzero(np.isfinite(self.pose_TxVxMxC).any(axis=(1, 2, 3)))
        count = min(len(seen), MOMENTS)
        return [int(seen[int((number + 0.5) * len(seen) / count)]) for number in range(count)]

    @functools.cached_property
    def rows(self) -> list[list[np.ndarray]]:
        """For each view and each of the frames the points VxMx2, around the middle of all that are seen there."""
        projected = [[view.project(self.pose_TxVxMxC[frame]) for frame in self.frames] for view in self.views]
        return [[points_VxMx2 - box(points_VxMx2).mean(axis=0) for points_VxMx2 in row] for row in projected]

    @property
    def extent_2(self) -> np.ndarray:
        """Width and height that hold each of the figures; above zero."""
        extents = [np.ptp(box(points_VxMx2), axis=0) for row in self.rows for points_VxMx2 in row]
        return np.maximum(np.max(extents, axis=0), 1e-9)


def box(points_VxMx2: np.ndarray) -> np.ndarray:
    """2x2: the lower left and the upper right corner of the box around all points that are not NaN."""
    axes = tuple(range(points_VxMx2.ndim - 1))
    return np.stack([np.nanmin(points_VxMx2, axis=axes), np.nanmax(points_VxMx2, axis=axes)])


def clearest(strips: Sequence[Strip], layout: Layout) -> tuple[np.ndarray, str]:
    """The body whose joints are seen best in the first view, Vx2, and where it is from.

    Each joint is farthest from the one next to it there, in the mean, compared with the length of the bones.
    """
    ends = faults.bones(layout)
    starts = np.array(layout.parents)[ends]
    itself_VxV = np.diag(np.full(len(layout.joints), np.inf))
    best, found = -1.0, (np.zeros((len(layout.joints), 2)), "")
    for strip in strips:
        for frame in strip.frames:
            for pose_VxC in np.moveaxis(strip.pose_TxVxMxC[frame], 1, 0):
                points_Vx2 = strip.views[0].project(pose_VxC)
                apart_VxV = np.linalg.norm(points_Vx2[:, None] - points_Vx2, axis=2) + itself_VxV
                nearest = np.nan_to_num(apart_VxV, nan=np.inf).min(axis=1)
                length = np.nansum(np.linalg.norm(pose_VxC[ends] - pose_VxC[starts], axis=1))
                clear = float(nearest[np.isfinite(nearest)].sum() / max(length, 1e-9))
                if length and clear > best:
                    best, found = clear, (points_Vx2, f"{strip.sample.name}, frame {frame}")
    return found
