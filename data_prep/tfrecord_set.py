"""Converted sets (TFRecord) as one of the formats in which recordings are passed on: read, and written normalised."""

import dataclasses
import pathlib
import re
from collections.abc import Callable, Iterator

import numpy as np

from data_prep import conversion
from data_prep.formats.padded import has_confidence
from data_prep.shards import Item, LeftOut
from dsta_jax.data import records
from dsta_jax.datasets.benchmarks import Benchmark, of_data_set
from dsta_jax.datasets.layouts import Layout
from dsta_jax.datasets.normalize import normalize
from dsta_jax.datasets.ntu_bodies import normalize_ntu
from dsta_jax.datasets.recording import Collection, Entry, Recording, by_name, in_one_split_each
from dsta_jax.errors import UserError

VERSION = "1.0.0"
_CLASSES = "label.labels.txt"
_NTU = ("ntu60", "ntu120")
_ALL = "all"


def read(directory: pathlib.Path, benchmark: Benchmark | None = None) -> Collection:
    """Reads names and labels; the frames are read once more, one record after the other.

    Args:
      directory: `DATA_DIR/NAME/VERSION`.
      benchmark: says whether the last channel is a confidence; without it, the fourth is.

    Raises:
      UserError: when there is none, and as `records.read_set`.
    """
    if not (directory / "dataset_info.json").is_file():
        raise UserError(f"{directory}: no dataset_info.json there, expected a converted set, DATA_DIR/NAME/VERSION")
    info = records.read_info(directory)
    confidence = has_confidence(str(directory), info.joints, info.channels, benchmark)
    found = []
    splits: dict[str, list[str]] = {split: [] for split in info.split_lengths}
    for split, record in records.read_set(directory):
        one = Entry(record.name, directory, record.label, record.subject, record.camera, record.setup)
        found.append((f"{directory}: {split}", one))
        splits[split].append(record.name)
    try:
        class_names = tuple((directory / _CLASSES).read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{directory / _CLASSES}: not readable ({error}); convert the set again") from error
    return Collection(by_name(directory, found), splits, _Reader(directory, confidence), class_names)


class _Reader:
    """Reads records by name, quickly in the order in which they are stored."""

    def __init__(self, directory: pathlib.Path, confidence: bool) -> None:
        self._directory, self._confidence = directory, confidence
        self._records: Iterator[tuple[str, records.Record]] = iter(())

    def __call__(self, wanted: Entry) -> Recording:
        for start in (self._records, records.read_set(self._directory)):
            self._records = start
            for _, record in start:
                if record.name == wanted.name:
                    frames_TxVxMxC = record.frames_TxVxMxC
                    if self._confidence:
                        return Recording(frames_TxVxMxC[..., :-1], frames_TxVxMxC[..., -1])
                    return Recording(frames_TxVxMxC)
        raise UserError(f"{self._directory}: {wanted.name} is not there any more")


def write(collection: Collection, benchmark: Benchmark, options: conversion.Options) -> None:
    """Converts a collection to the set that a benchmark needs.

    Where its protocol goes by the parts that the recordings name, each split becomes one of the set; otherwise all
    recordings go to one.

    Raises:
      UserError: when the recordings are not such as the benchmark needs, and as `conversion.convert`.
    """
    _check_classes(collection, benchmark)
    collection = dataclasses.replace(collection, notes=())  # They have been said.
    if "split" in _columns_asked_for(collection, benchmark):
        collection = in_one_split_each(collection, "a converted set")
        _check_splits(collection)
        splits = {split: [collection.entries[name] for name in names] for split, names in collection.splits.items()}
    else:
        splits = {_ALL: list(collection.entries.values())}
    by_ntu = benchmark.data_set in _NTU
    read_frames = _ReadFrames(collection.read, benchmark.layout, benchmark.bodies, benchmark.channels, by_ntu)
    for note in (*collection.notes, *_not_held(collection, benchmark, read_frames, options.skip_broken)):
        print(f"note: {note}")
    data_set = conversion.DataSet(
        name=benchmark.data_set,
        version=VERSION,
        layout=benchmark.layout,
        bodies=benchmark.bodies,
        label_names=benchmark.class_names,
        description=f"Recordings of {benchmark.data_set}, normalised.",
        citation="",
        homepage="",
        splits={split: [Item(**vars(one)) for one in entries] for split, entries in splits.items()},
        channels=benchmark.channels,
        benchmarks=of_data_set(benchmark.data_set) or (benchmark,),
    )
    if not collection.parallel:
        options = dataclasses.replace(options, workers=1)
    conversion.convert(data_set, read_frames, options)


def _check_classes(collection: Collection, benchmark: Benchmark) -> None:
    """Raises UserError when the recordings' labels do not mean the benchmark's classes."""
    names = benchmark.class_names
    if benchmark.class_of_label != tuple(range(len(names))):
        raise UserError(f"benchmark {benchmark.name} has {len(names)} classes of finer labels; choose the finest one")
    for label, (found, expected) in enumerate(zip(collection.class_names or (), names, strict=False)):
        if found != expected:
            raise UserError(f"class {label} is {found!r}, but {expected!r} in benchmark {benchmark.name}")
    for one in collection.entries.values():
        if one.label >= len(names):
            expected = f"0 to {len(names) - 1} in benchmark {benchmark.name}"
            raise UserError(f"{one.path}: {one.name}: label {one.label}, expected {expected}")


class _Columns(dict[str, np.ndarray]):
    """Columns that remember which of them were looked at."""

    def __init__(self, columns: dict[str, np.ndarray]) -> None:
        super().__init__(columns)
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> np.ndarray:
        self.asked.add(key)
        return super().__getitem__(key)


def _columns_asked_for(collection: Collection, benchmark: Benchmark) -> set[str]:
    """The columns by which the benchmark divides the recordings.

    Raises:
      UserError: when one of them is not known of a recording.
    """
    split_of = {name: split for split, names in collection.splits.items() for name in names}
    entries = list(collection.entries.values())
    columns = _Columns(
        {
            "split": np.array([split_of.get(one.name, "") for one in entries]),
            **{key: np.array([getattr(one, key) for one in entries]) for key in ("subject", "camera", "setup")},
        }
    )
    is_test_N = benchmark.is_test(columns, 1)
    for key in sorted(columns.asked - {"split"}):
        unknown = np.flatnonzero(columns[key] == 0)
        if len(unknown):
            raise UserError(
                f"{entries[unknown[0]].name}: its {key} is not known, by which benchmark {benchmark.name} divides "
                f"training from testing ({len(unknown)} of {len(entries)} recordings are such)"
            )
    if not benchmark.left_out and (is_test_N.all() or not is_test_N.any()):
        part = "trains" if is_test_N.all() else "tests"
        print(f"note: benchmark {benchmark.name} {part} on none of these recordings ({', '.join(collection.splits)})")
    return columns.asked


def _check_splits(collection: Collection) -> None:
    for split in collection.splits:
        if not re.fullmatch(r"[A-Za-z0-9_]+", split):
            raise UserError(f"split {split!r}: its name becomes a part of files' names, expected letters, digits and _")


def _not_held(collection: Collection, benchmark: Benchmark, read_frames: "_ReadFrames", skip_broken: bool) -> list[str]:
    """What a converted set has no place for, by the first recording.

    Raises:
      UserError: when that is of another skeleton, before all the others are said to be so, too.
    """
    first = next(iter(collection.entries.values()))
    try:
        recording = collection.read(first)
    except UserError:  # It will be reported with the others.
        return []
    if not skip_broken:
        read_frames.check(first, recording)
    notes = ["the sizes of the pictures are not kept"] if recording.image_shape or recording.original_shape else []
    if recording.score_TxVxM is not None and not benchmark.confidence:
        notes.append(f"the confidences are not kept (channels = {benchmark.channels} of benchmark {benchmark.name})")
    return notes


@dataclasses.dataclass(frozen=True)
class _ReadFrames:
    """Reads a recording and makes it one of the benchmark's; it may be sent to other processes if `read` may.

    Attributes:
      read: gives an entry's recording.
      layout: names the joints.
      bodies: the most.
      channels: as in `Benchmark`.
      by_ntu: whether NTU RGB+D's own normalisation is used.
    """

    read: Callable[[Entry], Recording]
    layout: Layout
    bodies: int
    channels: str
    by_ntu: bool

    def __call__(self, item: Item) -> np.ndarray:
        """Frames_TxVxMxC float32, normalised.

        Raises:
          LeftOut: when nobody is seen in any frame.
          UserError: when the recording is broken, or has other joints, more bodies, or other channels.
          ValueError: when there is nothing to normalise by.
        """
        one = Entry(item.name, item.path, item.label, item.subject, item.camera, item.setup)
        recording = self.read(one)
        confidence = self.channels.endswith("c")
        self.check(one, recording)
        if not confidence:
            recording = dataclasses.replace(recording, score_TxVxM=None)
        frames_TxVxMxC = recording.frames_with_score
        frames, joints, bodies, channels = frames_TxVxMxC.shape
        all_TxVxMxC = np.zeros((frames, joints, self.bodies, channels), np.float32)
        with np.errstate(over="ignore"):  # Infinity says it as well.
            all_TxVxMxC[:, :, :bodies] = frames_TxVxMxC
        if not np.isfinite(all_TxVxMxC).all():
            raise UserError(f"{item.path}: {item.name}: NaN, infinity or a number that is too large")
        seen = all_TxVxMxC[..., -1] > 0 if confidence else all_TxVxMxC
        if not seen.any():
            raise LeftOut("nobody is seen")
        return normalize_ntu(all_TxVxMxC) if self.by_ntu else normalize(all_TxVxMxC, self.layout, confidence=confidence)

    def check(self, one: Entry, recording: Recording) -> None:
        """Raises UserError when a recording has other joints or coordinates, no confidence, or too many bodies."""
        _, joints, bodies, coordinates = recording.frames_TxVxMxC.shape
        has_score, needs_score = recording.score_TxVxM is not None, self.channels.endswith("c")
        fits = (joints, coordinates) == (len(self.layout.joints), len(self.channels) - needs_score)
        place = f"{one.path}: {one.name}"
        if not fits or (needs_score and not has_score):
            found = f"{joints} joints of {coordinates} coordinates with{'' if has_score else 'out'} confidence"
            expected = f"{len(self.layout.joints)} ({self.layout.name}) of {self.channels}"
            raise UserError(f"{place}: {found}, expected {expected} as the benchmark says")
        if bodies > self.bodies:
            raise UserError(f"{place}: {bodies} bodies, expected {self.bodies} at most, as the benchmark says")
