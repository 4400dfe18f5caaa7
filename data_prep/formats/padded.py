"""Recordings of different lengths in one array: all are padded with zeros to the same number of frames and bodies."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from dsta_jax.datasets.benchmarks import Benchmark
from dsta_jax.datasets.recording import Entry, Recording
from dsta_jax.errors import UserError

LEAST_FRAMES = 300  # NTU RGB+D's longest recordings, to which everybody pads.


@dataclasses.dataclass(frozen=True)
class Facts:
    """What must be known of a recording before all are put into one array.

    Attributes:
      frames: T.
      joints: V.
      bodies: M.
      coordinates: C, without a confidence.
      dtype: of the coordinates.
      score_dtype: of the confidence, where there is one.
      image_shape: as in `Recording`.
      original_shape: as in `Recording`.
    """

    frames: int
    joints: int
    bodies: int
    coordinates: int
    dtype: np.dtype
    score_dtype: np.dtype | None
    image_shape: tuple[int, int] | None
    original_shape: tuple[int, int] | None

    @property
    def kind(self) -> str:
        """Joints, coordinates, and whether there is a confidence, in words."""
        confidence = "without" if self.score_dtype is None else "with"
        return f"{self.joints} joints of {self.coordinates} coordinates {confidence} confidence"


def facts(recording: Recording) -> Facts:
    """What must be known of a recording."""
    frames, joints, bodies, coordinates = recording.frames_TxVxMxC.shape
    score = recording.score_TxVxM
    return Facts(
        frames,
        joints,
        bodies,
        coordinates,
        recording.frames_TxVxMxC.dtype,
        None if score is None else score.dtype,
        recording.image_shape,
        recording.original_shape,
    )


@dataclasses.dataclass(frozen=True)
class Shape:
    """The shape of each recording in the array, and what its channels are.

    Attributes:
      frames: T, with the padding.
      joints: V.
      bodies: M, with the padding.
      channels: C, the confidence included.
      confidence: whether the last channel is one.
      dtype: holds the values of all recordings.
    """

    frames: int
    joints: int
    bodies: int
    channels: int
    confidence: bool
    dtype: np.dtype


def common_shape(facts_of: Mapping[str, Facts]) -> Shape:
    """The shape that holds all recordings.

    Raises:
      UserError: when they differ in joints or channels.
    """
    first_name, first = next(iter(facts_of.items()))
    for name, one in facts_of.items():
        if one.kind != first.kind:
            raise UserError(f"{name} has {one.kind}, but {first_name} {first.kind}; they do not fit into one array")
    confidence = first.score_dtype is not None
    return Shape(
        frames=max([LEAST_FRAMES, *(one.frames for one in facts_of.values())]),
        joints=first.joints,
        bodies=max([1, *(one.bodies for one in facts_of.values())]),
        channels=first.coordinates + confidence,
        confidence=confidence,
        dtype=np.result_type(*types(facts_of)),
    )


def types(facts_of: Mapping[str, Facts]) -> set[np.dtype]:
    """All types in which coordinates and confidences are stored."""
    dtypes = {dtype for one in facts_of.values() for dtype in (one.dtype, one.score_dtype)}
    return {dtype.newbyteorder("=") for dtype in dtypes if dtype is not None}


def padded(recording: Recording, shape: Shape) -> np.ndarray:
    """The frames, confidence included, with zeros up to the shape's frames and bodies: TxVxMxC."""
    frames_TxVxMxC = recording.frames_with_score
    padded_TxVxMxC = np.zeros((shape.frames, shape.joints, shape.bodies, shape.channels), shape.dtype)
    padded_TxVxMxC[: frames_TxVxMxC.shape[0], :, : frames_TxVxMxC.shape[2]] = frames_TxVxMxC
    return padded_TxVxMxC


def unpadded(
    wanted: Entry, frames_TxVxMxC: np.ndarray, confidence: bool, frames: int | None = None, bodies: int | None = None
) -> Recording:
    """A recording without its padding.

    Args:
      wanted: says which one it is, for errors.
      frames_TxVxMxC: with zeros at the end.
      confidence: whether the last channel is one.
      frames: how many it has; None where that is not known, and all zeros at the end are padding.
      bodies: how many it has; None where that is not known, and absent ones count.

    Raises:
      UserError: when there is more in the padding than zeros.
    """
    if frames is None:
        seen = np.flatnonzero(np.any(frames_TxVxMxC, axis=(1, 2, 3)))
        frames = int(seen[-1]) + 1 if len(seen) else 1
    kept_TxVxMxC = frames_TxVxMxC[:frames, :, :bodies]
    if len(kept_TxVxMxC) < frames or np.count_nonzero(kept_TxVxMxC) < np.count_nonzero(frames_TxVxMxC):
        raise UserError(
            f"{wanted.path}: {wanted.name}: more than the {frames} frames of {bodies} bodies that stand beside the "
            "array; copy both again, or remove what stands beside"
        )
    if confidence:
        return Recording(kept_TxVxMxC[..., :-1], kept_TxVxMxC[..., -1])
    return Recording(kept_TxVxMxC)


def has_confidence(place: str, joints: int, channels: int, benchmark: Benchmark | None) -> bool:
    """Whether the last channel of an array is a confidence, by the benchmark; without one, it is a fourth channel.

    Raises:
      UserError: when the array is not one of the benchmark's skeletons, or its channels are no coordinates.
    """
    if channels not in (2, 3, 4):
        raise UserError(f"{place}: {channels} channels, expected 2 or 3 coordinates, and perhaps a confidence")
    if benchmark is None:
        return channels == 4
    expected = len(benchmark.layout.joints), len(benchmark.channels)
    if (joints, channels) != expected:
        raise UserError(
            f"{place}: {joints} joints of {channels} channels, expected {expected[0]} of {expected[1]} "
            f"({benchmark.channels}) by benchmark {benchmark.name}"
        )
    return benchmark.confidence
