"""The pair of files that ST-GCN and 2s-AGCN train on: for each split, an array and a pickle with names and labels.

In a directory, `SPLIT_data_joint.npy` (or `SPLIT_data.npy`), N x C x T x V x M, padded with zeros (mostly to T = 300),
and `SPLIT_label.pkl`, the names and the labels of the N recordings. Our own writer adds `SPLIT_beside.json`, which says
what the array has no place for.
"""

import contextlib
import pathlib
import pickle
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.recording import Collection, entry, integer
from dsta_jax.errors import UserError, shown
from dsta_jax.files import MOST_TEXT, complete_file, readable, regular
from dsta_jax.formats import npy_rows, padded, safe_pickle

_ARRAYS, _LABELS, _BESIDE = ("_data_joint.npy", "_data.npy"), "_label.pkl", "_beside.json"
_SPLIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def read(directory: pathlib.Path, source: Source | None = None) -> Collection:
    """Reads names and labels of all splits, and maps the arrays; the source says whether there is a confidence."""
    parts = [_read_part(path, source) for path in _label_files(directory)]
    guessed = [part for part in parts if part.entries and part.beside is None and source is None]
    unsure = any(part.row(0).shape[-1] == 3 for part in guessed)
    return padded.collection(directory, parts, [padded.UNSURE] * unsure)


def _label_files(directory: pathlib.Path) -> list[pathlib.Path]:
    """The files of labels, those for training first."""
    if not directory.is_dir():
        raise UserError(f"{directory}: not a directory, expected one with SPLIT{_ARRAYS[0]} and SPLIT{_LABELS}")
    found = {path.name.removesuffix(_LABELS): path for path in directory.glob(f"*{_LABELS}")}
    for ending in _ARRAYS:
        for path in directory.glob(f"*{ending}"):
            if (split := path.name.removesuffix(ending)) not in found:
                raise UserError(f"{path}: no {split}{_LABELS} beside it")
    if not found:
        raise UserError(f"{directory}: no files SPLIT{_LABELS} there, nor SPLIT{_ARRAYS[0]}")
    return [found[split] for split in sorted(found, key=lambda split: ("train" not in split, split))]


def _read_part(labels: pathlib.Path, source: Source | None) -> padded.Part:
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
    confidence = padded.has_confidence(str(arrays[0]), shape[3], shape[1], source)

    def row(number: int) -> np.ndarray:
        return np.array(array_NxCxTxVxM[number]).transpose(1, 2, 3, 0)

    part = padded.Part(split, str(labels), entries, row, confidence)
    note = labels.with_name(split + _BESIDE)
    if not note.exists():
        return part
    with readable(note, "JSON"):
        text = regular(note, MOST_TEXT).read_bytes()
    beside = padded.read_beside(text, str(note), shape[0])
    if beside["columns"]["name"] != names:
        raise UserError(f"{note}: its names are not those of {labels.name}; copy both again, or remove it")
    return part.with_beside(beside)


def _names_and_labels(path: pathlib.Path) -> tuple[list[str], list[int]]:
    contents = safe_pickle.load(path)
    if not isinstance(contents, list | tuple) or len(contents) != 2:
        raise UserError(f"{path}: {shown(contents)}, expected a pair of names and labels")
    columns = [part.tolist() if isinstance(part, np.ndarray) else part for part in contents]
    for what, column in zip(("names", "labels"), columns, strict=True):
        if not isinstance(column, list | tuple):
            raise UserError(f"{path}: {shown(column)} as the {what}, expected a list")
    names, labels = columns
    if len(names) != len(labels):
        raise UserError(f"{path}: {len(names)} names, but {len(labels)} labels")
    for row, (name, label) in enumerate(zip(names, labels, strict=True)):
        if not isinstance(name, str) or integer(label) is None:
            found = f"name {shown(name)}, label {shown(label)}"
            raise UserError(f"{path}: entry {row}: {found}, expected text and a number")
    return list(map(str, names)), list(map(int, labels))


def files(directory: pathlib.Path, splits: Iterable[str]) -> list[pathlib.Path]:
    """The files that are written for the splits."""
    return [directory / f"{split}{ending}" for split in splits for ending in (_ARRAYS[0], _LABELS, _BESIDE)]


def check_output(directory: pathlib.Path, splits: Mapping[str, Any], overwrite: bool) -> None:
    """Raises UserError where files are that may not be replaced, or other splits', or a name is no file's name."""
    for split in splits:
        if not _SPLIT.fullmatch(split):
            raise UserError(f"split {split!r}: its name begins a file's name, expected letters, digits, _, . and -")
    if directory.exists() and not directory.is_dir():
        raise UserError(f"{directory}: a file, expected a directory or nothing")
    written = files(directory, splits)
    for ending in (*_ARRAYS, _LABELS, _BESIDE):
        for path in directory.glob(f"*{ending}"):
            if path not in written:
                raise UserError(f"{path}: would be read as a part of what is written; choose another --out, or move it")
            if not overwrite:
                raise UserError(f"{path}: is there already; add --overwrite to replace it")


def write(directory: pathlib.Path, collection: Collection, outlines: padded.Outlines) -> None:
    """Writes a collection whose splits share no recording; UserError when one is broken, or they do not fit.

    While files that are there are replaced, arrays stand without labels, and are refused.
    """
    common_TxVxMxC = padded.common_outline(outlines)
    row = common_TxVxMxC.transpose(3, 0, 1, 2).shape
    paths = {split: files(directory, [split]) for split in collection.splits}
    with contextlib.ExitStack() as opened:
        # What is opened first gets its name last.
        labels_of = {split: opened.enter_context(complete_file(path)) for split, (_, path, _) in paths.items()}
        for split, names in collection.splits.items():
            array, note = (opened.enter_context(complete_file(path)) for path in paths[split][::2])
            rows = (x_TxVxMxC.transpose(3, 0, 1, 2) for x_TxVxMxC in padded.rows(collection, split, common_TxVxMxC))
            npy_rows.write_rows(array, (len(names), *row), common_TxVxMxC.dtype, rows)
            pickle.dump((list(names), [collection.entries[name].label for name in names]), labels_of[split], protocol=4)
            note.write(padded.beside(collection, split, outlines, common_TxVxMxC))
        for _, labels, _ in paths.values():
            labels.unlink(missing_ok=True)
