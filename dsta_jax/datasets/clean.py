"""From a recording as it is read to the frames of a record: checked, what was not seen marked, normalised."""

import dataclasses

import numpy as np

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.layouts import Reference
from dsta_jax.datasets.normalize import (
    mark_unseen,
    normalize,
    present_bodies,
    seen_joints,
    untrusted_joints,
    usable_reference,
)
from dsta_jax.datasets.recording import Recording, check_size, is_real
from dsta_jax.errors import UserError, shown

_HUGE = 1e18  # The square of a distance still is a float32.
_DIGITS = 1000  # A recording is spread over so many times what is lost of a place by single precision, or more.


class NobodySeen(Exception):
    """A recording is as it should be, but there is nobody in it; the message is a reason without names and numbers."""


@dataclasses.dataclass(frozen=True, eq=False)
class Clean:
    """A recording that is ready to be learned from."""

    frames_TxVxMxC: np.ndarray  # float32, normalised; NaN is a joint that was not seen, zeros are an absent body.
    reference: Reference  # What it was normalised by: the source's, or a fallback of it.
    joints: int  # How many there are in all frames, of the bodies that are present.
    unseen: int  # How many of them were not seen.
    untrusted: int  # How many of these have coordinates, but confidence 0.
    at_origin: int  # How many joints of three coordinates are at 0 0 0, in some of the frames but not in all.
    empty: int  # In how many frames nobody is seen.


def clean(recording: Recording, source: Source) -> Clean:
    """Makes a recording one of a data set's; ValueError when it is unfit, NobodySeen when nobody is in any frame."""
    frames_TxVxMxC = _frames(recording, source)
    untrusted_TxVxM = untrusted_joints(frames_TxVxMxC, source.channels)
    marked_TxVxMxC = mark_unseen(frames_TxVxMxC, source.channels)
    present_TxM = present_bodies(marked_TxVxMxC)
    if not present_TxM.any():
        raise NobodySeen("no confidence is above 0" if untrusted_TxVxM.any() else "nobody is seen")
    _refuse_far(recording.frames_TxVxMxC)
    reference = usable_reference(marked_TxVxMxC, source.layout, source.normalized_by)
    clean_TxVxMxC = normalize(marked_TxVxMxC, source.layout, reference, source.confidence)
    _refuse_huge(clean_TxVxMxC, clean_TxVxMxC, source, "too large after normalisation, expected less")
    unseen_TxVxM = np.isnan(clean_TxVxMxC[..., 0])
    clean_TxVxMxC[unseen_TxVxM] = np.nan  # The same bits for every NaN.
    bodies = int((present_TxM | present_bodies(untrusted_TxVxM[..., None])).sum())
    unseen, untrusted = int(unseen_TxVxM.sum()), int(untrusted_TxVxM.sum())
    at_origin = _at_origin(marked_TxVxMxC, present_TxM) if source.channels == "xyz" else 0
    empty = int((~present_TxM.any(axis=1)).sum())
    return Clean(clean_TxVxMxC, reference, bodies * len(source.layout.joints), unseen, untrusted, at_origin, empty)


def _at_origin(frames_TxVxMxC: np.ndarray, present_TxM: np.ndarray) -> int:
    origin_TxVxM = ~seen_joints(frames_TxVxMxC) & present_TxM[:, None]
    always_VxM = (origin_TxVxM | ~present_TxM[:, None]).all(axis=0)  # as what a recording is centred on
    return int((origin_TxVxM & ~always_VxM).sum())


