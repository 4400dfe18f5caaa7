"""Recordings before they are converted: what is known of each, its frames, and collections read one at a time."""

import dataclasses
import math
import pathlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np

from dsta_jax.errors import UserError, shown
from dsta_jax.files import readable, regular

MOST_CLASSES = 100_000  # Whoever has more classes than this has no labels.
MOST_RECORDINGS = 1_000_000  # NTU RGB+D 120 has 114,000.
MOST_FRAMES = 1_000_000  # Of a recording: four hours at 60 frames a second.
_MOST_LINES = 32 << 20  # Bytes of a list or of a hand's recording, which has 200 kB.
_MOST_NUMBERS = 1 << 29  # Of a recording, 2 GiB: an hour at 60 frames a second of 553 joints has two thirds of it.
NTU_NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")  # Setup, camera, subject, replication, action.
ALL = "all"  # The split of collections that are not divided.
ORIGINS = ("subject", "camera", "setup")  # Where a recording comes from: numbers from 1 or words; 0 where not known.


@dataclasses.dataclass(frozen=True)
class Entry:
    """What is known of a recording before it is read; subject, camera and setup are 0 where they are not known."""

    name: str  # Distinct in its collection.
    path: pathlib.Path
    label: int  # From 0.
    subject: int | str = 0
    camera: int | str = 0
    setup: int | str = 0
    listed_frames: int = 0  # How many frames the authors' list counts; 0 where there is no such list.
    crop: tuple[int, int] | None = None  # The first and the last frame that belong to it, from 0; None for all.

    @property
    def place(self) -> str:
        """The file, and the name where the file's does not say it."""
        says_name = re.search(rf"/{re.escape(self.name)}[/._]", self.path.as_posix())
        return str(self.path) if says_name else f"{self.path}: {self.name}"


@dataclasses.dataclass(frozen=True, eq=False)
class Recording:
    """A recording's frames, of the type in which they are stored; C = 2 or 3 coordinates.

    NaN is a joint that was not seen. Zeros are a body that is absent, and in two coordinates or with a confidence also
    a joint that was not seen.
    """

    frames_TxVxMxC: np.ndarray
    score_TxVxM: np.ndarray | None = None  # The confidence in each joint, where the collection has one.
    image_shape: tuple[int, int] | None = None  # Height and width of the pictures in which joints were found ...
    original_shape: tuple[int, int] | None = None  # ... and of the same before they were scaled, where known.

    @classmethod
    def of_channels(cls, frames_TxVxMxC: np.ndarray, confidence: bool, **pictures: Any) -> "Recording":
        """A recording whose last channel is a confidence, or is not."""
        if not confidence:
            return cls(frames_TxVxMxC, **pictures)
        return cls(frames_TxVxMxC[..., :-1], frames_TxVxMxC[..., -1], **pictures)

    @property
    def frames_with_score(self) -> np.ndarray:
        """TxVxMxC, with the confidence as one channel more if there is one."""
        if self.score_TxVxM is None:
            return self.frames_TxVxMxC
        return np.concatenate([self.frames_TxVxMxC, self.score_TxVxM[..., None]], axis=-1)


@dataclasses.dataclass(frozen=True, eq=False)
class Collection:
    """Recordings that belong together, such as a data set."""

    entries: Mapping[str, Entry]  # By name.
    splits: Mapping[str, Sequence[str]]  # Names by split. A recording may be in several splits or in none.
    read: Callable[[Entry], Recording]  # UserError means that this recording is broken.
    class_names: tuple[str, ...] | None = None  # What the labels mean, where that is known.
    notes: tuple[str, ...] = ()  # What of its files is not read, a line each.
    parallel: bool = False  # Whether `read` may be called in another process.

    def __post_init__(self) -> None:
        """Raises UserError when a name cannot be written and printed, or there are too many classes."""
        path = next((one.path for one in self.entries.values()), None)
        for what, names in (("split", self.splits), ("class", self.class_names or ())):
            for name in names:
                if not name.isprintable():
                    raise UserError(f"{path}: {shown(name)} as the name of a {what}, expected printable text")
        if (count := len(self.class_names or ())) > MOST_CLASSES:
            raise UserError(f"{path}: {count} classes, expected at most {MOST_CLASSES}")

    @property
    def selected(self) -> list[Entry]:
        """The entries of all splits, each once."""
        return [self.entries[name] for name in dict.fromkeys(name for names in self.splits.values() for name in names)]


def entry(
    name: str, path: pathlib.Path, label: int, subject: int | str = 0, camera: int | str = 0, setup: int | str = 0
) -> Entry:
    """An entry; where the other columns are not known, NTU RGB+D's names (SsssCcccPpppRrrrAaaa) say them."""
    file = name.rpartition("/")[2]
    match = NTU_NAME.fullmatch(file.rpartition(".")[0] or file)
    if match and not (subject or camera or setup):
        setup, camera, subject = (int(number) for number in match.groups()[:3])
    return Entry(name, path, label, subject, camera, setup)


def by_name(path: pathlib.Path, found: Iterable[tuple[str, Entry]]) -> dict[str, Entry]:
    """Entries by name, from pairs of place and entry; UserError for none, a name taken or odd, a label out of range."""
    entries: dict[str, Entry] = {}
    place_of: dict[str, str] = {}
    for place, one in found:
        if len(entries) == MOST_RECORDINGS:
            raise UserError(f"{place}: more than {MOST_RECORDINGS} recordings, expected at most so many")
        for column in ORIGINS:
            if not str(getattr(one, column)).isprintable():
                raise UserError(f"{place}: {shown(getattr(one, column))} as a {column}, expected printable text")
        if not one.name or not one.name.isprintable():
            raise UserError(f"{place}: {shown(one.name)} as a recording's name, expected printable text")
        if one.name in entries:
            raise UserError(f"{place}: the name {one.name} is taken by {place_of[one.name]}")
        if not 0 <= one.label < MOST_CLASSES:
            raise UserError(f"{place}: label {shown(one.label)}, expected 0 to {MOST_CLASSES - 1}")
        entries[one.name], place_of[one.name] = one, place
    if not entries:
        raise UserError(f"{path}: no recordings")
    return entries


