"""The pair of files that ST-GCN and 2s-AGCN train on: for each split, an array and a pickle with names and labels.

In a directory, `SPLIT_data_joint.npy` (or `SPLIT_data.npy`), N x C x T x V x M, padded with zeros (mostly to T = 300),
and `SPLIT_label.pkl`, the names and the labels of the N recordings. Our own writer adds `SPLIT_beside.json`, which says
what the array has no place for.
"""

import contextlib
import dataclasses
import functools
import pathlib
import pickle
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from data_prep.formats import npy_rows, padded, safe_pickle
from data_prep.formats.beside import Beside, from_json, to_json
from data_prep.formats.output import complete_file
from dsta_jax.datasets.benchmarks import Benchmark
from dsta_jax.datasets.recording import Collection, Entry, Recording, by_name, entry, integer
from dsta_jax.errors import UserError, shown

_ARRAYS, _LABELS, _BESIDE = ("_data_joint.npy", "_data.npy"), "_label.pkl", "_beside.json"
_UNSURE = "three channels are taken for x y z; if the third is a confidence, say so by the channels of a --benchmark"
_SPLIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclasses.dataclass(frozen=True, eq=False)
class _Part:
    """The files of one split.

    Attributes:
      labels: the file of names and labels.
      array_NxCxTxVxM: the frames.
      entries: N.
      confidence: whether the last channel is one.
      beside: what stands beside the array.
    """

    labels: pathlib.Path
    array_NxCxTxVxM: np.ndarray
    entries: list[Entry]
    confidence: bool
    beside: Beside | None

    @property
    def split(self) -> str:
        """Its name."""
        return self.labels.name.removesuffix(_LABELS)

    @property
    def unsure(self) -> bool:
        """Whether nothing says what the third of three channels is."""
        return self.beside is None and self.array_NxCxTxVxM.shape[1] == 3


def read(directory: pathlib.Path, benchmark: Benchmark | None = None) -> Collection:
    """Reads names and labels; the arrays are mapped into memory.

    Args:
      directory: holds the files of all splits.
      benchmark: says whether the last channel is a confidence, where nothing beside the arrays does.

    Raises:
      UserError: when there are no such files, or they do not fit together.
    """
    parts = [_read_part(path, benchmark) for path in _label_files(directory)]
    entries = by_name(
        directory,
        ((f"{part.labels}: entry {row}", one) for part in parts for row, one in enumerate(part.entries)),
    )
    place_of = {one.name: (part, row) for part in parts for row, one in enumerate(part.entries)}
    return Collection(
        entries=entries,
        splits={part.split: [one.name for one in part.entries] for part in parts},
        read=functools.partial(_read_recording, place_of),
        class_names=next((part.beside.class_names for part in parts if part.beside), None),
        notes=(_UNSURE,) if benchmark is None and any(part.unsure for part in parts) else (),
    )


def _label_files(directory: pathlib.Path) -> list[pathlib.Path]:
    """The files of labels, those for training first."""
    if not directory.is_dir():
        raise UserError(f"{directory}: not a directory, expected one with SPLIT{_ARRAYS[0]} and SPLIT{_LABELS}")
    found = {path.name.removesuffix(_LABELS): path for path in directory.glob(f"*{_LABELS}")}
    for ending in _ARRAYS:
        for path in directory.glob(f"*{ending}"):
            if path.name.removesuffix(ending) not in found:
                raise UserError(f"{path}: no {path.name.removesuffix(ending)}{_LABELS} beside it")
    if not found:
        raise UserError(f"{directory}: no files SPLIT{_LABELS} there, nor SPLIT{_ARRAYS[0]}")
    return [found[split] for split in sorted(found, key=lambda split: ("train" not in split, split))]


def _read_part(labels: pathlib.Path, benchmark: Benchmark | None) -> _Part:
    split = labels.name.removesuffix(_LABELS)
    arrays = [path for ending in _ARRAYS if (path := labels.with_name(split + ending)).exists()]
    if len(arrays) != 1:
        found = "both" if arrays else "neither"
        raise UserError(f"{labels}: beside it are {found} of {split}{_ARRAYS[0]} and {split}{_ARRAYS[1]}, expected one")
    array_NxCxTxVxM = npy_rows.mapped(arrays[0])
    shape = array_NxCxTxVxM.shape
    if len(shape) != 5 or not all(shape[1:]):
        raise UserError(f"{arrays[0]}: an array of shape {shape}, expected recordings x channels x frames x V x M")
    names, numbers = _names_and_labels(labels)
    if len(names) != shape[0]:
        raise UserError(f"{labels}: {len(names)} names, but {arrays[0].name} holds {shape[0]} recordings")
    entries = [entry(name, arrays[0], label) for name, label in zip(names, numbers, strict=True)]
    confidence = padded.has_confidence(str(arrays[0]), shape[3], shape[1], benchmark)
    note = labels.with_name(split + _BESIDE)
    if not note.exists():
        return _Part(labels, array_NxCxTxVxM, entries, confidence, None)
    beside = from_json(_read_bytes(note), str(note), shape[0])
    if list(beside.columns["name"]) != names:
        raise UserError(f"{note}: its names are not those of {labels.name}; copy both again, or remove it")
    entries = [beside.entry(row, one) for row, one in enumerate(entries)]
    return _Part(labels, array_NxCxTxVxM, entries, beside.confidence, beside)


