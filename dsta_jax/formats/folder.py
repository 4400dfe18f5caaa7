"""A directory of one's own recordings: a `.npy` or `.csv` file each, and a list of them, `labels.csv`.

`labels.csv` has a header and a line for each recording: `file,label`, and perhaps `subject,camera,setup,split`. `file`
is the path from the directory, `label` a class's name or its number from 0, subject, camera and setup are numbers from
1 or words, split is the part that it belongs to. Without that column, all belong to one, `all`.

A `.npy` file holds T x V x C numbers, T x M x V x C for M bodies, or all of a frame in one row, T x (M V C). `.csv`
files are described in `csv_frames`. NaN is a joint that was not seen.
"""

import collections
import csv
import dataclasses
import functools
import io
import itertools
import math
import pathlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.recording import (
    ALL,
    MOST_CLASSES,
    MOST_RECORDINGS,
    ORIGINS,
    Collection,
    Entry,
    Recording,
    by_name,
    entry,
)
from dsta_jax.errors import UserError, shown
from dsta_jax.formats import csv_frames, npy_rows

LIST = "labels.csv"
_NEEDED, _SPLIT = ("file", "label"), "split"
_COLUMNS = (*_NEEDED, *ORIGINS, _SPLIT)
_MOST_MISSING = 1_000  # So many may be broken; of more, it is the wrong directory.
_WHOLE = re.compile(r"([0-9]{1,9})(\.0*)?")  # pandas writes 1.0 in a column where a number is missing.


def read(directory: pathlib.Path, source: Source | None = None) -> Collection:
    """Reads the list.

    The source says how many joints, bodies and channels there are, and the classes' names. Without it, `.csv` files
    cannot be read, and named classes are numbered in alphabetical order. Raises UserError when there is no such list,
    or it is not as it must be.
    """
    path = directory / LIST
    lines = _lines(path)
    labels = sorted({line["label"] for _, line in lines})
    class_names = source.label_names if source else None if all(map(_WHOLE.fullmatch, labels)) else tuple(labels)
    if class_names and len(class_names) > MOST_CLASSES:
        raise UserError(f"{path}: {len(class_names)} different labels, expected at most {MOST_CLASSES} classes")
    class_of = {name: number for number, name in enumerate(class_names or ())}
    if source:
        _check_names(path, labels, class_of)
    files = [_file(place, directory, line["file"]) for place, line in lines]
    origins, notes = {}, _unlisted(path, files)
    for column in ORIGINS:
        origins[column], mixed = _numbers_or_words([line.get(column, "") for _, line in lines])
        notes += [f"{path}: {column} {mixed!r} is no number: all of this column count as words"] if mixed else []
    found = []
    for number, (place, line) in enumerate(lines):
        known = {column: values[number] for column, values in origins.items()}
        name, label = files[number].rpartition(".")[0], _label(place, line["label"], class_of)
        found.append((place, entry(name, directory / files[number], label, **known)))
    entries = by_name(path, found)
    splits: dict[str, list[str]] = {}
    for name, (_, line) in zip(entries, lines, strict=True):
        splits.setdefault(line.get(_SPLIT, ALL), []).append(name)
    csv_paths = [one.path for one in entries.values() if one.path.suffix.lower() == ".csv"]
    if csv_paths and source is None:
        raise UserError(f"{path}: lists .csv files; say by --benchmark which of their numbers are joints and bodies")
    if source is not None:
        source = dataclasses.replace(source, find=None)  # Other processes need not have it.
        concluded = collections.Counter(note for path in csv_paths for note in _conclusions(path, source))
        of_all = f"of {len(csv_paths)} .csv files"
        notes += [f"{directory}: {what} in {count} {of_all}" for what, count in concluded.items()]
    read_one = functools.partial(read_recording, source=source)
    return Collection(entries, splits, read_one, class_names, tuple(notes), parallel=True)


def _lines(path: pathlib.Path) -> list[tuple[str, dict[str, str]]]:
    """The lines of the list: the place, and the cells by column."""
    text = csv_frames.read_text(path)
    delimiter = max(",;\t", key=text.strip().partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    if (count := text.count("\n")) > 2 * MOST_RECORDINGS:
        raise UserError(f"{path}: {count} lines, expected at most {MOST_RECORDINGS} recordings")
    try:
        rows = [(f"{path}:{reader.line_num}", [cell.strip() for cell in row]) for row in reader if "".join(row).strip()]
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num}: not comma-separated text ({error})") from error
    place, header = rows[0] if rows else (f"{path}:1", [])
    columns = [column.lower() for column in header]
    if not set(_NEEDED) <= set(columns) <= set(_COLUMNS) or len(set(columns)) < len(columns):
        raise UserError(f"{place}: columns {shown(','.join(header))}, expected some of {','.join(_COLUMNS)}")
    lines = []
    for place, row in rows[1:]:
        if len(row) != len(columns):
            raise UserError(f"{place}: {len(row)} cells, expected {len(columns)}: {','.join(columns)}")
        line = dict(zip(columns, row, strict=True))
        for column in (*_NEEDED, _SPLIT):
            if not line.get(column, ALL):
                raise UserError(f"{place}: no {column}, expected one in every line")
        lines.append((place, line))
    return lines