def clean_array(frames: np.ndarray, source: Source, place: str) -> np.ndarray:
    """Makes an array of raw joints what `clean` makes of a recording: T x V x M x C float32.

    It is T x V x C, or T x V x M x C with at most the source's bodies; a confidence is the last channel. UserError
    names the recording's place and what is wrong with its shape, or that nobody is seen in it.
    """
    if isinstance(frames, np.ma.MaskedArray):  # What is masked was not seen.
        frames = np.where(np.ma.getmaskarray(frames), np.nan, frames.data)
    array = np.asarray(frames)
    array = array[:, :, None] if array.ndim == 3 else array
    if not is_real(array) or array.ndim != 4 or array.shape[3] != len(source.channels):
        joints, bodies, channels = source.frame_shape
        expected = f"frames x {joints} joints x {channels} channels ({source.channels})"
        expected += f", or frames x {joints} x at most {bodies} bodies x {channels}" if bodies > 1 else ""
        raise UserError(f"{place}: an array of {shown(np.asarray(frames))}, expected numbers: {expected}")
    try:
        return clean(Recording.of_channels(array, source.confidence), source).frames_TxVxMxC
    except NobodySeen as reason:
        raise UserError(f"{place}: {reason} in any of its {len(array)} frames") from None
    except ValueError as error:
        raise UserError(f"{place}: {error}") from None


def check(recording: Recording, source: Source) -> None:
    """Raises ValueError when a recording has other joints or channels than its source, more bodies, or is too long."""
    frames, joints, bodies, coordinates = recording.frames_TxVxMxC.shape
    has_score = recording.score_TxVxM is not None
    expected = source.frame_shape[0], len(source.channels) - source.confidence
    if (joints, coordinates) != expected or (source.confidence and not has_score):
        found = f"{joints} joints of {coordinates} coordinates with{'' if has_score else 'out'} confidence"
        raise ValueError(f"{found}, expected {expected[0]} ({source.layout.name}) of {source.channels}")
    if bodies > source.bodies:
        raise ValueError(f"{bodies} bodies, expected {source.bodies} at most")
    check_size(frames, *source.frame_shape)


def _frames(recording: Recording, source: Source) -> np.ndarray:
    """The frames with as many bodies and channels as the source has: TxVxMxC float32, NaN and zeros as they are."""
    check(recording, source)
    given_TxVxMxC = recording.frames_with_score if source.confidence else recording.frames_TxVxMxC
    frames_TxVxMxC = np.zeros((len(given_TxVxMxC), *source.frame_shape), np.float32)
    with np.errstate(over="ignore"):  # Infinity says it as well.
        frames_TxVxMxC[:, :, : given_TxVxMxC.shape[2]] = given_TxVxMxC
    expected = "expected a number below 1e18, or NaN for a joint that was not seen; correct it where it was recorded"
    _refuse_huge(frames_TxVxMxC, given_TxVxMxC, source, expected)
    return frames_TxVxMxC


def _refuse_far(given_TxVxMxC: np.ndarray) -> None:
    """Refuses places so far from the origin that single precision would leave fewer than three digits of the body."""
    if given_TxVxMxC.dtype.itemsize <= np.dtype(np.float32).itemsize and given_TxVxMxC.dtype.kind == "f":
        return
    place_PxC = given_TxVxMxC[seen_joints(given_TxVxMxC)].astype(np.float64)
    lost = np.fmax.reduce(np.abs(place_PxC.astype(np.float32) - place_PxC), axis=None, initial=0)
    low_C, high_C = (bound.reduce(place_PxC, axis=0) for bound in (np.fmin, np.fmax))
    spread = np.fmax.reduce(high_C - low_C)
    if lost * _DIGITS > spread > 0:
        found = f"the recording is spread over {spread:.3g}, but is {np.nanmax(np.abs(place_PxC)):.3g} from the origin"
        remedy = "subtract the same place from all its coordinates, such as the first frame's centre"
        raise ValueError(f"{found}, where single precision loses up to {lost:.3g}; {remedy}")


def _refuse_huge(frames_TxVxMxC: np.ndarray, given_TxVxMxC: np.ndarray, source: Source, expected: str) -> None:
    huge_TxVxMxC = np.abs(frames_TxVxMxC) >= _HUGE
    if huge_TxVxMxC.any():
        frame, joint, body, channel = place = tuple(np.argwhere(huge_TxVxMxC)[0].tolist())
        where = f"frame {frame} (from 0), joint {source.layout.joints[joint]}, body {body}"
        raise ValueError(f"{where}: {source.channels[channel]} is {given_TxVxMxC[place]}, {expected}")