def in_files(
    directory: pathlib.Path,
    pattern: str,
    entry_of: Callable[[pathlib.Path], Entry | None],
    read: Callable[[Entry], Recording],
    class_names: tuple[str, ...],
) -> Collection:
    """A data set of a file for each recording; UserError for none. `entry_of` gives None for another set's."""
    paths = sorted(directory.rglob(pattern), key=lambda path: (path.name, path))
    found = [(str(path), one) for path in paths if (one := entry_of(path)) is not None]
    if not found:
        raise UserError(f"{directory}: no recordings, expected files {pattern} ({len(paths)} are there, of other sets)")
    entries = by_name(directory, found)
    others = len(paths) - len(found)
    note = f"{others} of the {len(paths)} files {pattern} are of another set and are not read"
    return Collection(entries, {ALL: list(entries)}, read, class_names, (note,) if others else (), parallel=True)


def read_lines(path: pathlib.Path) -> list[str]:
    """The lines of a text file, without empty ones at its end; UserError when there are none."""
    with readable(path, "text in UTF-8"):
        lines = regular(path, _MOST_LINES).read_text(encoding="utf-8").rstrip().splitlines()
    if not lines:
        raise UserError(f"{path}: the file is empty")
    return lines


def check_size(frames: int, *frame_shape: int) -> None:
    """Raises ValueError when a recording has more frames, or takes more memory, than anybody's does."""
    sizes = " x ".join(map(str, (frames, *frame_shape)))
    if frames > MOST_FRAMES:
        raise ValueError(f"{frames} frames, expected at most {MOST_FRAMES}; cut it into several recordings")
    if (numbers := frames * math.prod(frame_shape)) > _MOST_NUMBERS:
        remedy = "cut it into several recordings, or lower the number of bodies"
        raise ValueError(f"{numbers} numbers ({sizes}), expected at most {_MOST_NUMBERS}; {remedy}")


def integer(value: Any) -> int | None:
    """The value, if it is a whole number, Python's or numpy's, or such a number as 2.0; truth values are none."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return int(value)
    return int(value) if isinstance(value, int | np.integer) and not isinstance(value, bool) else None


def is_whole(value: Any, least: int = 0) -> bool:
    """Whether it is a whole number of a reasonable size."""
    return (number := integer(value)) is not None and least <= number < 1 << 31


def two_sizes(value: Any) -> tuple[int, int] | None:
    """Height and width, if the value is a sequence of two whole numbers from 0."""
    fits = isinstance(value, tuple | list | np.ndarray) and len(value) == 2 and all(map(is_whole, value))
    return (int(value[0]), int(value[1])) if fits else None


def is_real(array: Any) -> TypeGuard[np.ndarray]:
    """Whether it is an array of real numbers."""
    return isinstance(array, np.ndarray) and array.dtype.kind in "fiu"


def lost_as_nan(frames_TxVxMxC: np.ndarray) -> np.ndarray:
    """Kinect puts a joint that it lost at its own place, 0 0 0: such joints of bodies that are there become NaN."""
    lost_TxVxM = np.asarray(~frames_TxVxMxC.any(axis=-1))
    lost_TxVxM &= ~lost_TxVxM.all(axis=1, keepdims=True)
    return np.where(lost_TxVxM[..., None], np.nan, frames_TxVxMxC) if lost_TxVxM.any() else frames_TxVxMxC


def columns(collection: Collection) -> dict[str, np.ndarray]:
    """What is known of the N recordings that are in a split, as protocols divide by it: split, and `ORIGINS`."""
    split_of = {name: split for split, names in collection.splits.items() for name in names}
    found = {key: np.array([getattr(one, key) for one in collection.selected]) for key in ORIGINS}
    return {"split": np.array([split_of[one.name] for one in collection.selected]), **found}


def select(collection: Collection, splits: Sequence[str]) -> Collection:
    """The collection with the named splits only, in this order; UserError when there is no such split."""
    for split in splits:
        if split not in collection.splits:
            raise UserError(f"no split {split!r}, expected one of {', '.join(collection.splits)}")
    chosen = dataclasses.replace(collection, splits={split: collection.splits[split] for split in splits})
    return dataclasses.replace(chosen, entries={one.name: one for one in chosen.selected})


def without(collection: Collection, names: Iterable[str]) -> Collection:
    """The collection without some recordings."""
    gone = set(names)
    return dataclasses.replace(
        collection,
        entries={name: one for name, one in collection.entries.items() if name not in gone},
        splits={split: [name for name in listed if name not in gone] for split, listed in collection.splits.items()},
    )


def in_one_split_each(collection: Collection, form: str) -> Collection:
    """The recordings that are in a split, noting the others; UserError when one is in two splits."""
    split_of: dict[str, str] = {}
    for split, names in collection.splits.items():
        for name in names:
            if name in split_of:
                found = f"{name} is in the splits {split_of[name]} and {split}, expected one in {form}"
                raise UserError(f"{found}; choose with --splits some of {', '.join(collection.splits)}")
            split_of[name] = split
    others = len(collection.entries) - len(split_of)
    note = f"{others} recordings are in no split, which {form} cannot hold; they are left out"
    return dataclasses.replace(select(collection, list(collection.splits)), notes=(note,) if others else ())
