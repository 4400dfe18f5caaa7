"""What `npy_pair` and `ctr_gcn` have in common: each split is an array of its own.

All recordings are padded with zeros to the same number of frames and bodies. What an array has no place for, such as
names and lengths, our own writers put beside it as JSON; other programs need not look.
"""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.recording import (
    ORIGINS,
    Collection,
    Entry,
    Recording,
    by_name,
    check_size,
    entry,
    is_whole,
    two_sizes,
)
from dsta_jax.errors import UserError, shown
from dsta_jax.files import readable

LEAST_FRAMES = 300  # NTU RGB+D's longest recordings, to which everybody pads.
_PICTURES = ("image_shape", "original_shape")

# What must be known of all recordings, by name, before they are written: `outline` of each.
Outlines = Mapping[str, Recording]


def outline(recording: Recording) -> Recording:
    """The recording with arrays of the same shapes and types that take no memory."""
    score_TxVxM = None if recording.score_TxVxM is None else _hollow(recording.score_TxVxM)
    return dataclasses.replace(recording, frames_TxVxMxC=_hollow(recording.frames_TxVxMxC), score_TxVxM=score_TxVxM)


def _hollow(array: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.zeros((), array.dtype), array.shape)


def common_outline(outlines: Outlines) -> np.ndarray:
    """TxVxMxC, confidence included, that all recordings fit into.

    UserError when they differ in joints or channels, or it would be too large.
    """
    first_name, first = next(iter(outlines.items()))
    for name, one in outlines.items():
        if _kind(one) != _kind(first):
            raise UserError(f"{name} has {_kind(one)}, but {first_name} {_kind(first)}; they do not fit into one array")
    frames, joints, bodies, channels = np.max([one.frames_TxVxMxC.shape for one in outlines.values()], axis=0).tolist()
    sizes = max(LEAST_FRAMES, frames), joints, max(1, bodies), channels + (first.score_TxVxM is not None)
    try:
        check_size(*sizes)
    except ValueError as error:
        raise UserError(f"every recording is padded to the longest and to the most bodies: {error}") from None
    return np.broadcast_to(np.zeros((), np.result_type(*types(outlines))), sizes)


def _kind(outline: Recording) -> str:
    _, joints, _, coordinates = outline.frames_TxVxMxC.shape
    return f"{joints} joints of {coordinates} coordinates with{'out' * (outline.score_TxVxM is None)} confidence"


def types(outlines: Outlines) -> set[np.dtype]:
    """All types in which coordinates and confidences are stored."""
    arrays = (array for one in outlines.values() for array in (one.frames_TxVxMxC, one.score_TxVxM))
    return {array.dtype.newbyteorder("=") for array in arrays if array is not None}


def rows(collection: Collection, split: str, common_TxVxMxC: np.ndarray) -> Iterator[np.ndarray]:
    """For each recording of a split TxVxMxC, confidence included, with zeros up to the common outline."""
    for name in collection.splits[split]:
        frames_TxVxMxC = collection.read(collection.entries[name]).frames_with_score
        padded_TxVxMxC = np.array(common_TxVxMxC)
        padded_TxVxMxC[: frames_TxVxMxC.shape[0], :, : frames_TxVxMxC.shape[2]] = frames_TxVxMxC
        yield padded_TxVxMxC


def beside(collection: Collection, split: str, outlines: Outlines, common_TxVxMxC: np.ndarray) -> bytes:
    """What a split's array has no place for."""
    entries = [collection.entries[name] for name in collection.splits[split]]
    recordings = [outlines[one.name] for one in entries]
    columns = {
        "name": [one.name for one in entries],
        "frames": [one.frames_TxVxMxC.shape[0] for one in recordings],
        "bodies": [one.frames_TxVxMxC.shape[2] for one in recordings],
        **{key: [getattr(one, key) for one in entries] for key in ORIGINS},
        **{key: [getattr(one, key) for one in recordings] for key in _PICTURES},
    }
    _, joints, bodies, channels = common_TxVxMxC.shape
    values = {"split": split, "joints": joints, "bodies": bodies, "channels": channels}
    values["confidence"] = any(one.score_TxVxM is not None for one in recordings)
    return json.dumps({**values, "class_names": collection.class_names, "columns": columns}).encode()


_FITS: dict[str, Callable[[Any], bool]] = {
    "name": lambda value: isinstance(value, str),
    "frames": lambda value: is_whole(value, least=1),
    "bodies": is_whole,
    **dict.fromkeys(ORIGINS, lambda value: isinstance(value, str) or is_whole(value)),
    **dict.fromkeys(_PICTURES, lambda value: value is None or two_sizes(value) is not None),
}


