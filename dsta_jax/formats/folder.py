"""A directory of one's own recordings: a file each, and a list of them, `labels.csv`.

`labels.csv` has a header and a line for each recording: `file,label`, and perhaps `subject,camera,setup,split`. `file`
is the path from the directory, `label` a class's name or its number from 0, subject, camera and setup are numbers from
1 or words, split is the part that it belongs to. Without that column, all belong to one, `all`.

A `.npy` file holds T x V x C numbers, T x M x V x C for M bodies, or all of a frame in one row, T x (M V C). NaN is a
joint that was not seen. `csv_frames` says what a `.csv` file is, `pose_json` what a `.json` file or a directory of
OpenPose's is. Files of another kind are described by the source (`own_files`), which may say the labels as well.
"""

import collections
import csv
import dataclasses
import functools
import io
import itertools
import math
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.joint_lists import OtherJoints
from dsta_jax.datasets.own_files import Files
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
from dsta_jax.formats import csv_frames, described, npy_rows, pose_json
from dsta_jax.formats import labels as naming
from dsta_jax.formats.described import LIST

_NEEDED, _SPLIT = ("file", "label"), "split"
_COLUMNS = (*_NEEDED, *ORIGINS, _SPLIT)
_MOST_MISSING = 1_000  # So many may be broken; of more, it is the wrong directory.


def read(directory: pathlib.Path, source: Source | None = None, labelled: bool = True) -> Collection:
    """Reads the list; if recordings are not `labelled`, labels are 0, and the list need not have them.

    The source says how many joints, bodies and channels there are, and the classes' names. Without it, only `.npy`
    files can be read, and named classes are numbered in alphabetical order. Where it says how files are written and
    where labels stand, there need be no list. Raises UserError when there is none, or it is not as it must be.
    """
    described_by = source.files if source else None
    if source and described_by and described_by.labelled:
        return described.read(directory, source, described_by, labelled)
    if described_by and described_by.many_in_a_file:
        raise UserError(f"{directory}: files of several recordings without labels; say label in columns of [files]")
    path, first = directory / LIST, described_by.first_label if described_by else 0
    lines = _lines(path, _NEEDED if labelled else _NEEDED[:1])
    labels = sorted({line["label"] for _, line in lines}) if labelled else []
    class_names = source.label_names if source else None if all(map(naming.WHOLE.fullmatch, labels)) else tuple(labels)
    if class_names and len(class_names) > MOST_CLASSES:
        raise UserError(f"{path}: {len(class_names)} different labels, expected at most {MOST_CLASSES} classes")
    class_of = {name: number for number, name in enumerate(class_names or ())}
    if source:
        naming.check_names(path, labels, class_of)
    files = [_file(place, directory, line["file"], any_kind=bool(described_by)) for place, line in lines]
    origins, notes = {}, _unlisted(path, files, say=not described_by)
    for column in ORIGINS:
        origins[column], mixed = naming.numbers_or_words([line.get(column, "") for _, line in lines])
        notes += [f"{path}: {column} {mixed!r} is no number: all of this column count as words"] if mixed else []
    found = []
    for number, (place, line) in enumerate(lines):
        known = {column: values[number] for column, values in origins.items()}
        name = str(pathlib.PurePosixPath(files[number]).with_suffix(""))
        label = naming.label_of(place, line["label"], class_of, first) if labelled else 0
        found.append((place, entry(name, directory / files[number], label, **known)))
    entries = by_name(path, found)
    splits: dict[str, list[str]] = {}
    for name, (_, line) in zip(entries, lines, strict=True):
        splits.setdefault(line.get(_SPLIT, ALL), []).append(name)
    csv_paths = [one.path for one in entries.values() if one.path.suffix.lower() == ".csv"]
    others = [one.path for one in entries.values() if one.path.suffix.lower() != ".npy"]
    if others and source is None:
        kind = f"{others[0].suffix} files" if others[0].suffix else "directories"
        raise UserError(f"{path}: lists {kind}; say by --benchmark which of their numbers are joints and bodies")
    if source is not None and not described_by:
        concluded = collections.Counter(note for path in csv_paths for note in _conclusions(path, source))
        of_all = f"of {len(csv_paths)} .csv files"
        notes += [f"{directory}: {what} in {count} {of_all}" for what, count in concluded.items()]
    source = dataclasses.replace(source, find=None) if source else None  # Other processes need not have it.
    read_one = functools.partial(read_recording, source=source)
    return Collection(entries, splits, read_one, class_names, tuple(notes), parallel=True)


def _lines(path: pathlib.Path, needed: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
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
    if not set(needed) <= set(columns) <= set(_COLUMNS) or len(set(columns)) < len(columns):
        raise UserError(f"{place}: columns {shown(','.join(header))}, expected some of {','.join(_COLUMNS)}")
    lines = []
    for place, row in rows[1:]:
        if len(row) != len(columns):
            raise UserError(f"{place}: {len(row)} cells, expected {len(columns)}: {','.join(columns)}")
        line = dict(zip(columns, row, strict=True))
        for column in (*needed, _SPLIT):
            if not line.get(column, ALL):
                raise UserError(f"{place}: no {column}, expected one in every line")
        lines.append((place, line))
    return lines


def _file(place: str, directory: pathlib.Path, text: str, any_kind: bool) -> str:
    """The path of a recording from the directory on, which may be written as in Windows."""
    file = pathlib.PureWindowsPath(text)
    if (
        file.anchor
        or ".." in file.parts
        or not (any_kind or file.suffix.lower() in _READERS or (directory / file.as_posix()).is_dir())
    ):
        raise UserError(f"{place}: file {shown(text)}, expected a .npy, .csv or .json file in {directory}")
    return file.as_posix()


def _unlisted(path: pathlib.Path, files: Sequence[str], say: bool) -> list[str]:
    """Says which files are not listed; UserError when very many of those that are listed are missing."""
    found = (one for one in path.parent.rglob("*") if one.suffix.lower() in (".npy", ".csv"))
    there = {one.relative_to(path.parent).as_posix() for one in found}
    missing = [file for file in files if file not in there and not (path.parent / file).exists()]
    if len(missing) > _MOST_MISSING:
        count = f"{len(missing)} of {len(files)} files are not there, {shown(missing[0])} first"
        raise UserError(f"{path}: {count}; copy them to {path.parent}, or correct the list")
    unlisted = sorted(there - {LIST, *files}) if say else []
    return [f"{path} does not list {len(unlisted)} of the files there, {unlisted[0]} first"] if unlisted else []


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
    if source and (source.files or wanted.path.is_dir()):
        return described.read_recording(wanted, source, source.files or Files())
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
        message = f"{path}: {' x '.join(map(str, array.shape)) or 'a single number'}, expected {expected}"
        if source and array.ndim in (3, 4) and array.shape[-1] == channels and array.shape[-2] != joints:
            raise OtherJoints(message, source.layout, array.shape[-2])
        raise UserError(message)
    return array.reshape(len(array), -1, joints, channels)


_READERS: dict[str, Callable[[pathlib.Path, Any], np.ndarray]] = {
    ".npy": _read_npy,
    ".csv": lambda path, source: csv_frames.read(path, source.frame_shape),
    ".json": lambda path, source: pose_json.read(path, source, Files().keypoints),
}