def _read_bytes(path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def _names_and_labels(path: pathlib.Path) -> tuple[list[str], list[int]]:
    contents = safe_pickle.load(path)
    if not isinstance(contents, list | tuple) or len(contents) != 2:
        raise UserError(f"{path}: {shown(contents)}, expected a pair of names and labels")
    columns = [part.tolist() if isinstance(part, np.ndarray) else part for part in contents]
    for what, column, part in zip(("names", "labels"), columns, contents, strict=True):
        if not isinstance(column, list | tuple):
            raise UserError(f"{path}: {shown(part)} as the {what}, expected a list")
    if len(columns[0]) != len(columns[1]):
        raise UserError(f"{path}: {len(columns[0])} names, but {len(columns[1])} labels")
    for row, (name, label) in enumerate(zip(*columns, strict=True)):
        if not isinstance(name, str) or integer(label) is None:
            raise UserError(
                f"{path}: entry {row}: name {shown(name)}, label {shown(label)}, expected text and a number"
            )
    return [str(name) for name in columns[0]], [int(label) for label in columns[1]]


def _read_recording(place_of: Mapping[str, tuple[_Part, int]], wanted: Entry) -> Recording:
    part, row = place_of[wanted.name]
    frames_TxVxMxC = np.array(part.array_NxCxTxVxM[row]).transpose(1, 2, 3, 0)
    if part.beside is None:
        return padded.unpadded(wanted, frames_TxVxMxC, part.confidence)
    recording = padded.unpadded(wanted, frames_TxVxMxC, part.confidence, *part.beside.counts(row))
    return part.beside.with_pictures(row, recording)


def files(directory: pathlib.Path, splits: Iterable[str]) -> list[pathlib.Path]:
    """The files that are written for the splits."""
    return [directory / f"{split}{ending}" for split in splits for ending in (_ARRAYS[0], _LABELS, _BESIDE)]


def check_output(directory: pathlib.Path, splits: Mapping[str, Any], overwrite: bool) -> None:
    """Checks that the splits can be written there.

    Raises:
      UserError: when a file of theirs is there and may not be replaced, or another split's, or a name is no file name.
    """
    for split in splits:
        if not _SPLIT.fullmatch(split):
            raise UserError(f"split {split!r}: its name begins a file's name, expected letters, digits, _, . and -")
    if directory.exists() and not directory.is_dir():
        raise UserError(f"{directory}: a file, expected a directory or nothing")
    for ending in (*_ARRAYS, _LABELS, _BESIDE):
        for path in directory.glob(f"*{ending}"):
            split = path.name.removesuffix(ending)
            if split not in splits or ending == _ARRAYS[1]:
                raise UserError(
                    f"{path}: would be taken for a part of what is written; choose another --out, or move it"
                )
            if not overwrite:
                raise UserError(f"{path}: is there already; add --overwrite to replace it")


def write(directory: pathlib.Path, collection: Collection, facts_of: Mapping[str, padded.Facts]) -> None:
    """Writes a collection, one recording at a time; all files have their names when all are complete.

    Args:
      directory: for the files.
      collection: whose splits share no recording.
      facts_of: of all recordings.

    Raises:
      UserError: when a recording is broken, or they do not fit into one array.
      OSError: when a file cannot be written.
    """
    shape = padded.common_shape(facts_of)
    row = (shape.channels, shape.frames, shape.joints, shape.bodies)
    with contextlib.ExitStack() as opened:
        for split, names in collection.splits.items():
            entries = [collection.entries[name] for name in names]
            rows = (padded.padded(collection.read(one), shape).transpose(3, 0, 1, 2) for one in entries)
            array, labels, note = (opened.enter_context(complete_file(path)) for path in files(directory, [split]))
            npy_rows.write_rows(array, (len(entries), *row), shape.dtype, rows)
            pickle.dump(([one.name for one in entries], [one.label for one in entries]), labels, protocol=4)
            note.write(to_json(collection, split, facts_of, shape))