def read_beside(text: bytes, place: str, recordings: int) -> dict[str, Any]:
    """What `beside` gave for so many recordings, and V, M, C as `frame_shape`; UserError when it is something else."""
    with readable(place, f"what is beside an array of {recordings} recordings", "copy it again, or remove it"):
        values: dict[str, Any] = json.loads(text)
        classes, columns = values["class_names"], values["columns"]
        values["frame_shape"] = sizes = values["joints"], values["bodies"], values["channels"]
        if not isinstance(values["split"], str) or not all(is_whole(size, least=1) for size in sizes):
            raise ValueError("split, joints, bodies or channels")
        if classes is not None and not (isinstance(classes, list) and all(isinstance(name, str) for name in classes)):
            raise ValueError("class_names")
        for key, fits in _FITS.items():
            if not isinstance(columns[key], list) or len(columns[key]) != recordings:
                raise ValueError(f"{key}: not {recordings} entries")
            for row, value in enumerate(columns[key]):
                if not fits(value):
                    raise ValueError(f"{key}[{row}]: {shown(value)}")
    return values


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """One split, as it is read."""

    split: str
    place: str  # Where its labels are, for errors.
    entries: Sequence[Entry]
    row: Callable[[int], np.ndarray]  # Gives TxVxMxC of a recording, with the padding, by its number.
    confidence: bool
    beside: Mapping[str, Any] | None = None  # As `read_beside` gives it.

    def with_beside(self, values: Mapping[str, Any]) -> "Part":
        """The part with what `read_beside` gave."""
        known = zip(self.entries, *(values["columns"][key] for key in ("name", *ORIGINS)), strict=True)
        entries = [entry(name, one.path, one.label, *origins) for one, name, *origins in known]
        return Part(values["split"], self.place, entries, self.row, values.get("confidence") is True, values)

    def read(self, number: int) -> Recording:
        """A recording without its padding: what stands beside the array says, or else zeros at its end; never NaN."""
        padded_TxVxMxC = self.row(number)
        columns = self.beside["columns"] if self.beside else {}
        seen_T = np.flatnonzero(np.any(padded_TxVxMxC, axis=(1, 2, 3)))
        frames = columns["frames"][number] if columns else max([1, *(seen_T[-1:] + 1).tolist()])
        bodies = columns["bodies"][number] if columns else None
        frames_TxVxMxC = padded_TxVxMxC[:frames, :, :bodies]
        if len(frames_TxVxMxC) < frames or np.count_nonzero(frames_TxVxMxC) < np.count_nonzero(padded_TxVxMxC):
            place = f"{self.entries[number].path}: {self.entries[number].name}"
            found = f"more than the {frames} frames of {bodies} bodies that stand beside the array"
            raise UserError(f"{place}: {found}; copy both again, or remove what stands beside")
        pictures = {key: two_sizes(columns[key][number]) for key in _PICTURES if columns}
        return Recording.of_channels(frames_TxVxMxC, self.confidence, **pictures)


def collection(path: pathlib.Path, parts: Sequence[Part], notes: Sequence[str]) -> Collection:
    """The recordings of all parts; UserError when there are none, or a name is taken twice."""
    places = [(part, number, one) for part in parts for number, one in enumerate(part.entries)]
    classes = next((part.beside["class_names"] for part in parts if part.beside), None)
    part_of = {one.name: (part, number) for part, number, one in places}

    def read(wanted: Entry) -> Recording:
        part, number = part_of[wanted.name]
        return part.read(number)

    entries = by_name(path, ((f"{part.place}: entry {number}", one) for part, number, one in places))
    splits = {part.split: [one.name for one in part.entries] for part in parts}
    return Collection(entries, splits, read, None if classes is None else tuple(classes), tuple(notes))


UNSURE = "three channels are taken for x y z; if the third is a confidence, say so by the channels of a --benchmark"


def has_confidence(place: str, joints: int, channels: int, source: Source | None) -> bool:
    """Whether the last channel is a confidence; without a source, a fourth is. UserError for another skeleton's."""
    if channels not in (2, 3, 4):
        raise UserError(f"{place}: {channels} channels, expected 2 or 3 coordinates, and perhaps a confidence")
    if source is None:
        return channels == 4
    if (joints, channels) != (expected := (source.frame_shape[0], source.frame_shape[2])):
        says = f"{expected[0]} of {expected[1]} ({source.channels}) as in {source.name}, by --benchmark"
        raise UserError(f"{place}: {joints} joints of {channels} channels, expected {says}")
    return source.confidence
