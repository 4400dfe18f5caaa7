"""CTR-GCN's `.npz` file, which many of its followers read: `x_train`, `y_train`, `x_test` and `y_test`.

x is N x T x (M V C), padded with zeros to T = 300; for NTU RGB+D M V C = 2 x 25 x 3 = 150. y has a row for each
recording that is 1 at its class and 0 elsewhere; or it is the labels themselves, N or N x 1. The recordings have no
names: they are called train_0, train_1, ... as CTR-GCN does. Further parts, such as x_val and y_val, are read
alike. Our own writer adds `beside_train` and `beside_test`, which say what the arrays have no place for.
"""

import math
import pathlib
import zipfile
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.recording import MOST_RECORDINGS, Collection, entry
from dsta_jax.errors import UserError
from dsta_jax.formats import npy_rows, padded

_NTU = 25, 2, 3  # V, M and C of NTU RGB+D.


def read(path: pathlib.Path, source: Source | None = None, labelled: bool = True) -> Collection:
    """Reads the labels; V, M and C are said by what stands beside the arrays, the source, or else NTU RGB+D.

    If they are not `labelled`, labels are 0 and there need be none.
    """
    names = npy_rows.names(path)
    present = sorted((name[2:] for name in names if name.startswith("x_")), key=lambda part: part != "train")
    if not present:
        raise UserError(f"{path}: arrays {', '.join(names[:10]) or 'none'}; expected x_train, y_train, x_test, y_test")
    parts = [_read_part(path, part, f"beside_{part}" in names, source, labelled) for part in present]
    if len({part.split for part in parts}) < len(parts):
        raise UserError(
            f"{path}: two parts are one split, of {', '.join(part.split for part in parts)}, by what stands beside them"
        )
    nameless = not all(part.beside for part in parts)
    return padded.collection(path, parts, [f"{path}: the recordings have no names, and get numbers"] * nameless)


def _read_part(path: pathlib.Path, part: str, has_beside: bool, source: Source | None, labelled: bool) -> padded.Part:
    rows_NxTxF = npy_rows.ArchivedRows(path, f"x_{part}")
    shape, place = rows_NxTxF.shape, rows_NxTxF.place
    if len(shape) != 3 or not all(shape[1:]):
        raise UserError(f"{place}: an array of shape {shape}, expected recordings x frames x M V C")
    if shape[0] > MOST_RECORDINGS:
        raise UserError(f"{place}: {shape[0]} recordings, expected at most {MOST_RECORDINGS}")
    labels = _labels(npy_rows.ArchivedRows(path, f"y_{part}"), shape[0]) if labelled else [0] * shape[0]
    entries = [entry(f"{part}_{row}", path, label) for row, label in enumerate(labels)]
    beside, frame_shape = None, source.frame_shape if source else _NTU
    why = f"of {source.name if source else 'NTU RGB+D'}; say by --benchmark what it is"
    if has_beside:
        text = npy_rows.ArchivedRows(path, f"beside_{part}").row(0).tobytes()
        beside = padded.read_beside(text, f"{path}: beside_{part}", shape[0])
        frame_shape, why = beside["frame_shape"], f"by beside_{part}; copy the file again"
    joints, bodies, channels = frame_shape
    if shape[2] != math.prod(frame_shape):
        expected = f"{math.prod(frame_shape)}: {bodies} bodies x {joints} joints x {channels} channels"
        raise UserError(f"{place}: {shape[2]} numbers a frame, expected {expected} {why}")
    confidence = padded.has_confidence(place, joints, channels, source)

    def row(number: int) -> np.ndarray:
        return rows_NxTxF.row(number).reshape(-1, bodies, joints, channels).transpose(0, 2, 1, 3)

    found = padded.Part(part, place, entries, row, confidence)
    return found.with_beside(beside) if beside else found


def _labels(rows: npy_rows.ArchivedRows, recordings: int) -> list[int]:
    """The classes of the recordings: whole numbers, or of more than one column the places of the only 1 in each row."""
    if rows.shape[0] != recordings or len(rows.shape) > 2 or 0 in rows.shape[1:]:
        raise UserError(f"{rows.place}: an array of shape {rows.shape}, expected labels of {recordings} recordings")
    labels = []
    for number in range(recordings):
        row = np.atleast_1d(rows.row(number))
        places = np.flatnonzero(row)
        if len(row) > 1 and (len(places) != 1 or row[places[0]] != 1):
            raise UserError(f"{rows.place}[{number}]: {len(places)} numbers that are not 0, expected a single 1")
        label = float(places[0] if len(row) > 1 else row[0])
        if not label.is_integer():
            raise UserError(f"{rows.place}[{number}]: {label}, expected a whole number")
        labels.append(int(label))
    return labels


def part_of(splits: Iterable[str]) -> dict[str, str]:
    """The part that each split becomes: that with `train` in its name `train`, the other `test`; UserError for more."""
    part = {split: "train" if "train" in split else "test" for split in splits}
    if len(set(part.values())) < len(part):
        expected = "expected two, one with 'train' in its name and another"
        raise UserError(f"splits {', '.join(splits)}: {expected}; choose with --splits")
    return part


def write(file: BinaryIO, collection: Collection, outlines: padded.Outlines) -> None:
    """Writes splits as `part_of` takes them; UserError when one is broken, or they do not fit into one array."""
    common_TxVxMxC = padded.common_outline(outlines)
    frames, joints, bodies, channels = common_TxVxMxC.shape
    # Two at least: a single column would be read as the labels themselves.
    classes = max([2, len(collection.class_names or ()), *(1 + one.label for one in collection.selected)])
    with zipfile.ZipFile(file, "w") as archive:
        for split, part in part_of(collection.splits).items():
            labels = [collection.entries[name].label for name in collection.splits[split]]
            x_shape, y_shape = (len(labels), frames, bodies * joints * channels), (len(labels), classes)
            x_TxMxVxC = (x.transpose(0, 2, 1, 3) for x in padded.rows(collection, split, common_TxVxMxC))
            y_K = (np.arange(classes) == label for label in labels)
            note = np.frombuffer(padded.beside(collection, split, outlines, common_TxVxMxC), np.uint8)[None]
            _write_array(archive, f"x_{part}", x_shape, common_TxVxMxC.dtype, x_TxMxVxC)
            _write_array(archive, f"y_{part}", y_shape, np.dtype(np.uint8), y_K)
            _write_array(archive, f"beside_{part}", note.shape, note.dtype, note)


def _write_array(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: np.dtype, rows: Iterable[np.ndarray]
) -> None:
    member = zipfile.ZipInfo(f"{name}.npy")  # Of 1980: the same recordings give the same bytes.
    member.external_attr = 0o644 << 16
    with archive.open(member, "w", force_zip64=True) as file:
        npy_rows.write_rows(file, shape, dtype, rows)