def _numbers_or_words(cells: Sequence[str]) -> tuple[list[int | str], str]:
    """A column's values, 0 for an unknown one, and a word among numbers, which are words as well then."""
    known = ["" if cell.lower() in csv_frames.MISSING else cell for cell in cells]
    words = [cell for cell in known if cell and not _WHOLE.fullmatch(cell)]
    values = [(cell if words else int(float(cell))) if cell else 0 for cell in known]
    return values, words[0] if words and any(map(_WHOLE.fullmatch, known)) else ""


def _file(place: str, directory: pathlib.Path, text: str) -> str:
    """The path of a recording from the directory on, which may be written as in Windows."""
    file = pathlib.PureWindowsPath(text)
    if file.suffix.lower() not in _READERS or file.anchor or ".." in file.parts:
        raise UserError(f"{place}: file {shown(text)}, expected a .npy or .csv file in {directory}")
    return file.as_posix()


def _check_names(path: pathlib.Path, labels: Sequence[str], class_of: Mapping[str, int]) -> None:
    """Raises UserError when labels may be numbers as well as names: where a class is called by a number."""
    names = [label for label in labels if label in class_of and _WHOLE.fullmatch(label)]
    numbers = [label for label in labels if label not in class_of and _WHOLE.fullmatch(label)]
    if names and numbers:
        found = f"label {names[0]} is a class's name, and label {numbers[0]} is none"
        raise UserError(f"{path}: {found}; write names for all of them")


def _unlisted(path: pathlib.Path, files: Sequence[str]) -> list[str]:
    """Says which files are not listed; UserError when very many of those that are listed are missing."""
    found = (one for one in path.parent.rglob("*") if one.suffix.lower() in _READERS)
    there = {one.relative_to(path.parent).as_posix() for one in found}
    missing = [file for file in files if file not in there and not (path.parent / file).exists()]
    if len(missing) > _MOST_MISSING:
        count = f"{len(missing)} of {len(files)} files are not there, {shown(missing[0])} first"
        raise UserError(f"{path}: {count}; copy them to {path.parent}, or correct the list")
    unlisted = sorted(there - {LIST, *files})
    return [f"{path} does not list {len(unlisted)} of the files there, {unlisted[0]} first"] if unlisted else []


def _label(place: str, text: str, class_of: Mapping[str, int]) -> int:
    """The number of a class that is called by its name or its number; any number where no names are known."""
    if text in class_of:
        return class_of[text]
    number = int(match[1]) if (match := _WHOLE.fullmatch(text)) else -1
    if not 0 <= number < len(class_of or range(10**9)):
        first = ", ".join(itertools.islice(class_of, 10))
        names = f" from 0 below {len(class_of)}, or one of {first}" if class_of else ""
        raise UserError(f"{place}: label {shown(text)}, expected a number{names[:200]}")
    return number


def _conclusions(path: pathlib.Path, source: Source) -> tuple[str, ...]:
    """What is concluded of how a `.csv` file is written."""
    try:
        return csv_frames.style_of(csv_frames.read_text(path, csv_frames.HEAD), source.frame_shape).notes
    except UserError:  # It is reported when the recording is read.
        return ()


def read_recording(wanted: Entry, source: Source | None) -> Recording:
    """Reads a recording of the source's shape; without a source, a fourth channel is a confidence."""
    if not wanted.path.exists():
        raise UserError(f"{wanted.path}: no such file, but {LIST} names it")
    frames_TxMxVxC = _READERS[wanted.path.suffix.lower()](wanted.path, source)
    confidence = source.confidence if source else frames_TxMxVxC.shape[3] == 4
    return Recording.of_channels(frames_TxMxVxC.transpose(0, 2, 1, 3), confidence)


def _read_npy(path: pathlib.Path, source: Source | None) -> np.ndarray:
    array = npy_rows.mapped(path)
    expected = "frames x joints x channels, or frames x bodies x joints x channels"
    if source is None:
        fits = array.ndim in (3, 4) and array.shape[-1] in (2, 3, 4)
        joints, channels = array.shape[-2:] if fits else (0, 0)
    else:
        joints, bodies, channels = source.frame_shape
        frames = [(frame := (number, joints, channels), (math.prod(frame),)) for number in range(1, bodies + 1)]
        fits = array.shape[1:] in [(joints, channels), *itertools.chain(*frames)]
        expected += f", or all of a frame in one row: {joints} joints, {channels} channels, at most {bodies} bodies"
    if not array.size or not fits:
        raise UserError(f"{path}: {' x '.join(map(str, array.shape)) or 'a single number'}, expected {expected}")
    return array.reshape(len(array), -1, joints, channels)


_READERS: dict[str, Callable[[pathlib.Path, Any], np.ndarray]] = {
    ".npy": _read_npy,
    ".csv": lambda path, source: csv_frames.read(path, source.frame_shape),
}
