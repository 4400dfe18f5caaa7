"""CTR-GCN's `.npz` file, which many of its followers read: `x_train`, `y_train`, `x_test` and `y_test`.

x is N x T x (M V C), padded with zeros to T = 300; for NTU RGB+D M V C = 2 x 25 x 3 = 150. y has a row for each
recording that is 1 at its class and 0 elsewhere; or it is the labels themselves. The recordings have no names: they are
called train_0, train_1, ... as CTR-GCN does. Our own writer adds `beside_train` and `beside_test`, which say what the
arrays have no place for.
"""

import dataclasses
import functools
import math
import pathlib
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

import numpy as np

from data_prep.formats import npy_rows, padded
from data_prep.formats.beside import Beside, from_json, to_json
from dsta_jax.datasets.benchmarks import BENCHMARKS, Benchmark
from dsta_jax.datasets.recording import Collection, Entry, Recording, by_name, entry
from dsta_jax.errors import UserError

_PARTS = ("train", "test")
_NTU = BENCHMARKS["ntu60_cs"]


@dataclasses.dataclass(frozen=True, eq=False)
class _Part:
    """One of the two parts.

    Attributes:
      split: its name.
      rows_NxTxF: the frames, F = M V C.
      frame_shape: V, M and C.
      entries: N.
      confidence: whether the last channel is one.
      beside: what stands beside the array.
    """

    split: str
    rows_NxTxF: npy_rows.ArchivedRows
    frame_shape: tuple[int, int, int]
    entries: list[Entry]
    confidence: bool
    beside: Beside | None


def read(path: pathlib.Path, benchmark: Benchmark | None = None) -> Collection:
    """Reads the labels; the frames are read out of the archive one recording after the other.

    Args:
      path: the `.npz` file.
      benchmark: says how many bodies, joints and channels there are; without it, those of NTU RGB+D, unless something
        beside the arrays does.

    Raises:
      UserError: when the file is no such archive.
    """
    names = npy_rows.names(path)
    present = [part for part in _PARTS if f"x_{part}" in names]
    if not present:
        raise UserError(f"{path}: arrays {', '.join(names[:10]) or 'none'}; expected x_train, y_train, x_test, y_test")
    parts = [_read_part(path, part, f"beside_{part}" in names, benchmark) for part in present]
    splits = {part.split: [one.name for one in part.entries] for part in parts}
    if len(splits) < len(parts):
        raise UserError(f"{path}: both parts are the split {parts[0].split}, by what stands beside them")
    places = [(part, row, one) for part in parts for row, one in enumerate(part.entries)]
    return Collection(
        entries=by_name(path, ((f"{part.rows_NxTxF.place}[{row}]", one) for part, row, one in places)),
        splits=splits,
        read=functools.partial(_read_recording, {one.name: (part, row) for part, row, one in places}),
        class_names=next((part.beside.class_names for part in parts if part.beside), None),
        notes=() if all(part.beside for part in parts) else (f"{path}: the recordings have no names, and get numbers",),
    )


def _read_part(path: pathlib.Path, part: str, has_beside: bool, benchmark: Benchmark | None) -> _Part:
    rows_NxTxF = npy_rows.ArchivedRows(path, f"x_{part}")
    shape, place = rows_NxTxF.shape, rows_NxTxF.place
    if len(shape) != 3 or not all(shape):
        raise UserError(f"{place}: an array of shape {shape}, expected recordings x frames x M V C")
    labels = _labels(npy_rows.ArchivedRows(path, f"y_{part}"), shape[0])
    entries = [entry(f"{part}_{row}", path, label) for row, label in enumerate(labels)]
    if not has_beside:
        known = benchmark or BENCHMARKS["ntu60_cs"]
        _check_size(rows_NxTxF, known.frame_shape, f"of {known.name}; say by --benchmark what it is")
        return _Part(part, rows_NxTxF, known.frame_shape, entries, known.confidence, None)
    text = npy_rows.ArchivedRows(path, f"beside_{part}").row(0).tobytes()
    beside = from_json(text, f"{path}: beside_{part}", shape[0])
    frame_shape = beside.joints, beside.bodies, beside.channels
    _check_size(rows_NxTxF, frame_shape, f"by beside_{part}; copy the file again")
    padded.has_confidence(place, beside.joints, beside.channels, benchmark)
    entries = [beside.entry(row, one) for row, one in enumerate(entries)]
    return _Part(beside.split, rows_NxTxF, frame_shape, entries, beside.confidence, beside)


