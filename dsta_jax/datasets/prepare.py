"""From raw joints to normalised frames: the same way for a conversion, for arrays in memory and for an answer."""

from typing import NamedTuple

import numpy as np

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.layouts import Reference
from dsta_jax.datasets.normalize import mark_unseen, normalize, seen_joints, usable_reference
from dsta_jax.errors import UserError


class Prepared(NamedTuple):
    """Normalised frames, T x V x M x C float32, and the reference that they were normalised by."""

    frames_TxVxMxC: np.ndarray
    reference: Reference


def prepare(frames: np.ndarray, source: Source, place: str) -> Prepared:
    """Normalises one recording as its data set's are.

    Args:
      frames: raw joints in the order of the source's layout and in any unit: T x V x C, or T x V x M x C with at most
        the source's bodies. NaN is a joint that was not seen; see `mark_unseen` for what else is.
      source: says joints, channels and by what is normalised.
      place: what errors call the recording.

    Raises:
      UserError: when the shape is another one, a number is not finite, nobody is seen, or the joints that the
        recording is measured by never are.
    """
    joints, bodies, channels = source.frame_shape
    array = np.asarray(frames)
    if array.dtype.kind not in "fiu":
        raise UserError(f"{place}: numbers of type {array.dtype}, expected real ones")
    frames_TxVxMxC = array[:, :, None] if array.ndim == 3 else array
    shape = frames_TxVxMxC.shape
    if len(shape) != 4 or not shape[0] or (shape[1], shape[3]) != (joints, channels) or not 1 <= shape[2] <= bodies:
        expected = f"frames x {joints} joints ({source.layout.name}) x {channels} channels ({source.channels})"
        if bodies > 1:
            expected += f", or frames x {joints} x at most {bodies} bodies x {channels}"
        raise UserError(f"{place}: an array of {' x '.join(map(str, array.shape))}, expected {expected}")
    with np.errstate(over="ignore"):
        marked_TxVxMxC = mark_unseen(frames_TxVxMxC, source.channels)
    _check_finite(marked_TxVxMxC, source, place)
    if not seen_joints(marked_TxVxMxC).any():
        raise UserError(f"{place}: nobody is seen in any of its {len(marked_TxVxMxC)} frames")
    absent = ((0, 0), (0, 0), (0, bodies - shape[2]), (0, 0))
    try:
        reference = usable_reference(marked_TxVxMxC, source.layout, source.normalized_by)
        normalized = normalize(np.pad(marked_TxVxMxC, absent), source.layout, reference, source.confidence)
    except ValueError as error:
        raise UserError(f"{place}: {error}") from None
    _check_finite(normalized, source, f"{place}, normalised")
    return Prepared(normalized, reference)


def _check_finite(frames_TxVxMxC: np.ndarray, source: Source, place: str) -> None:
    infinite = np.argwhere(np.isinf(frames_TxVxMxC))
    if len(infinite):
        frame, joint = infinite[0][:2]
        raise UserError(
            f"{place}: infinity, or a number too large for float32, in frame {frame} (counted from 0) at joint "
            f"{source.layout.joints[joint]}; expected finite numbers, or NaN for a joint that was not seen"
        )