def _check_size(rows_NxTxF: npy_rows.ArchivedRows, frame_shape: tuple[int, int, int], why: str) -> None:
    if rows_NxTxF.shape[2] != math.prod(frame_shape):
        joints, bodies, channels = frame_shape
        raise UserError(
            f"{rows_NxTxF.place}: {rows_NxTxF.shape[2]} numbers a frame, expected {math.prod(frame_shape)}: {bodies} "
            f"bodies x {joints} joints x {channels} channels {why}"
        )


def _labels(rows: npy_rows.ArchivedRows, recordings: int) -> list[int]:
    """The classes of the recordings, which are whole numbers, or the places of the only 1 in each row."""
    if rows.shape[0] != recordings or len(rows.shape) > 2:
        raise UserError(f"{rows.place}: an array of shape {rows.shape}, expected labels of {recordings} recordings")
    labels = []
    for number in range(recordings):
        row = rows.row(number)
        places = np.flatnonzero(row) if row.ndim else row[None]
        if row.ndim and (len(places) != 1 or row[places[0]] != 1):
            raise UserError(f"{rows.place}[{number}]: {len(places)} numbers that are not 0, expected a single 1")
        if not float(places[0]).is_integer():
            raise UserError(f"{rows.place}[{number}]: {places[0]}, expected a whole number")
        labels.append(int(places[0]))
    return labels


def _read_recording(place_of: Mapping[str, tuple[_Part, int]], wanted: Entry) -> Recording:
    part, row = place_of[wanted.name]
    joints, bodies, channels = part.frame_shape
    frames_TxVxMxC = part.rows_NxTxF.row(row).reshape(-1, bodies, joints, channels).transpose(0, 2, 1, 3)
    if part.beside is None:
        return padded.unpadded(wanted, frames_TxVxMxC, part.confidence)
    recording = padded.unpadded(wanted, frames_TxVxMxC, part.confidence, *part.beside.counts(row))
    return part.beside.with_pictures(row, recording)


def parts(splits: Mapping[str, Any]) -> dict[str, str]:
    """The part of the file that each split becomes: that with `train` in its name `train`, the other one `test`.

    Raises:
      UserError: when there are others.
    """
    part_of = {split: "train" if "train" in split else "test" for split in splits}
    if len(set(part_of.values())) < len(part_of):
        raise UserError(
            f"splits {', '.join(splits)}: expected two, one with 'train' in its name and another; choose with --splits"
        )
    return part_of


def write(file: BinaryIO, collection: Collection, facts_of: Mapping[str, padded.Facts]) -> None:
    """Writes a collection, one recording at a time; `x` is not compressed, as CTR-GCN's own is not.

    Args:
      file: the `.npz` file.
      collection: whose splits share no recording, as `parts` takes them.
      facts_of: of all recordings.

    Raises:
      UserError: when a recording is broken, or they do not fit into one array.
      OSError: when the file cannot be written.
    """
    shape = padded.common_shape(facts_of)
    frame = shape.bodies * shape.joints * shape.channels
    classes = 1 + max(one.label for one in collection.selected)
    if collection.class_names:
        classes = max(classes, len(collection.class_names))
    with zipfile.ZipFile(file, "w") as archive:
        for split, part in parts(collection.splits).items():
            entries = [collection.entries[name] for name in collection.splits[split]]
            x_TxVxMxC = (padded.padded(collection.read(one), shape) for one in entries)
            x_TxMxVxC = (x_TxVxMxC.transpose(0, 2, 1, 3) for x_TxVxMxC in x_TxVxMxC)
            y_K = (np.arange(classes) == one.label for one in entries)
            note = np.frombuffer(to_json(collection, split, facts_of, shape), np.uint8)[None]
            x_shape, y_shape = (len(entries), shape.frames, frame), (len(entries), classes)
            _write_array(archive, f"x_{part}", x_shape, shape.dtype, x_TxMxVxC)
            _write_array(archive, f"y_{part}", y_shape, np.dtype(np.uint8), y_K)
            _write_array(archive, f"beside_{part}", note.shape, note.dtype, note)


def _write_array(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: np.dtype, rows: Iterable[np.ndarray]
) -> None:
    member = zipfile.ZipInfo(f"{name}.npy")  # Of 1980: the same recordings give the same bytes.
    member.external_attr = 0o644 << 16
    with archive.open(member, "w", force_zip64=True) as file:
        npy_rows.write_rows(file, shape, dtype, rows)
